"""Taking back needs the right to change each record as things are now; what one gave away, while nobody worked on it."""

from dataclasses import replace

import pytest

from crm_core import activities, assignment, change_sets, custom_fields, scoring
from crm_core.access import Role
from crm_core.change_sets import LaterChangesFirst, LaterOfOthers
from crm_core.custom_fields import OwnFieldValue
from crm_core.employees import actor_of
from crm_core.errors import Refused
from crm_core.field_rules import FieldSettings, OwnFields
from crm_core.leads import Lead
from crm_core.ports import Core
from crm_core.undo_rights import GivenAway, TakenUp
from tests.factories import SYSTEM, make_actor, make_employee, make_lead


async def give(core: Core, lead: Lead, owner_id: int | None) -> None:
    async with core.db.transaction():
        await (await Lead.get(id=lead.id)).change(core, owner_id=owner_id)


async def test_somebody_elses_lead_is_not_changed_by_an_old_undo(core: Core) -> None:
    one, other = await make_actor(core, name="小甲"), await make_actor(core, name="小乙")
    lead = await make_lead(core, "李四", owner_id=one.employee_id)
    made = await scoring.set_grade(core, one, "lead", lead.id, "A")
    for owner_id in (other.employee_id, None):
        await give(core, lead, owner_id)
        with pytest.raises(GivenAway):
            await change_sets.undo(core, one, made.id)
        assert (await Lead.get(id=lead.id)).hand_grade == "A"
    await give(core, lead, one.employee_id)
    await change_sets.undo(core, one, made.id)
    assert (await Lead.get(id=lead.id)).hand_grade != "A"


async def test_a_lead_given_away_comes_back_until_it_is_worked_on(core: Core) -> None:
    one, other = await make_actor(core, name="小甲"), await make_actor(core, name="小乙")
    lead = await make_lead(core, "王五", owner_id=one.employee_id)
    assert other.employee_id is not None
    made = await assignment.assign(core, one, [lead.id], other.employee_id)
    await change_sets.undo(core, one, made.id)
    assert (await Lead.get(id=lead.id)).owner_id == one.employee_id
    made = await assignment.assign(core, one, [lead.id], other.employee_id)
    await activities.add_follow_up(
        core, other, activities.Subject("lead", lead.id, lead.name, lead.person_id, other.employee_id), summary="谈好了"
    )
    with pytest.raises(TakenUp):
        await change_sets.undo(core, one, made.id)
    assert (await Lead.get(id=lead.id)).owner_id == other.employee_id
    await change_sets.undo(core, SYSTEM, made.id)


async def test_a_manager_takes_back_what_the_team_owns(core: Core) -> None:
    boss = await make_employee(core, "老周", Role.MANAGER)
    mine, foreign = await make_actor(core, "小丁", manager_id=boss.id), await make_actor(core, "小乙")
    manager = await actor_of(boss)
    lead = await make_lead(core, "赵六", owner_id=boss.id)
    made = await scoring.set_grade(core, manager, "lead", lead.id, "A")
    await give(core, lead, foreign.employee_id)
    with pytest.raises(GivenAway):
        await change_sets.undo(core, manager, made.id)
    await give(core, lead, mine.employee_id)
    await change_sets.undo(core, manager, made.id)


async def test_own_fields_count_as_the_record_they_hang_on(core: Core) -> None:
    settings = OwnFields((FieldSettings("lead", "hobby", "爱好"),))
    core = replace(core, settings=replace(core.settings, fields=settings))
    one, other = await make_actor(core, "小甲"), await make_actor(core, "小乙")
    lead = await make_lead(core, "李四", owner_id=one.employee_id)
    for word, left in (("钓鱼", 1), ("", 0)):
        await give(core, lead, one.employee_id)
        number = await custom_fields.set_fields(core, one, "lead", lead.id, {"hobby": word})
        await give(core, lead, other.employee_id)
        with pytest.raises(GivenAway):
            await change_sets.undo(core, one, number)
        assert await OwnFieldValue.all().count() == left


async def test_a_later_set_is_named_only_to_whom_it_shows(core: Core) -> None:
    one = await make_actor(core, name="小甲")
    lead = await make_lead(core, "赵六", owner_id=one.employee_id)
    made = await scoring.set_grade(core, one, "lead", lead.id, "B")
    theirs = await scoring.set_grade(core, SYSTEM, "lead", lead.id, "A")
    with pytest.raises(LaterOfOthers) as refused:
        await change_sets.undo(core, one, made.id)
    assert "赵六" not in str(refused.value.fields) + refused.value.sentence()
    await change_sets.undo(core, SYSTEM, theirs.id)
    await scoring.set_grade(core, one, "lead", lead.id, "C")
    with pytest.raises(LaterChangesFirst):
        await change_sets.undo(core, one, made.id)


async def test_a_token_takes_back_only_what_it_could_have_done(core: Core) -> None:
    boss = await make_actor(core, "陈经理", Role.ADMIN)
    lead = await make_lead(core, "李四")
    made = await scoring.set_grade(core, boss, "lead", lead.id, "A")
    for scopes in ({"change-sets:write"}, {"change-sets:write", "contacts:write"}):
        with pytest.raises(Refused):
            await change_sets.undo(core, boss.narrowed(frozenset(scopes)), made.id)
    assert (await Lead.get(id=lead.id)).hand_grade == "A"
    await change_sets.undo(core, boss.narrowed(frozenset({"change-sets:write", "leads:write"})), made.id)
    assert (await Lead.get(id=lead.id)).hand_grade == ""
