"""The dashboard, the timeline, the profile and the search over the API, under the rights of whoever asks."""

import json
from urllib.parse import quote

from crm_core import activities, customers, segments
from crm_core.activities import subject_of
from crm_core.leads import Lead
from tests.factories import SYSTEM, make_actor, make_lead


async def test_the_dashboard_counts_what_one_may_see(core, admin, sales):
    other = await make_actor(core, "小李")
    await make_lead(core, source="展会", owner_id=sales.employee.id)
    await make_lead(core, source="官网", owner_id=other.employee_id)
    await make_lead(core, source="官网")
    await customers.add_customer(core, other, name="云帆", industry="制造业", region="上海")
    told = await admin.get("/dashboard")
    assert told["totals"] == {"leads": 3, "pool": 1, "customers": 1, "opportunities_open": 0}
    assert told["leads_by_source"] == {"官网": 2, "展会": 1}
    assert told["customers_by_industry"] == {"制造业": 1}
    assert told["days"]["2026-11-25"]["leads"] == 3
    mine = await sales.get("/dashboard")
    assert mine["totals"] == {"leads": 2, "pool": 1, "customers": 0, "opportunities_open": 0}
    assert mine["messages"] == {}


async def test_the_timeline_by_pages(core, admin, sales):
    lead = await make_lead(core)
    for number in range(3):
        await activities.add_follow_up(core, SYSTEM, subject_of(await Lead.get(id=lead.id)), summary=f"记{number}")
    seen, path = [], f"/timeline?person_id={lead.person_id}&limit=2"
    answer = await admin.get(path)
    while True:
        seen += answer["items"]
        if answer["next"] is None:
            break
        answer = await admin.get(f"{path}&before={quote(answer['next'])}")
    assert [item["kind"] for item in seen].count("follow_up") == 3
    assert seen[-1]["kind"] == "lead" or seen[0]["kind"] == "lead"
    assert await admin.refused("GET", "/timeline") == (422, "invalid")
    assert (await admin.refused("GET", f"/timeline?person_id={lead.person_id}&before=x.y.z"))[0] == 422
    await Lead.filter(id=lead.id).update(owner_id=999)
    assert (await sales.refused("GET", path))[0] == 404


async def test_the_profile_tells_where_each_line_comes_from(core, admin):
    lead = await make_lead(core, mobile="13800138000", source="展会", region="上海")
    await segments.add_tags(core, SYSTEM, lead.person_id, ["VIP"])
    told = await admin.get(f"/profiles/{lead.person_id}")
    lines = {line["label"]: (line["value"], line["source"]) for line in told["lines"]}
    assert lines["手机"] == ("13800138000", f"线索#{lead.id}")
    assert lines["标签"] == ("VIP", "手动")
    assert await admin.refused("GET", "/profiles/424242") == (404, "not_found")


async def test_search_in_words_by_conditions_and_by_number(core, admin, sales):
    lead = await make_lead(core, "张伟", region="北京", need="制造设备", mobile="13800138000", owner_id=sales.employee.id)
    await make_lead(core, "李娜", region="上海")
    found = await admin.get(f"/search?q={quote('北京 制造业')}")
    assert [(item["name"], item["mobile"]) for item in found["items"]] == [("张伟", "138****8000")]
    assert found["total"] == 1
    query = quote(json.dumps({"field": "region", "is": "=", "value": "上海"}))
    assert [item["name"] for item in (await admin.get(f"/search?conditions={query}"))["items"]] == ["李娜"]
    assert [item["person_id"] for item in (await sales.get("/search?q=13800138000"))["items"]] == [lead.person_id]
    first = await admin.get("/search?limit=1")
    second = await admin.get(f"/search?limit=1&cursor={first['next']}")
    assert {first["items"][0]["name"], second["items"][0]["name"]} == {"张伟", "李娜"}
    for bad in ("[]", "{", '{"city": 1}'):
        assert (await admin.refused("GET", f"/search?conditions={quote(bad)}"))[0] == 422


async def test_whom_a_segment_selects_and_why(core, admin):
    lead = await make_lead(core, "张伟", region="上海", score=70)
    await make_lead(core, "李娜", region="上海")
    body = {"name": "热", "conditions": {"region": "上海", "all": [{"field": "score", "is": ">=", "value": 60}]}}
    made = await admin.post("/segments", body)
    assert made["count"] == 1
    assert (await admin.get(f"/segments/{made['id']}/people"))["items"] == [{"person_id": lead.person_id}]
    told = await admin.get(f"/segments/{made['id']}/why?person_id={lead.person_id}")
    assert told["selected"] is True
    assert {"condition": "评分至少60", "holds": True, "fact": "70", "depth": 1} in told["items"]
    assert (await admin.refused("GET", f"/segments/{made['id']}/why"))[0] == 422
    bad = {"name": "x", "conditions": {"all": [{"field": "score", "is": "~", "value": 1}]}}
    status, answer = await admin.ask("POST", "/segments", json=bad)
    assert status == 422
    assert "conditions.all[0].is" in json.dumps(answer, ensure_ascii=False)


async def test_tag_rules_are_listed_and_run(core, admin):
    assert (await admin.get("/tags/rules"))["items"] == []
    assert await admin.refused("POST", "/tags/rules/run", {"name": "没有"}) == (404, "tag.no_such_rule")
