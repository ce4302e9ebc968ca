"""Notices reach the account an employee used last, once per key."""

from datetime import timedelta

from crm_core.accounts import Account
from crm_core.conversations import Message
from scheduler.notices import tell
from tests.factories import make_employee


async def test_the_account_used_last_is_told_once(core, clock):
    employee = await make_employee(core, staff_id="old")
    new = await Account.add(core, channel="dingtalk", external_id="new", person_kind="employee", person_id=employee.person_id)
    await new.change(core, last_inbound_at=clock.now() + timedelta(minutes=1))
    assert await core.db.run(tell(core, employee.id, "你好", key="k")) is True
    assert await core.db.run(tell(core, employee.id, "你好", key="k")) is False
    message = await Message.get(direction="out")
    assert (message.external_account, message.account_id, message.guarantee) == ("new", new.id, "at_least_once")


async def test_who_has_no_account_or_is_nobody_is_not_told(core):
    from dataclasses import replace

    employee = await make_employee(core)
    assert await core.db.run(tell(core, employee.id, "你好", key="k")) is False
    assert await core.db.run(tell(core, None, "你好", key="k")) is False
    assert await core.db.run(tell(replace(core, staff_channels=frozenset()), employee.id, "你好", key="k")) is False
