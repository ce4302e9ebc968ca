"""Units, pools, distribution, offers and scripts over the API."""

import asyncio
from dataclasses import replace

import pytest

from crm_core import distribution
from crm_core.access import Role
from crm_core.distribution_rules import AssignmentRule, AssignmentSettings
from crm_core.leads import Lead
from crm_core.pool_claims import PoolClaim
from crm_core.pool_rules import Condition, PoolKind, PoolSettings
from crm_core.ports import Core
from tests.bot.api.test_leads import Make
from tests.factories import make_lead


@pytest.fixture
def core(core: Core) -> Core:
    pools = PoolSettings(views_a_day=3, kinds=(PoolKind("vip", "重点公海", Condition(min_score=80), roles=("manager",)),))
    assignment = AssignmentSettings(rules=(AssignmentRule("轮流"),))
    return replace(core, settings=replace(core.settings, pools=pools, assignment=assignment))


async def test_units_are_made_changed_and_closed(caller: Make) -> None:
    admin, seller = await caller(Role.ADMIN), await caller(Role.SALES, employee=True)
    east = await admin.post("/departments", {"name": "华东部", "kind": "dealer"})
    assert (east["kind"], east["parent_id"]) == ("dealer", None)
    shop = await admin.post("/departments", {"name": "上海店", "kind": "shop", "parent_id": east["id"]})
    assert (await seller.get(f"/departments/{east['id']}/below"))["department_ids"] == [east["id"], shop["id"]]
    assert (await admin.patch(f"/departments/{shop['id']}", {"name": "浦东店"}))["name"] == "浦东店"
    assert await admin.refused("POST", f"/departments/{east['id']}/close", {}) == (409, "department.in_use")
    assert (await admin.post(f"/departments/{shop['id']}/close", status=200))["closed_at"] is not None
    assert await seller.refused("POST", "/departments", {"name": "x"}) == (403, "refused")


async def test_pool_leads_are_shown_masked_and_counted(core: Core, caller: Make) -> None:
    seller, boss = await caller(Role.SALES, employee=True), await caller(Role.MANAGER, employee=True)
    for n in range(4):
        await make_lead(core, f"客户{n}", mobile=f"1380013800{n}")
    vip = await make_lead(core, "大客户")
    await vip.change(core, score=90, pool="vip")
    assert [each["name"] for each in (await seller.get("/leads/pools"))["items"]] == [""]
    counted = [(each["label"], each["count"]) for each in (await boss.get("/leads/pools"))["items"]]
    assert counted == [("公海", 4), ("重点公海", 1)]
    assert await seller.refused("GET", f"/leads/{vip.id}") == (404, "not_found")
    page = await seller.get("/leads/pool?limit=2")
    assert [each["mobile"] for each in page["items"]] == ["138****8003", "138****8002"]
    page = await seller.get(f"/leads/pool?cursor={page['next']}")
    assert len(page["items"]) == 1  # the third of the day
    assert await seller.refused("GET", "/leads/pool") == (403, "lead.view_cap_reached")
    assert await seller.refused("GET", "/leads") == (403, "lead.view_cap_reached")
    lead = await Lead.get(name="客户3")
    await lead.change(core, score=50)
    for path in (
        "/leads/by-score",
        *(f"/leads/{lead.id}/{what}" for what in ("score", "needs", "assignments", "field-changes")),
    ):
        assert await seller.refused("GET", path) == (403, "lead.view_cap_reached"), path
    status, answer = await seller.ask("PATCH", f"/leads/{lead.id}", json={"need": "x"})
    assert (status, "客户3" in str(answer)) == (409, False)
    added = await seller.post("/leads/pool", {"numbers": ["13900139000", "13800138000", "x"]}, status=200)
    assert (len(added["lead_ids"]), added["known_count"], added["wrong"]) == (1, 1, ["x"])


async def test_distribution_and_assignment_are_taken_back_by_their_change_set(core: Core, caller: Make) -> None:
    admin = await caller(Role.ADMIN)
    seller = await caller(Role.SALES, employee=True)
    east = await admin.post("/departments", {"name": "华东部"})
    lead = await make_lead(core)
    sent = await admin.post("/leads/distribute", {"lead_ids": [lead.id], "department_id": east["id"]}, status=200)
    assert sent["summary"] == "张伟分发给华东部"
    assert await seller.refused("GET", f"/leads/{lead.id}") == (404, "not_found")
    await admin.post(f"/change-sets/{sent['change_set_id']}/undo", status=200)
    assert (await seller.get(f"/leads/{lead.id}"))["department_id"] is None
    assert seller.employee is not None
    given = await admin.post("/leads/assign", {"lead_ids": [lead.id], "owner_id": seller.employee.id}, status=200)
    assert (await Lead.get(id=lead.id)).owner_id == seller.employee.id
    (step, *_) = (await seller.get(f"/leads/{lead.id}/assignments"))["items"][-1:]
    assert step["what"].endswith("：直接分配")
    await admin.post(f"/change-sets/{given['change_set_id']}/undo", status=200)
    assert (await Lead.get(id=lead.id)).owner_id is None
    assert await admin.refused("POST", "/leads/assign", {"lead_ids": [], "owner_id": 1}) == (422, "invalid")


async def test_offers_are_answered_and_what_nobody_takes_is_listed(core: Core, caller: Make) -> None:
    seller, admin = await caller(Role.SALES, employee=True), await caller(Role.ADMIN, employee=True)
    first, second = await make_lead(core), await make_lead(core, "李娜")
    for lead in (first, second):
        await distribution.place(core, lead.id)
    assert [each["lead_id"] for each in (await seller.get("/leads/offers"))["items"]] == [first.id, second.id]
    assert (await seller.post(f"/leads/{first.id}/accept", status=200))["owner_id"] == (seller.employee and seller.employee.id)
    await seller.post(f"/leads/{second.id}/decline", {"reason": "太远"}, status=200)
    assert await seller.refused("POST", f"/leads/{second.id}/accept", {}) == (404, "not_found")
    ((item),) = (await admin.get("/leads/exceptions"))["items"]
    assert (item["lead_id"], item["reason"]) == (second.id, "已问过1人，都没有接")
    assert (await seller.get("/leads/overdue"))["items"] == []
    rules = await seller.get("/leads/rules")
    assert rules["assignment"][0]["answer_minutes"] == 30
    assert rules["pools"][0]["when"] == "评分≥80"


async def test_profiles_and_scripts(core: Core, caller: Make) -> None:
    seller, admin = await caller(Role.SALES, employee=True), await caller(Role.ADMIN)
    assert seller.employee is not None
    path = f"/assignment-profiles/{seller.employee.id}"
    assert (await admin.patch(path, {"regions": "上海、浙江", "capacity": 9}))["regions"] == "上海,浙江"
    assert await seller.refused("PATCH", path, {"capacity": 99}) == (403, "refused")
    assert (await seller.patch(path, {"away_until": "2026-12-01T00:00:00+08:00"}))["away_until"].startswith("2026-12-01")
    assert len((await seller.get("/assignment-profiles"))["items"]) == 1
    made = await admin.post("/sales-scripts", {"title": "嫌贵", "text": "先谈价值", "words": "贵"})
    assert (await seller.get("/sales-scripts/suggestions?q=嫌贵"))["items"][0]["text"] == "先谈价值"
    assert (await admin.patch(f"/sales-scripts/{made['id']}", {"stage": "方案报价"}))["stage"] == "方案报价"
    assert (await seller.get(f"/sales-scripts/{made['id']}"))["title"] == "嫌贵"
    assert (await admin.post(f"/sales-scripts/{made['id']}/end", status=200))["ended_at"] is not None
    assert len((await seller.get("/sales-scripts"))["items"]) == 1


async def test_one_of_a_hundred_takers_wins_over_the_api(core: Core, caller: Make) -> None:
    lead = await make_lead(core, mobile="13800138000")
    takers = [await caller(Role.SALES, employee=True) for _ in range(100)]
    answers = await asyncio.gather(*(each.ask("POST", f"/leads/{lead.id}/claim", json={}) for each in takers))
    (winner,) = [(each, answer) for each, (status, answer) in zip(takers, answers, strict=True) if status == 200]
    losers = [answer["error"]["code"] for status, answer in answers if status == 409]
    assert losers == ["lead.already_claimed"] * 99
    assert winner[1]["owner_id"] == winner[0].employee.id == (await Lead.get(id=lead.id)).owner_id
    assert winner[1]["mobile"] == "13800138000"  # masked until claimed
    assert await PoolClaim.all().count() == 1


async def test_looking_at_one_by_its_number_counts_too(core: Core, caller: Make) -> None:
    seller = await caller(Role.SALES, employee=True)
    rows = [await make_lead(core, f"客户{n}", mobile=f"1380013800{n}") for n in range(4)]
    assert [(await seller.get(f"/leads/{row.id}"))["mobile"] for row in rows[:3]] == [f"138****800{n}" for n in range(3)]
    assert await seller.refused("GET", f"/leads/{rows[3].id}") == (403, "lead.view_cap_reached")
    own = await make_lead(core, owner_id=seller.employee.id)
    assert (await seller.get(f"/leads/{own.id}"))["id"] == own.id
