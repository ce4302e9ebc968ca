"""Templates over the API."""

from crm_core.access import Role
from tests.bot.api.test_leads import Make


async def test_a_template_knows_its_placeholders_and_refuses_others(caller: Make) -> None:
    marketer = await caller(Role.MARKETER)
    made = await marketer.post("/templates", {"name": "问候", "kind": "text", "body": "{称呼}，中秋快乐"})
    assert made["placeholders"] == ["称呼"]
    changed = await marketer.patch(f"/templates/{made['id']}", {"body": "中秋快乐"})
    assert (changed["placeholders"], changed["version"]) == ([], 2)
    assert await marketer.get(f"/templates/{made['id']}") == changed
    assert [row["name"] for row in (await marketer.get("/templates?kind=text&q=中秋"))["items"]] == ["问候"]
    for body in ("{密码}", "{称呼.__class__}", "{1+1}"):
        status, _ = await marketer.ask("POST", "/templates", json={"name": "x", "kind": "text", "body": body})
        assert status == 422, body
