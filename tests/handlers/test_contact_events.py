"""External contacts through the recording transaction: order of events, repeats, welcomes that are too late."""

from datetime import timedelta

import pytest

from crm_core.accounts import Account
from crm_core.conversations import Message
from crm_core.leads import Lead
from crm_core.messages import Address, InboundMessage, Kind
from crm_core.ports import Core
from handlers.contact_details import Contact, take_contact
from handlers.pipeline import take
from tests.factories import make_employee
from tests.fakes import FakeClock


@pytest.fixture
def wecom(core: Core) -> Core:
    from dataclasses import replace

    made = replace(core, staff_channels=frozenset({"dingtalk", "wecom"}), group_channels=frozenset({"wecom"}))
    made.outbox.bind(made)  # type: ignore[attr-defined]
    return made


def event(core: Core, change: str, *, after: float = 0, **data: object) -> InboundMessage:
    at = core.clock.now() + timedelta(seconds=after)
    return InboundMessage(
        address=Address("wecom", "wmX"),
        key=f"{change}:{after}:{sorted(data.items())}",
        kind=Kind.EVENT,
        at=at,
        event="change_external_contact",
        about_customer=True,
        data={"change_type": change, "user_id": "zhangsan", "external_user_id": "wmX", **data},
    )


async def happens(core: Core, message: InboundMessage) -> None:
    taken = await core.db.run(take(core, message, passive=True))
    assert taken.done


async def bound(core: Core) -> int:
    employee = await make_employee(core, "张三")
    await Account.add(core, channel="wecom", external_id="zhangsan", person_kind="employee", person_id=employee.person_id)
    return int(employee.id)


async def test_repeats_and_returns_make_nothing_new(wecom: Core) -> None:
    owner = await bound(wecom)
    added = event(wecom, "add_external_contact", state="s")
    await happens(wecom, added)
    await happens(wecom, added)
    await happens(wecom, event(wecom, "del_follow_user", after=1))
    assert (await Account.get(external_id="wmX")).unfollowed_at is not None
    await happens(wecom, event(wecom, "add_half_external_contact", after=2, state="other"))
    account = await Account.get(external_id="wmX")
    assert account.unfollowed_at is None
    lead = await Lead.get()
    assert (lead.owner_id, lead.source, lead.name) == (owner, "s", f"企微客户{account.id}")
    assert await Message.filter(key__startswith="contact_added").count() == 1


async def test_an_addition_that_arrives_after_its_end_stays_ended(wecom: Core) -> None:
    await bound(wecom)
    await happens(wecom, event(wecom, "del_external_contact", after=5))
    await happens(wecom, event(wecom, "add_external_contact"))
    assert (await Account.get(external_id="wmX")).unfollowed_at is not None


async def test_a_welcome_whose_code_has_ended_is_not_queued(wecom: Core, clock: FakeClock) -> None:
    now = int(clock.now().timestamp())
    await happens(wecom, event(wecom, "add_external_contact", welcome_code="W1", welcome_deadline=now))
    assert not await Message.filter(topic="welcome").exists()
    await happens(wecom, event(wecom, "msg_audit_approved", welcome_code="W2", welcome_deadline=now + 20))
    assert await Message.filter(topic="welcome", status="queued").count() == 1


async def test_a_transfer_is_no_loss_of_words(wecom: Core) -> None:
    await bound(wecom)
    await happens(wecom, event(wecom, "add_external_contact"))
    await happens(wecom, event(wecom, "del_external_contact", after=1, source="DELETE_BY_TRANSFER"))
    told = await Message.filter(key__startswith="contact_lost").values_list("text", flat=True)
    assert len(told) == 1
    assert "转接" in told[0]


async def test_a_member_renamed_keeps_the_account(wecom: Core) -> None:
    await bound(wecom)
    message = InboundMessage(
        address=Address("wecom", "sys"),
        key="rename",
        kind=Kind.EVENT,
        at=wecom.clock.now(),
        event="change_contact",
        data={"change_type": "update_user", "user_id": "zhangsan", "new_user_id": "zhang.san"},
    )
    await happens(wecom, message)
    assert (await Account.get(channel="wecom")).external_id == "zhang.san"


async def test_details_give_a_name_only_where_nobody_wrote_one(wecom: Core) -> None:
    await bound(wecom)
    await happens(wecom, event(wecom, "add_external_contact"))
    told = Contact(Address("wecom", "wmX"), "赵六", "东风机械", "采购", (("zhangsan", wecom.clock.now(), ""),))
    await wecom.db.run(take_contact(wecom, told))
    lead = await Lead.get()
    assert (lead.name, lead.company, lead.title) == ("赵六", "东风机械", "采购")
    await Lead.all().update(name="赵总")
    await wecom.db.run(take_contact(wecom, told))
    assert (await Lead.get()).name == "赵总"
