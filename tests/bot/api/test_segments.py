"""Tags and segments over the API."""

from crm_core.access import Role
from crm_core.ports import Core
from tests.bot.api.conftest import Caller
from tests.bot.api.test_leads import Make
from tests.factories import make_lead


async def test_tags_are_made_renamed_and_set_on_people(core: Core, admin: Caller) -> None:
    tag = await admin.post("/tags", {"name": "VIP", "group": "级别"})
    assert tag["manual"] is True
    assert await admin.refused("POST", "/tags", {"name": "VIP"}) == (409, "tag.name_taken")
    assert (await admin.patch(f"/tags/{tag['id']}", {"group": "等级"}))["group"] == "等级"
    assert (await admin.get(f"/tags/{tag['id']}"))["group"] == "等级"
    lead = await make_lead(core)
    path = f"/people/{lead.person_id}/tags"
    assert (await admin.post(path, {"add": ["VIP", "展会"]}, status=200))["tags"] == ["VIP", "展会"]
    assert (await admin.post(path, {"remove": ["展会"]}, status=200))["tags"] == ["VIP"]
    assert {row["name"] for row in (await admin.get("/tags"))["items"]} == {"VIP", "展会"}
    assert await admin.refused("POST", path, {}) == (422, "invalid")
    assert await admin.refused("POST", "/people/4711/tags", {"add": ["VIP"]}) == (404, "not_found")


async def test_a_segment_tells_how_many_it_selects(core: Core, caller: Make) -> None:
    marketer = await caller(Role.MARKETER, employee=True)
    for name in ("张伟", "李娜"):
        await make_lead(core, name, region="上海")
    await make_lead(core, "王芳", region="北京")
    made = await marketer.post("/segments", {"name": "上海线索", "conditions": {"kind": "lead", "region": "上海"}})
    assert (made["count"], made["conditions"]) == (2, {"kind": "lead", "region": "上海"})
    assert await marketer.get(f"/segments/{made['id']}") == made
    assert (await marketer.get("/segments"))["items"][0]["conditions"] == made["conditions"]
    changed = await marketer.patch(f"/segments/{made['id']}", {"conditions": {"kind": "lead"}, "name": "全部线索"})
    assert (changed["count"], changed["name"]) == (3, "全部线索")
    assert await marketer.refused("PATCH", f"/segments/{made['id']}", {"name": " "}) == (422, "invalid")
    body = {"name": "?", "conditions": {"shoe_size": 43}}
    assert await marketer.refused("POST", "/segments", body) == (422, "invalid")
