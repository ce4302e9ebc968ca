"""Scores over the API."""

from collections.abc import Awaitable, Callable

from crm_core import score_runs
from crm_core.access import Role
from crm_core.ports import Core
from tests.bot.api.conftest import Caller
from tests.crm_core.test_score_runs import say
from tests.factories import make_customer_account, make_lead

Make = Callable[..., Awaitable[Caller]]


async def test_a_score_is_shown_line_by_line(core: Core, caller: Make) -> None:
    sales, other = await caller(Role.SALES, employee=True), await caller(Role.SALES, employee=True)
    lead = await make_lead(core, "张三", owner_id=sales.employee.id, company="东风")  # type: ignore[union-attr]
    await say(core, await make_customer_account(core, lead), "多少钱")
    told = await sales.get(f"/leads/{lead.id}/score")
    assert (told["score"], told["grade"], told["hand_grade"]) == (20, "C", "")
    assert {line["rule"]: line["points"] for line in told["lines"]} == {"有公司": 5, "问过价格": 12, "来消息": 3}
    price = next(line for line in told["lines"] if line["rule"] == "问过价格")
    assert (price["days"], price["half_life_days"], price["less_on"]) == (["2026-11-25"], 14, "2026-11-26")
    assert await other.refused("GET", f"/leads/{lead.id}/score") == (404, "not_found")


async def test_a_contact_has_a_score_and_a_grade_by_hand(caller: Make) -> None:
    admin = await caller()
    contact = await admin.post("/contacts", {"name": "李四", "title": "采购总监"})
    assert (await admin.get(f"/contacts/{contact['id']}/score"))["score"] == 3 + 10
    made = await admin.post(f"/contacts/{contact['id']}/grade", {"grade": "b"}, status=200)
    assert (made["grade"], made["hand_grade"]) == ("B", "B")
    assert (await admin.refused("POST", f"/contacts/{contact['id']}/grade", {"grade": "X"}))[0] == 422


async def test_the_best_leads_come_first_and_a_hand_sets_a_grade(core: Core, caller: Make) -> None:
    admin, viewer = await caller(), await caller(Role.VIEWER)
    weak = await make_lead(core, "张三", company="东风")
    strong = await make_lead(core, "李四", company="云帆", amount="200000")
    await score_runs.catch_up(core)
    assert [item["id"] for item in (await admin.get("/leads/by-score?limit=5"))["items"]] == [strong.id, weak.id]
    await admin.post(f"/leads/{weak.id}/grade", {"grade": "A"}, status=200)
    assert (await admin.get(f"/leads/{weak.id}"))["grade"] == "A"
    assert (await admin.post(f"/leads/{weak.id}/grade", {"grade": ""}, status=200))["grade"] == "D"
    assert await viewer.refused("POST", f"/leads/{weak.id}/grade", {"grade": "A"}) == (403, "refused")


async def test_rules_are_shown_and_tried(core: Core, caller: Make) -> None:
    admin, sales = await caller(), await caller(Role.SALES, employee=True)
    lead = await make_lead(core, "张三", company="东风")
    await score_runs.catch_up(core)
    shown = await admin.get("/scoring")
    assert (shown["a_from"], {each["percent"] for each in shown["progress"]}) == (70, {100})
    body = {"rules": [{"name": "有公司", "side": "profile", "kind": "filled", "field": "company", "points": 75}]}
    tried = await admin.post("/scoring/what-if", body, status=200)
    assert (tried["counted"], tried["changed"], tried["moves"]) == (1, 1, [{"from": "D", "to": "A", "count": 1}])
    assert tried["samples"][0] == {
        "lead_id": lead.id,
        "name": "张三",
        "score": 5,
        "grade": "D",
        "new_score": 75,
        "new_grade": "A",
    }
    assert (await admin.get(f"/leads/{lead.id}"))["score"] == 5
    assert await sales.refused("POST", "/scoring/what-if", body) == (403, "refused")
    wrong = {"rules": [{**body["rules"][0], "kind": "gibt_es_nicht"}]}
    assert (await admin.refused("POST", "/scoring/what-if", wrong))[0] == 422
    assert (await admin.refused("POST", "/scoring/what-if", {"a_from": 10}))[0] == 422
