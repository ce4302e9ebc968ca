"""Todos that come out of deals: next steps and taken-up proposals."""

from datetime import UTC, datetime

import pytest

from crm_core.access import Role
from crm_core.conversations import Message
from crm_core.employees import Employee, actor_of
from crm_core.errors import Invalid, NotFound, Refused
from crm_core.ports import Core
from crm_core.repeat_purchases import ProposalAnswered, PurchaseProposal, answer
from scheduler.opportunity_todos import accept_proposal, leave_next_step, undo_proposal
from scheduler.reminders import Reminder
from tests.factories import SYSTEM, make_actor, make_deal, make_employee

TOMORROW = datetime(2026, 11, 26, 1, tzinfo=UTC)


async def test_a_manager_leaves_a_todo_for_the_owner_who_is_told(core: Core) -> None:
    boss = await make_employee(core, "老周", Role.MANAGER)
    owner = await make_employee(core, staff_id="s-wang", manager_id=boss.id)
    deal = await make_deal(core, await actor_of(owner))
    made = await leave_next_step(core, await actor_of(await Employee.get(id=boss.id)), deal.id, text=" 约高层 ")
    assert (made.owner_id, made.text, made.at) == (owner.id, "智能网关：约高层", TOMORROW)
    assert await Message.filter(direction="out", topic="next_step").count() == 1
    for actor, kind in ((await make_actor(core, "小李"), NotFound), (await make_actor(core, "老板", Role.VIEWER), Refused)):
        with pytest.raises(kind):
            await leave_next_step(core, actor, deal.id, text="约高层")
    with pytest.raises(Invalid):
        await leave_next_step(core, SYSTEM, deal.id, text=" ")
    with pytest.raises(Invalid):
        await leave_next_step(core, SYSTEM, (await make_deal(core, SYSTEM)).id, text="约高层")


async def test_a_proposal_is_answered_once_and_can_be_taken_back(core: Core) -> None:
    owner = await make_employee(core)
    actor = await actor_of(owner)
    deal = await make_deal(core, actor, status="won")
    row = await PurchaseProposal.add(
        core, opportunity_id=deal.id, customer_id=deal.customer_id, owner_id=owner.id, kind="repeat", product="网关"
    )
    with pytest.raises(NotFound):
        await accept_proposal(core, await make_actor(core, "小李"), row.id)
    _, made = await accept_proposal(core, actor, row.id)
    assert (made.at, made.owner_id) == (TOMORROW, owner.id)
    with pytest.raises(ProposalAnswered):
        await answer(core, actor, row.id, accept=False)
    assert (await undo_proposal(core, actor, row.id, made.id)).status == "open"
    assert (await Reminder.get()).status == "cancelled"
    await answer(core, actor, row.id, accept=False)
    assert (await undo_proposal(core, actor, row.id, 0)).status == "open"
