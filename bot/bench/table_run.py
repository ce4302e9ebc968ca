"""One import, reading or export in a process of its own, for rows_tables: `import SETTINGS FILE`, `read …`,
`export SETTINGS FORM`.

Prints rows a second, the MiB this process has grown by, and the MiB of the biggest process beside it.
"""

import asyncio
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from bot.bench.rows_tables import grown_mib
from bot.cli.session import opened
from bot.cli.sheets import exported, resources
from bot.config import load
from crm_core.access import Actor
from crm_core.importing import imports, running
from crm_core.importing.reader import Order, Page, read_table
from crm_core.importing.refused import RefusedFile

ACTOR = Actor.of_system("bench")


async def _import(settings: Path, table: Path) -> tuple[int, float]:
    async with opened(load(settings, os.environ)) as core:
        row = await imports.create(core, ACTOR, "leads", file_name=table.name, by_server=False)
        await imports.take_file(core, row, table, imports.digest_of(core, table))
        begun = time.perf_counter()
        with RefusedFile(settings.with_name("refused.csv"), "leads") as refused:
            done = await running.run(core, row, ACTOR, refused=refused)
        return int(done.new_count), time.perf_counter() - begun


async def _read(settings: Path, table: Path) -> tuple[int, float]:
    """Read, match and validate, and write nothing: what an import does before the database is asked."""
    own = load(settings, os.environ).core
    order = Order(path=str(table), kind="leads", imports=own.imports, leads=own.leads)
    begun, count = time.perf_counter(), 0
    async for frame in read_table(order):
        count += len(frame.rows) if isinstance(frame, Page) else 0
    return count, time.perf_counter() - begun


async def _export(settings: Path, form: str) -> tuple[int, float]:
    async with opened(load(settings, os.environ)) as core:
        with tempfile.NamedTemporaryFile() as stream:
            begun = time.perf_counter()
            count = await exported(core, ACTOR, resources()["leads"], form, stream)
            return count, time.perf_counter() - begun


def main() -> None:
    """Do one thing and tell how fast."""
    what, settings, rest = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    work = {"import": _import, "read": _read}.get(what)
    count, took = asyncio.run(work(settings, Path(rest)) if work else _export(settings, rest))
    beside = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(count / took, grown_mib(before), beside)


if __name__ == "__main__":
    main()
