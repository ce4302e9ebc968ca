"""Taking an import back (撤销导入): page by page from its end, so that it holds up nobody and goes on after a kill.

What was put back is struck from the list of changes in the same transaction. Records that somebody has worked on since stay,
and are counted.
"""

from collections.abc import Callable

from crm_core import access, change_sets
from crm_core.access import Actor
from crm_core.change_sets import ChangeSet, Undone
from crm_core.importing import imports
from crm_core.importing.imports import Import, ImportStatus
from crm_core.messages import Body
from crm_core.ports import Core, Program

PAGE = 1_000
UNTOUCHED = {
    "leads": "updated_at = claimed_at AND last_follow_up_at IS NULL AND customer_id IS NULL AND merged_into_id IS NULL"
    " AND claim_count = 0 AND EXISTS (SELECT 1 FROM offers o WHERE o.lead_id = leads.id AND o.employee_id = leads.owner_id"
    " AND o.status = 'given' AND NOT EXISTS (SELECT 1 FROM changed_rows c WHERE c.table_name = 'offers' AND c.row_id = o.id))",
}
"""What the house itself did with a new lead since, giving it to somebody by rule, is nobody's work on it; a claim by hand is,
and so is a word to whom it goes, which is noted in a change set.
"""


async def take_back(core: Core, row: Import) -> Undone:
    """Put back whatever an import changed, a page at a time; what was put back before a kill is counted too."""
    if row.set_id is None:
        return Undone(0, 0)
    while await core.db.run(_put_back_page(core, row.set_id)):
        pass
    now = core.clock.now()
    await ChangeSet.filter(id=row.set_id, undone_at=None).update(undone_at=now, updated_at=now)
    await core.db.run(_end_offers(core))
    changes = await ChangeSet.get(id=row.set_id)
    return Undone(changes.undone_count, changes.left_count)


def _put_back_page(core: Core, set_id: int) -> Program[bool]:
    done = yield from change_sets.put_back_page(core, set_id, PAGE, UNTOUCHED)
    if done is None:
        return False
    counts = "undone_count = undone_count + ?, left_count = left_count + ?"
    yield f"UPDATE change_sets SET {counts} WHERE id = ? AND undone_at IS NULL", (done.rows, done.left, set_id)  # noqa: S608
    return True


async def undo(core: Core, row: Import, actor: Actor, *, said: Callable[[Undone], Body] | None = None) -> Undone:
    """Carry out what `imports.ask_undo` asked for; what is `said` of it goes out with its end."""
    done = await take_back(core, row)
    now = core.clock.now()
    async with core.db.transaction():
        query = Import.filter(id=row.id, status=ImportStatus.UNDOING.value)
        if await query.update(status=ImportStatus.UNDONE.value, finished_at=now, updated_at=now):
            await core.db.run(_empty_quarantine(row.id))
            after = {"rows": done.rows, "left": done.left}
            await access.record(core, actor, "import.undo", ("imports", row.id), after=after)
            if said is not None:
                await imports.tell(core, row, said(done))
    return done


def _end_offers(core: Core) -> Program[None]:
    # Nobody is asked any more about a lead that is gone.
    now = core.clock.now()
    yield (
        "UPDATE offers SET status = 'overridden', answered_at = ?, updated_at = ? WHERE status = 'open'"
        " AND NOT EXISTS (SELECT 1 FROM leads l WHERE l.id = offers.lead_id)",
        (now, now),
    )


def _empty_quarantine(number: int) -> Program[None]:
    # With the import its refused rows go too: whoever imports the file again gets them again.
    yield "DELETE FROM quarantined_rows WHERE import_id = ? AND status = 'waiting'", (number,)


async def undo_now(core: Core, actor: Actor, number: int) -> Undone:
    """Ask for an undo and carry it out at once, for a command that waits."""
    row = await imports.ask_undo(core, actor, number)
    return await undo(core, row, actor)
