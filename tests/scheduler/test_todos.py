"""Todos given to colleagues: who may, and what cannot be done twice."""

from datetime import timedelta

import pytest

from crm_core.access import Role
from crm_core.errors import Invalid, NotFound, Refused
from crm_core.ports import Core
from scheduler import reminders, todos
from scheduler.reminders import ReminderClosed
from scheduler.todos import NotGiven
from tests.factories import make_actor, make_employee


async def test_only_a_working_colleague_gets_something_to_do_later(core: Core) -> None:
    actor, taker = await make_actor(core), await make_employee(core, "小李")
    viewer = await make_actor(core, "旁观", Role.VIEWER)
    soon = core.clock.now() + timedelta(hours=1)
    for to, text, at in ((actor.employee_id, "x", soon), (taker.id, " ", soon), (taker.id, "x", core.clock.now())):
        with pytest.raises(Invalid):
            await todos.give(core, actor, to or 0, text=text, at=at)
    with pytest.raises(Refused):
        await todos.give(core, actor, viewer.employee_id or 0, text="x", at=soon)
    with pytest.raises(Refused):
        await todos.give(core, viewer, taker.id, text="x", at=soon)


async def test_what_was_answered_or_is_closed_stays_so(core: Core) -> None:
    actor, taker, other = [await make_actor(core, name) for name in ("小王", "小李", "小陈")]
    soon = core.clock.now() + timedelta(hours=1)
    own = await reminders.create(core, actor, text="自己的", at=soon)
    with pytest.raises(NotGiven):
        await todos.answer(core, actor, own.id, accept=True)
    row = await todos.give(core, actor, taker.employee_id or 0, text="发报价", at=soon)
    with pytest.raises(NotFound):
        await todos.answer(core, other, row.id, accept=True)
    with pytest.raises(NotFound):
        await todos.take_back(core, taker, row.id, None)
    await todos.answer(core, taker, row.id, accept=True)
    with pytest.raises(NotGiven):
        await todos.answer(core, taker, row.id, accept=False)
    await reminders.complete(core, taker, row.id)
    for again in (todos.take_back(core, actor, row.id, None), todos.hand_on(core, taker, row.id, other.employee_id or 0)):
        with pytest.raises(ReminderClosed):
            await again
    repeated = await reminders.create(core, actor, text="周会", at=soon, repeat="weekly:MO")
    with pytest.raises(Invalid):
        await todos.hand_on(core, actor, repeated.id, taker.employee_id or 0)
