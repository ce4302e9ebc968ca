"""One import, reading or export in a process of its own, for rows_tables: `import SETTINGS FILE`, `read …`,
`export SETTINGS FORM`.

Prints rows a second, the MiB this process has grown by once it has its database open, and
the MiB of the biggest process beside it.
"""

import asyncio
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

from bot.bench.rows_tables import memory_mib
from bot.cli.session import opened
from bot.cli.sheets import exported, resources
from bot.config import load
from crm_core.access import Actor
from crm_core.importing import imports, running
from crm_core.importing.reader import Order, Page, read_table
from crm_core.importing.refused import RefusedFile

LOOK_EVERY = 0.05
"""Seconds between two looks at the processes beside."""
ACTOR = Actor.of_system("bench")


async def _import(settings: Path, table: Path) -> tuple[int, float, float]:
    async with opened(load(settings, os.environ)) as core:
        row = await imports.create(core, ACTOR, "leads", file_name=table.name, by_server=False)
        await imports.take_file(core, row, table, imports.digest_of(core, table))
        before, begun = memory_mib("self", "VmRSS"), time.perf_counter()
        with RefusedFile(settings.with_name("refused.csv"), "leads") as refused:
            done = await running.run(core, row, ACTOR, refused=refused)
        return int(done.new_count), time.perf_counter() - begun, before


async def _read(settings: Path, table: Path) -> tuple[int, float, float]:
    """Read, match and validate, and write nothing: what an import does before the database is asked."""
    own = load(settings, os.environ).core
    order = Order(path=str(table), kind="leads", imports=own.imports, leads=own.leads)
    before, begun, count = memory_mib("self", "VmRSS"), time.perf_counter(), 0
    async for frame in read_table(order):
        count += len(frame.rows) if isinstance(frame, Page) else 0
    return count, time.perf_counter() - begun, before


async def _export(settings: Path, form: str) -> tuple[int, float, float]:
    async with opened(load(settings, os.environ)) as core:
        with tempfile.NamedTemporaryFile() as stream:
            before, begun = memory_mib("self", "VmRSS"), time.perf_counter()
            count = await exported(core, ACTOR, resources()["leads"], form, stream)
            return count, time.perf_counter() - begun, before


class _Beside(threading.Thread):
    """Looks, while the work is done, how much the processes beside it hold at most."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most_mib = 0.0

    def run(self) -> None:
        """Look again and again; ends with the process."""
        children = Path(f"/proc/self/task/{os.getpid()}/children")
        while True:
            for pid in children.read_text().split():
                self.most_mib = max(self.most_mib, memory_mib(pid, "VmHWM"))
            time.sleep(LOOK_EVERY)


def main() -> None:
    """Do one thing and tell how fast."""
    what, settings, rest = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    work = {"import": _import, "read": _read}.get(what)
    watch = _Beside()
    watch.start()
    count, took, before = asyncio.run(work(settings, Path(rest)) if work else _export(settings, rest))
    print(count / took, memory_mib("self", "VmHWM") - before, watch.most_mib)


if __name__ == "__main__":
    main()
