"""Broadcasts over the API."""

from dataclasses import replace

import pytest

from campaigns import engine
from crm_core.access import Role
from crm_core.ports import Core
from crm_core.reach import ReachRule
from tests.bot.api.conftest import Caller
from tests.bot.api.test_leads import Make
from tests.factories import make_customer_account, make_lead


@pytest.fixture
def core(core: Core) -> Core:
    """The bundle with one customers' channel."""
    return replace(core, reach={"wechat": ReachRule.always()})


async def draft(caller: Caller, **more: object) -> int:
    segment = await caller.post("/segments", {"name": "全部线索", "conditions": {"kind": "lead"}})
    template = await caller.post("/templates", {"name": "问候", "kind": "text", "body": "{称呼}，您好"})
    body = {"name": "秋季问候", "segment_id": segment["id"], "template_id": template["id"], "channel": "wechat", **more}
    made = await caller.post("/broadcasts", body)
    assert (made["status"], made["counts"]) == ("draft", {})
    return int(made["id"])


async def test_a_broadcast_goes_from_draft_to_running_and_its_counts_are_its_rows(core: Core, caller: Make) -> None:
    marketer = await caller(Role.MARKETER, employee=True)
    for number in range(3):
        await make_customer_account(core, await make_lead(core, f"张{number}"), f"o{number}")
    await make_lead(core, "李娜")  # no account on the channel: left out, with the reason
    number = await draft(marketer)
    preview = await marketer.post(f"/broadcasts/{number}/preview", status=200)
    assert (preview["total"], len(preview["samples"])) == (4, 3)
    assert sum(preview["suppressed"].values()) == 1
    assert set(preview["samples"][0]) == {"person_id", "text"}
    assert (await marketer.post(f"/broadcasts/{number}/approve", status=200))["status"] == "running"
    await engine.run(core)
    shown = await marketer.get(f"/broadcasts/{number}")
    rows = (await marketer.get(f"/broadcasts/{number}/recipients"))["items"]
    assert shown["counts"] == {"planned": 3, "suppressed": 1}
    assert sorted(row["status"] for row in rows) == ["planned", "planned", "planned", "suppressed"]
    left_out = (await marketer.get(f"/broadcasts/{number}/recipients?status=suppressed"))["items"]
    assert [row["reason"] for row in left_out] == list(preview["suppressed"])
    assert (await marketer.post(f"/broadcasts/{number}/pause", status=200))["status"] == "paused"
    assert (await marketer.post(f"/broadcasts/{number}/resume", status=200))["status"] == "running"
    assert (await marketer.post(f"/broadcasts/{number}/cancel", status=200))["status"] == "cancelled"
    assert await marketer.refused("POST", f"/broadcasts/{number}/cancel", {}) == (409, "broadcast.wrong_state")


async def test_above_the_limit_somebody_else_approves(core: Core, caller: Make) -> None:
    author, other = await caller(Role.MARKETER, employee=True), await caller(Role.MARKETER, employee=True)
    number = await draft(author)
    for count in range(core.settings.campaigns.self_approve_limit + 1):
        await make_lead(core, f"张{count}")
    assert await author.refused("POST", f"/broadcasts/{number}/approve", {}) == (403, "broadcast.self_approve_refused")
    assert (await other.post(f"/broadcasts/{number}/approve", status=200))["status"] in ("scheduled", "running")


async def test_a_scheduled_one_waits(caller: Make) -> None:
    marketer = await caller(Role.MARKETER)
    number = await draft(marketer, scheduled_at="2026-11-26T09:00:00+08:00")
    made = await marketer.post(f"/broadcasts/{number}/approve", status=200)
    assert (made["status"], made["scheduled_at"]) == ("scheduled", "2026-11-26T01:00:00+00:00")


async def test_a_draft_is_changed_until_it_is_approved(caller: Make) -> None:
    marketer = await caller(Role.MARKETER)
    path = f"/broadcasts/{await draft(marketer, scheduled_at='2026-11-26T09:00:00+08:00')}"
    changed = await marketer.patch(path, {"name": "冬季问候"})
    assert (changed["name"], changed["scheduled_at"], changed["counts"]) == ("冬季问候", "2026-11-26T01:00:00+00:00", {})
    assert (await marketer.patch(path, {"scheduled_at": None}))["scheduled_at"] is None
    assert await marketer.refused("PATCH", path, {"channel": "dingtalk"}) == (422, "campaign.invalid")
    assert await marketer.refused("PATCH", path, {"status": "running"}) == (422, "fields.invalid")
    assert (await marketer.refused("PATCH", path, {"template_id": 999}))[0] == 404
    assert (await (await caller(Role.SALES)).refused("PATCH", path, {"name": "x"}))[0] == 403
    await marketer.post(f"{path}/approve", status=200)
    assert await marketer.refused("PATCH", path, {"name": "太晚"}) == (409, "broadcast.wrong_state")
    assert (await marketer.get(path))["name"] == "冬季问候"


@pytest.mark.parametrize("role", [Role.SALES, Role.VIEWER])
async def test_who_may_not_start_one(caller: Make, role: Role) -> None:
    number = await draft(await caller(Role.MARKETER))
    assert (await (await caller(role)).refused("POST", f"/broadcasts/{number}/approve", {}))[0] == 403


@pytest.mark.parametrize("what", ["segment", "template"])
async def test_what_changed_between_preview_and_approval_is_a_conflict_until_it_is_previewed_again(
    core: Core, caller: Make, what: str
) -> None:
    author, second = await caller(Role.MARKETER, employee=True), await caller(Role.MANAGER)
    await make_customer_account(core, await make_lead(core, "张伟"), "o1")
    number = await draft(author)
    shown = await author.get(f"/broadcasts/{number}")
    await second.post(f"/broadcasts/{number}/preview", status=200)
    if what == "segment":
        await author.patch(f"/segments/{shown['segment_id']}", {"conditions": {"kind": "lead", "query": "张"}})
    else:
        await author.patch(f"/templates/{shown['template_id']}", {"body": "{称呼}，改过了"})
    refused = await second.refused("POST", f"/broadcasts/{number}/approve", {})
    assert refused == (409, "broadcast.changed_since_preview")
    await second.post(f"/broadcasts/{number}/preview", status=200)
    assert (await second.post(f"/broadcasts/{number}/approve", status=200))["status"] == "running"
