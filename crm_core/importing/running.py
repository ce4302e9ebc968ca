"""An import from its file to its end: the dry run that counts, the run that writes, and going on after a kill.

Reading and checking happen in a process of their own (reader.py), writing page by page, so that others get the writer between
two pages. Reading order: `check`, `run`.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from crm_core import access, change_sets
from crm_core.access import Actor, Role
from crm_core.employees import Employee
from crm_core.errors import CrmError
from crm_core.importing import imports, undoing
from crm_core.importing.finding import said_of
from crm_core.importing.imports import Import, ImportStatus
from crm_core.importing.reader import Head, Order, Page, read_table
from crm_core.importing.refused import RefusedFile
from crm_core.importing.rows import Reason
from crm_core.importing.writing import Job, Plan, Tally, plan, split, write
from crm_core.ports import Core

Told = Callable[[int, int], Awaitable[None]]
"""Told the lines done and the lines there are, about."""


async def _silent(_: int, __: int) -> None:
    return


@dataclass(frozen=True, slots=True)
class Counted:
    """What a dry run found. `problem`: why the table cannot be imported at all."""

    new: int = 0
    duplicate: int = 0
    bad: int = 0
    columns: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """Rows with something in them."""
        return self.new + self.duplicate + self.bad


async def order_for(core: Core, row: Import, actor: Actor, *, mark_repeats: bool = False) -> Order:
    """Write down what the reading process needs to know."""
    owners: dict[str, int | None] = {}
    staff = Employee.filter(departed_at=None)
    if actor.role is Role.SALES:
        staff = staff.filter(id=actor.employee_id)
    for number, name in await staff.values_list("id", "name"):
        owners[str(name)] = None if name in owners else int(number)
    channels = sorted(name for name in core.reach if name not in core.staff_channels)
    settings = core.settings
    return Order(
        path=row.path,
        kind=row.kind,
        imports=settings.imports,
        leads=settings.leads,
        owners=owners,
        channels=channels,
        source=row.source,
        mark_repeats=mark_repeats,
    )


async def check(core: Core, row: Import, actor: Actor, *, told: Told = _silent, refused: RefusedFile | None = None) -> Counted:
    """Count what an import would do, and write nothing (试运行). Raises: Invalid for what is wrong with the file."""
    order = await order_for(core, row, actor, mark_repeats=True)
    new = duplicate = bad = lines = 0
    head = Head([], [], 0, "")
    async with aclosing(read_table(order)) as frames:
        async for frame in frames:
            if isinstance(frame, Head):
                head, lines = frame, frame.lines
                continue
            planned = await core.db.read(plan(row.kind, frame.rows))
            again = set(frame.repeats)
            known = sum(each is not None or line in again for each, (line, _) in zip(planned.known, frame.rows, strict=True))
            new, duplicate, bad = new + len(frame.rows) - known, duplicate + known, bad + len(frame.refused)
            if refused is not None:
                await asyncio.to_thread(refused.add, frame.refused)
            await told(frame.last_line, lines)
    return Counted(new, duplicate, bad, tuple(head.labels), tuple(head.unknown))


async def run(core: Core, row: Import, actor: Actor, *, told: Told = _silent, refused: RefusedFile | None = None) -> Import:
    """Write an import to its end, from where it stopped; what cannot be read to its end is taken back whole.

    Raises: Invalid for what is wrong with the file; ImportStopped when it was cancelled meanwhile.
    """
    row = await _begin(core, row, actor)
    job = _job(core, row, actor, keeps_refused=refused is None)
    try:
        async with aclosing(read_table(await order_for(core, row, actor))) as frames:
            await _write_all(job, frames, row.cursor, told, refused)
    except CrmError as error:
        await _fail(core, row, error)
        raise
    return await _finish(core, row, actor)


async def _begin(core: Core, row: Import, actor: Actor) -> Import:
    async with core.db.transaction():
        if row.set_id is None:
            changes = await change_sets.begin(core, actor, "import", f"导入{row.label}")
            await Import.filter(id=row.id, set_id=None).update(set_id=changes.id, updated_at=core.clock.now())
        await Import.filter(id=row.id).update(status=ImportStatus.RUNNING.value, updated_at=core.clock.now())
        return await Import.get(id=row.id)


def _job(core: Core, row: Import, actor: Actor, *, keeps_refused: bool) -> Job:
    if row.set_id is None:
        raise AssertionError("an import without its change set")
    label = f"导入{row.label}"
    return Job(core, actor, row.id, row.set_id, row.kind, row.on_duplicate, label, row.source, keeps_refused)


async def _write_all(
    job: Job, frames: AsyncIterator[Head | Page], cursor: int, told: Told, refused: RefusedFile | None
) -> None:
    lines = 0
    async for frame in frames:
        if isinstance(frame, Head):
            lines = frame.lines
            await _note_head(job, frame)
            continue
        if refused is not None and frame.refused:
            await asyncio.to_thread(refused.add, frame.refused)
        if frame.last_line > cursor:
            tally = await write_page(job, frame, cursor)
            cursor = frame.last_line
            if refused is not None and tally.foreign:
                await asyncio.to_thread(refused.add, _foreign(job, frame, tally))
        await told(frame.last_line, lines)


async def write_page(job: Job, page: Page, cursor: int) -> Tally:
    """Look up and write one page; what was written up to the cursor stays out of it."""
    rows = [row for row in page.rows if row[0] > cursor]
    first, again = split(job.kind, rows)
    planned: Plan = await job.core.db.read(plan(job.kind, first))
    return await job.core.db.run(partial(write, job, page, planned, again, cursor))


def _foreign(job: Job, page: Page, tally: Tally) -> list[tuple[int, Sequence[Reason], Mapping[str, str]]]:
    values = dict(page.rows)
    said = {line: said_of(job.kind, values[line]) for line, _ in tally.foreign}
    return [(line, [("", why)], {name: str(each) for name, each in said[line].items() if each}) for line, why in tally.foreign]


async def _note_head(job: Job, head: Head) -> None:
    await Import.filter(id=job.id).update(
        line_count=head.lines, columns="、".join(head.labels)[:1000], unknown_columns="、".join(head.unknown)[:1000]
    )


async def _fail(core: Core, row: Import, error: CrmError) -> None:
    """Note why it ended, and take back what was written."""
    now = core.clock.now()
    query = Import.filter(id=row.id, status=ImportStatus.RUNNING.value)
    if await query.update(status=ImportStatus.FAILED.value, problem=error.sentence()[:200], finished_at=now, updated_at=now):
        await undoing.take_back(core, await Import.get(id=row.id))


async def _finish(core: Core, row: Import, actor: Actor) -> Import:
    now = core.clock.now()
    async with core.db.transaction():
        query = Import.filter(id=row.id, status=ImportStatus.RUNNING.value)
        if await query.update(status=ImportStatus.DONE.value, finished_at=now, updated_at=now):
            done = await Import.get(id=row.id)
            counts = {"new": done.new_count, "changed": done.changed_count, "bad": done.bad_count}
            await access.record(core, actor, f"{row.kind}.import", done, after={"rule": row.on_duplicate, **counts})
    if row.by_server:
        await asyncio.to_thread(Path(row.path).unlink, missing_ok=True)
    return await Import.get(id=row.id)


async def already(row: Import) -> Import | None:
    """Find the import that brought the very same file; then there is nothing to do."""
    return await imports.done_before(row)
