"""An import from its file to its end: the dry run that counts, the run that writes, and going on after a kill.

Reading and checking happen in a process of their own (reader.py), writing page by page, so that others get the writer between
two pages. Reading order: `check`, `run`.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from crm_core import access, change_sets, employees
from crm_core.access import Actor, Role
from crm_core.employees import Employee
from crm_core.errors import CrmError
from crm_core.importing import imports, undoing
from crm_core.importing.imports import Import, ImportStatus, ImportStopped
from crm_core.importing.planning import Plan, plan, split
from crm_core.importing.reader import Head, Order, Page, read_table
from crm_core.importing.refused import RefusedFile
from crm_core.importing.standing import Sight
from crm_core.importing.writing import Job, Tally, stopped_rows, write
from crm_core.messages import Body
from crm_core.ports import Core

Told = Callable[[int, int], Awaitable[None]]
"""Told the lines done and the lines there are, about."""


Ending = Callable[[Import], Awaitable[Sequence[Body]]]
"""Tells what is said of an import that is about to end."""


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
    new = duplicate = bad = 0
    head = Head([], [], 0, "")
    async with aclosing(read_table(order)) as frames:
        async for frame in frames:
            if isinstance(frame, Head):
                head = frame
                continue
            planned = await core.db.read(plan(row.kind, frame.rows, Sight(actor)))
            again = set(frame.repeats)
            lines = [line for line, _ in frame.rows]
            known = {line for line, each in zip(lines, planned.existing, strict=True) if each is not None or line in again}
            stopped = planned.blocked.keys() - known
            new += len(lines) - len(known) - len(stopped)
            duplicate, bad = duplicate + len(known), bad + len(frame.refused) + len(stopped)
            if refused is not None:
                await asyncio.to_thread(refused.add, frame.refused)
            await told(frame.last_line, head.lines)
    return Counted(new, duplicate, bad, tuple(head.labels), tuple(head.unknown))


async def run(
    core: Core,
    row: Import,
    actor: Actor,
    *,
    told: Told = _silent,
    refused: RefusedFile | None = None,
    ending: Ending | None = None,
) -> Import:
    """Write an import to its end, from where it stopped; what cannot be read to its end is taken back whole.

    `ending` is asked what is said of it, which then goes out with the end, once, whatever is killed when.

    Raises: Invalid for what is wrong with the file; ImportStopped when it was cancelled meanwhile.
    """
    row = await _begin(core, row, actor)
    job = await _job(core, row, actor, keeps_refused=refused is None)
    try:
        async with aclosing(read_table(await order_for(core, row, actor))) as frames:
            await _write_all(job, frames, row.cursor, told, refused)
    except ImportStopped:
        raise  # whoever stopped it, or goes on with it, ends it
    except CrmError as error:
        # Taken back in part when this process dies here, it is taken back by the next one, which meets the same error.
        await undoing.take_back(core, row)
        await imports.end(core, row, ImportStatus.FAILED, imports.why_not(row, error), problem=error.sentence())
        raise
    said = await ending(await Import.get(id=row.id)) if ending else ()
    return await _finish(core, row, actor, said)


_BEGINS = (ImportStatus.CHECKING, ImportStatus.READY, ImportStatus.QUEUED, ImportStatus.RUNNING)


async def _begin(core: Core, row: Import, actor: Actor) -> Import:
    async with core.db.transaction():
        if row.set_id is None:
            changes = await change_sets.begin(core, actor, "import", f"导入{row.label}")
            await Import.filter(id=row.id, set_id=None).update(set_id=changes.id, updated_at=core.clock.now())
        # The condition is in the update itself: one that was cancelled meanwhile stays so.
        query = Import.filter(id=row.id, status__in=[each.value for each in _BEGINS])
        if not await query.update(status=ImportStatus.RUNNING.value, updated_at=core.clock.now()):
            raise ImportStopped
        return await Import.get(id=row.id)


async def _job(core: Core, row: Import, actor: Actor, *, keeps_refused: bool) -> Job:
    if row.set_id is None:
        raise AssertionError("an import without its change set")
    label, unit = f"导入{row.label}", await employees.unit_of(actor.employee_id)
    return Job(core, actor, row.id, row.set_id, row.kind, row.on_duplicate, label, row.source, unit, keeps_refused)


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
            if refused is not None and tally.stopped:
                stopped = stopped_rows(job, frame, tally)
                await asyncio.to_thread(refused.add, [(line, why, said) for line, said, why in stopped])
        await told(frame.last_line, lines)


async def write_page(job: Job, page: Page, cursor: int) -> Tally:
    """Look up and write one page; what was written up to the cursor stays out of it."""
    rows = [row for row in page.rows if row[0] > cursor]
    first, again = split(job.kind, rows)
    planned: Plan = await job.core.db.read(plan(job.kind, first, job.sight))
    return await job.core.db.run(partial(write, job, page, planned, again, cursor))


async def _note_head(job: Job, head: Head) -> None:
    await Import.filter(id=job.id).update(
        line_count=head.lines, columns="、".join(head.labels)[:1000], unknown_columns="、".join(head.unknown)[:1000]
    )


async def _finish(core: Core, row: Import, actor: Actor, said: Sequence[Body]) -> Import:
    now = core.clock.now()
    async with core.db.transaction():
        query = Import.filter(id=row.id, status=ImportStatus.RUNNING.value)
        if await query.update(status=ImportStatus.DONE.value, finished_at=now, updated_at=now):
            done = await Import.get(id=row.id)
            counts = {"new": done.new_count, "changed": done.changed_count, "bad": done.bad_count}
            await access.record(core, actor, f"{row.kind}.import", done, after={"rule": row.on_duplicate, **counts})
            for body in said:
                await imports.tell(core, done, body)
    if row.by_server:
        await asyncio.to_thread(Path(row.path).unlink, missing_ok=True)
    return await Import.get(id=row.id)


async def already(row: Import) -> Import | None:
    """Find the import that brought the very same file; then there is nothing to do."""
    return await imports.done_before(row)
