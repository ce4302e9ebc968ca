"""Messages over the API."""

from datetime import timedelta

from crm_core.access import Role
from crm_core.conversations import Message
from crm_core.ports import Core
from tests.bot.api.conftest import Caller
from tests.bot.api.test_leads import Make
from tests.factories import make_customer_account, make_lead


async def test_messages_are_read_by_account_by_those_who_may_see_the_person(core: Core, admin: Caller, caller: Make) -> None:
    owner, other = await caller(Role.SALES, employee=True), await caller(Role.SALES, employee=True)
    assert owner.employee is not None
    account = await make_customer_account(core, await make_lead(core, owner_id=owner.employee.id), "o1")
    for number, (kind, text) in enumerate([("event", ""), ("text", "多少钱？")]):
        at = core.clock.now() + timedelta(seconds=number)
        same = {"channel": "wechat", "external_account": "o1", "account_id": account.id, "direction": "in", "status": "open"}
        await Message.add(core, **same, kind=kind, text=text, at=at, key=f"key{number}", external_id=f"m{number}")
    for one in (admin, owner):
        found = (await one.get(f"/messages?account_id={account.id}&direction=in&channel=wechat"))["items"]
        assert [(row["kind"], row["text"], row["status"]) for row in found] == [
            ("text", "多少钱？", "open"),
            ("event", "", "open"),
        ]
        assert (await one.get(f"/messages/{found[0]['id']}"))["external_id"] == "m1"
    assert (await admin.get("/messages?kind=event"))["items"][0]["at"] == "2026-11-25T02:00:00+00:00"
    assert (await other.get("/messages"))["items"] == []
    assert await other.refused("GET", "/messages/1") == (404, "not_found")
