"""Mails on the timeline: whose they are, whom they are about, once each."""

from datetime import timedelta

import pytest

from crm_core import customers, mails, timeline
from crm_core.access import Role
from crm_core.activities import FollowUp
from crm_core.conversations import Message
from crm_core.customers import Contact
from crm_core.employees import Employee, actor_of
from crm_core.errors import Invalid, Refused
from crm_core.mails import AddressTaken, Mail, NobodyMeant, Received, UnknownSender
from crm_core.ports import Core
from tests.factories import make_actor, make_employee

MAIL = Received(
    "d1", "wang@example.cn", ("li@yunfan.cn", "x@other.cn"), "报价单", "李总您好，附件是报价", None, 900, ("报价.pdf",)
)


async def known(core: Core) -> tuple[Employee, Contact]:
    seller = await make_employee(core, staff_id="staff-1")
    actor = await actor_of(seller)
    customer = await customers.add_customer(core, actor, name="云帆科技")
    contact = await customers.add_contact(core, actor, name="李娜", customer_id=customer.id, email="Li@yunfan.cn")
    await mails.set_address(core, actor, seller.id, "wang@example.cn")
    return seller, contact


async def test_a_colleagues_mail_is_their_record(core: Core) -> None:
    seller, contact = await known(core)
    made = await mails.take(core, MAIL)
    assert made is not None
    assert (made.method, made.author_id, made.subject_id) == ("email", seller.id, contact.id)
    assert made.summary == "报价单\n李总您好，附件是报价\n附件：报价.pdf"
    assert (await Contact.get(id=contact.id)).last_follow_up_at == core.clock.now()
    page = await timeline.page(core, await actor_of(seller), person_id=contact.person_id)
    assert any("邮件，报价单" in entry.text for entry in page.entries)
    assert await mails.take(core, MAIL) is None
    assert (await FollowUp.all().count(), await Mail.all().count()) == (1, 1)


async def test_a_customers_mail_is_theirs_and_the_owner_is_told(core: Core) -> None:
    _, contact = await known(core)
    at = core.clock.now() - timedelta(hours=2)
    made = await mails.take(core, Received("d2", "li@yunfan.cn", ("wang@example.cn",), "能便宜些吗", "请回复", at))
    assert made is not None
    assert (made.author_id, made.at, made.summary) == (None, at, "客户来信：能便宜些吗\n请回复")
    assert (await Contact.get(id=contact.id)).last_follow_up_at is None
    assert (await Message.get(key=f"mail:{made.id}")).text == "【客户来信】李娜：能便宜些吗"


async def test_strangers_and_mails_about_nobody_leave_nothing(core: Core) -> None:
    await known(core)
    with pytest.raises(UnknownSender):
        await mails.take(core, Received("d3", "spam@evil.example", ("wang@example.cn",), "中奖", ""))
    with pytest.raises(NobodyMeant):
        await mails.take(core, Received("d4", "wang@example.cn", ("nobody@other.cn",), "你好", ""))
    peer = await make_actor(core, "小陈")
    await mails.set_address(core, peer, peer.employee_id or 0, "chen@example.cn")
    with pytest.raises(NobodyMeant):
        await mails.take(core, Received("d5", "chen@example.cn", ("li@yunfan.cn",), "撬单", ""))
    assert await FollowUp.all().count() == await Mail.all().count() == 0
    assert not await mails.is_known(core, "spam@evil.example")
    assert await mails.is_known(core, "li@yunfan.cn")


async def test_an_address_is_ones_own(core: Core) -> None:
    seller, _ = await known(core)
    peer, admin = await make_actor(core, "小陈"), await make_actor(core, "管理", Role.ADMIN)
    with pytest.raises(AddressTaken):
        await mails.set_address(core, peer, peer.employee_id or 0, "wang@example.cn")
    with pytest.raises(Refused):
        await mails.set_address(core, peer, seller.id, "w2@example.cn")
    with pytest.raises(Invalid):
        await mails.set_address(core, peer, peer.employee_id or 0, "chen@")
    row = await mails.set_address(core, admin, seller.id, "w2@example.cn")
    with pytest.raises(Refused):
        await mails.drop_address(core, peer, row.id)
    await mails.drop_address(core, admin, row.id)
    assert await mails.is_known(core, "w2@example.cn") is False
