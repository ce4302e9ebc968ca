"""Greetings over the API."""

from dataclasses import replace

import pytest

from crm_core import customers
from crm_core.access import Role
from crm_core.calendar import festivals
from crm_core.ports import Core
from crm_core.reach import ReachRule
from tests.bot.api.conftest import Caller
from tests.bot.api.test_leads import Make
from tests.factories import SYSTEM, make_customer_account


@pytest.fixture
def core(core: Core) -> Core:
    """The bundle with one customers' channel."""
    return replace(core, reach={"wechat": ReachRule.always()})


async def body(caller: Caller, **more: object) -> dict[str, object]:
    segment = await caller.post("/segments", {"name": "全部客户", "conditions": {"kind": "customer"}})
    template = await caller.post("/templates", {"name": "祝福", "kind": "text", "body": "{称呼}，节日快乐"})
    same = {"name": "中秋", "segment_id": segment["id"], "template_id": template["id"], "channel": "wechat", "time": "09:00"}
    return {**same, **more}


async def test_a_plan_is_drafted_approved_and_ended(caller: Make) -> None:
    marketer = await caller(Role.MARKETER)
    made = await marketer.post("/greetings", await body(marketer, festival="mid_autumn"))
    assert (made["status"], made["festival"], made["birthday"], made["time"]) == ("draft", "mid_autumn", False, "09:00")
    path = f"/greetings/{made['id']}"
    approved = await marketer.post(f"{path}/approve", status=200)
    assert approved["status"] == "approved"
    assert await marketer.get(path) == approved
    assert (await marketer.get("/greetings?festival=mid_autumn"))["items"] == [approved]
    assert (await marketer.refused("POST", f"{path}/approve", {}))[0] == 409
    assert (await marketer.post(f"{path}/cancel", status=200))["status"] == "cancelled"
    assert (await marketer.post("/greetings", await body(marketer, birthday=True)))["birthday"] is True


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({}, "festival"),
        ({"festival": "mid_autumn", "birthday": True}, "festival"),
        ({"festival": "towel_day"}, "festival"),
        ({"birthday": True, "time": "9:00"}, "time"),
        ({"birthday": True, "time": "23:00"}, "time"),
    ],
)
async def test_what_is_no_plan(caller: Make, more: dict[str, object], field: str) -> None:
    marketer = await caller(Role.MARKETER)
    status, answer = await marketer.ask("POST", "/greetings", json=await body(marketer, **more))
    assert (status, list(answer["error"]["fields"])) == (422, [field])


async def test_the_festivals_there_are_are_listed(caller: Make) -> None:
    marketer = await caller(Role.MARKETER)
    _, answer = await marketer.ask("POST", "/greetings", json=await body(marketer, festival="towel_day"))
    told = answer["error"]["fields"]["festival"]
    assert all(f"{name}（{one.label}）" in told for name, one in festivals().items())
    assert all(one.label in answer["error"]["message"] for one in festivals().values())


async def test_a_draft_is_changed_until_it_is_approved(caller: Make) -> None:
    marketer = await caller(Role.MARKETER)
    made = await marketer.post("/greetings", await body(marketer, festival="mid_autumn"))
    path = f"/greetings/{made['id']}"
    changed = await marketer.patch(path, {"festival": "", "birthday": True, "time": "10:00"})
    assert (changed["festival"], changed["birthday"], changed["time"], changed["name"]) == ("", True, "10:00", "中秋")
    assert await marketer.refused("PATCH", path, {"festival": "mid_autumn"}) == (422, "campaign.invalid")
    await marketer.post(f"{path}/approve", status=200)
    assert await marketer.refused("PATCH", path, {"name": "太晚"}) == (409, "greeting.wrong_state")


async def test_a_preview_says_who_is_left_out_by_where_they_stand(core: Core, caller: Make) -> None:
    marketer = await caller(Role.MARKETER)
    for number, state in enumerate(("user", "lost")):
        customer = await customers.add_customer(core, SYSTEM, name=f"公司{number}")
        await customer.change(core, life_cycle=state)
        contact = await customers.add_contact(core, SYSTEM, name=f"李{number}", customer_id=customer.id)
        await make_customer_account(core, contact, f"o{number}")
    made = await marketer.post("/greetings", await body(marketer, birthday=True))
    seen = await marketer.get(f"/greetings/{made['id']}/preview")
    assert (seen["total"], seen["suppressed"], len(seen["samples"])) == (2, {"no_greeting": 1}, 1)
    seller = await caller(Role.SALES, employee=True)
    assert (await seller.refused("GET", f"/greetings/{made['id']}/preview"))[0] == 403
