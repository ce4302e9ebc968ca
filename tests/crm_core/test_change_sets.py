"""Change sets: taken back as one, newest first, and nothing of what came later by hand is lost."""

from functools import partial

import pytest

from crm_core import change_sets
from crm_core.change_sets import ChangeSet, ChangeSetUndone, LaterChangesFirst, Undone
from crm_core.errors import NotFound
from crm_core.leads import Lead
from crm_core.ports import Core
from tests.factories import SYSTEM, make_actor, make_lead


async def rename(core: Core, lead: Lead, name: str) -> ChangeSet:
    async with core.db.transaction():
        made = await change_sets.begin(core, SYSTEM, "test", f"改名{name}")
        await core.db.run(partial(change_sets.change_row, core, made.id, "leads", lead.id, {"name": name, "region": "上海"}))
    return made


async def test_a_set_is_taken_back_once(core: Core) -> None:
    lead = await make_lead(core, "张伟", region="北京")
    made = await rename(core, lead, "张玮")
    assert (await Lead.get(id=lead.id)).name == "张玮"
    assert await change_sets.undo(core, SYSTEM, made.id) == Undone(1, 0)
    back = await Lead.get(id=lead.id)
    assert (back.name, back.region) == ("张伟", "北京")
    with pytest.raises(ChangeSetUndone):
        await change_sets.undo(core, SYSTEM, made.id)


async def test_what_was_changed_by_hand_since_stays(core: Core) -> None:
    lead = await make_lead(core, "张伟", region="北京")
    made = await rename(core, lead, "张玮")
    await (await Lead.get(id=lead.id)).change(core, name="张炜")
    assert await change_sets.undo(core, SYSTEM, made.id) == Undone(1, 1)
    back = await Lead.get(id=lead.id)
    assert (back.name, back.region) == ("张炜", "北京")


async def test_later_sets_are_taken_back_first(core: Core) -> None:
    lead = await make_lead(core, "张伟")
    first, second = await rename(core, lead, "张玮"), await rename(core, lead, "张炜")
    with pytest.raises(LaterChangesFirst):
        await change_sets.undo(core, SYSTEM, first.id)
    await change_sets.undo(core, SYSTEM, second.id)
    await change_sets.undo(core, SYSTEM, first.id)
    assert (await Lead.get(id=lead.id)).name == "张伟"


async def test_rows_made_go_and_rows_taken_come_back(core: Core) -> None:
    made_lead, taken = await make_lead(core, "新来的"), await make_lead(core, "走的")
    whole = await Lead.filter(id=taken.id).values()
    async with core.db.transaction():
        made = await change_sets.begin(core, SYSTEM, "test", "一进一出")
        await core.db.run(partial(change_sets.note_made, core, made.id, "leads", made_lead.id))
        await core.db.run(partial(change_sets.take_row, core, made.id, "leads", taken.id))
    assert not await Lead.exists(id=taken.id)
    assert await change_sets.undo(core, SYSTEM, made.id) == Undone(2, 0)
    assert not await Lead.exists(id=made_lead.id)
    assert await Lead.filter(id=taken.id).values() == whole


async def test_a_row_somebody_worked_on_is_not_taken_away(core: Core) -> None:
    lead = await make_lead(core, "新来的")
    async with core.db.transaction():
        made = await change_sets.begin(core, SYSTEM, "test", "导入")
        await core.db.run(partial(change_sets.note_made, core, made.id, "leads", lead.id))
    core.clock.advance(60)  # type: ignore[attr-defined]
    await (await Lead.get(id=lead.id)).change(core, name="老王")
    assert await change_sets.undo(core, SYSTEM, made.id) == Undone(0, 1, stayed=1)
    assert await Lead.exists(id=lead.id)


async def test_nobody_takes_back_what_a_stranger_did(core: Core) -> None:
    seller = await make_actor(core)
    lead = await make_lead(core, "张伟")
    made = await rename(core, lead, "张玮")
    with pytest.raises(NotFound):
        await change_sets.undo(core, seller, made.id)
    assert (await Lead.get(id=lead.id)).name == "张玮"
