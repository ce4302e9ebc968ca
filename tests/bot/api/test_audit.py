"""The audit trail over the API."""

from crm_core.access import Role
from tests.bot.api.conftest import Caller
from tests.bot.api.test_leads import Make


async def test_admin_reads_who_changed_what(admin: Caller, caller: Make) -> None:
    lead = await admin.post("/leads", {"name": "张伟"})
    await admin.patch(f"/leads/{lead['id']}", {"region": "上海"})
    newest = (await admin.get("/audit"))["items"][0]
    assert (newest["actor"], newest["action"], newest["object"]) == ("token:令牌1", "lead.update", f"leads/{lead['id']}")
    assert (newest["before"], newest["after"]) == (
        {"region": "", "region_code": ""},
        {"region": "上海", "region_code": "310000"},
    )
    assert newest["at"] == newest["created_at"]
    assert await admin.get(f"/audit/{newest['id']}") == newest
    assert len((await admin.get("/audit?action=lead.add"))["items"]) == 1
    assert await (await caller(Role.MANAGER)).refused("GET", "/audit") == (403, "refused")
