"""Reminders over the API."""

from collections.abc import Awaitable, Callable

from crm_core.access import Role
from crm_core.ports import Core
from scheduler.reminders import fire_due
from tests.bot.api.conftest import Caller
from tests.factories import make_employee, make_lead

Make = Callable[..., Awaitable[Caller]]


async def test_a_reminder_is_set_moved_and_ticked_off(core: Core, sales: Caller) -> None:
    assert sales.employee is not None
    lead = await make_lead(core, "张伟", owner_id=sales.employee.id)
    body = {"owner_id": sales.employee.id, "text": "联系张伟", "at": "2026-11-26T10:00:00+08:00"}
    made = await sales.post("/reminders", {**body, "about_kind": "lead", "about_id": lead.id})
    assert (made["status"], made["about"], made["at"]) == ("pending", "张伟", "2026-11-26T02:00:00+00:00")
    moved = await sales.patch(f"/reminders/{made['id']}", {"at": "2026-11-27T10:00:00+08:00"})
    assert moved["at"] == "2026-11-27T02:00:00+00:00"
    path = f"/reminders/{made['id']}"
    assert (await sales.post(f"{path}/snooze", {"at": "2026-11-28T10:00:00+08:00"}, status=200))["at"].startswith("2026-11-28")
    assert [row["id"] for row in (await sales.get(f"/reminders?owner_id={sales.employee.id}"))["items"]] == [made["id"]]
    assert (await sales.post(f"{path}/complete", status=200))["status"] == "done"
    assert await sales.refused("POST", f"{path}/cancel", {}) == (409, "reminder.closed")
    assert (await sales.get(path))["status"] == "done"
    other = await sales.post("/reminders", body)
    assert (await sales.patch(f"/reminders/{other['id']}", {"status": "cancelled"}))["status"] == "cancelled"
    third = await sales.post("/reminders", body)
    assert (await sales.post(f"/reminders/{third['id']}/cancel", status=200))["status"] == "cancelled"
    fourth = await sales.post("/reminders", body)
    assert (await sales.patch(f"/reminders/{fourth['id']}", {"status": "done"}))["status"] == "done"


async def test_only_the_own_team_is_reminded(core: Core, admin: Caller, sales: Caller) -> None:
    other = await make_employee(core, "小李")
    body = {"owner_id": other.id, "text": "开会", "at": "2026-11-26T10:00:00+08:00"}
    assert (await sales.refused("POST", "/reminders", body))[0] in (403, 404)
    made = await admin.post("/reminders", body)
    assert await sales.refused("GET", f"/reminders/{made['id']}") == (404, "not_found")


async def test_why_a_reminder_waits_is_shown(core: Core, sales: Caller) -> None:
    assert sales.employee is not None
    made = await sales.post(
        "/reminders", {"owner_id": sales.employee.id, "text": "联系张伟", "at": "2026-11-25T10:00:00+08:00"}
    )
    assert made["reason"] == ""
    await fire_due(core)
    shown = await sales.get(f"/reminders/{made['id']}")
    assert (shown["status"], shown["reason"], shown["retry_at"]) == ("pending", "no_account", "2026-11-25T02:01:00+00:00")


async def test_a_token_for_reminders_alone_learns_no_names(core: Core, sales: Caller, caller: Make) -> None:
    assert sales.employee is not None
    lead = await make_lead(core, "张伟", owner_id=sales.employee.id)
    narrow = await caller(Role.ADMIN, scopes=("reminders:write",))
    body = {"owner_id": sales.employee.id, "text": "回电", "at": "2026-11-26T10:00:00+08:00"}
    made = await narrow.post("/reminders", {**body, "about_kind": "lead", "about_id": lead.id})
    own = await narrow.post("/reminders", {**body, "about": "年会"})
    assert (made["about"], own["about"]) == (None, "年会")
    assert (await narrow.get(f"/reminders/{made['id']}"))["about"] is None
    assert [row["about"] for row in (await narrow.get("/reminders"))["items"]] == ["年会", None]
    assert (await narrow.patch(f"/reminders/{made['id']}", {"at": "2026-11-27T10:00:00+08:00"}))["about"] is None
    for query in ("about=张伟", "q=张"):
        assert (await narrow.get(f"/reminders?{query}"))["items"] == []
        assert len((await sales.get(f"/reminders?{query}"))["items"]) == 1
    assert len((await narrow.get("/reminders?q=年会"))["items"]) == 1
    assert (await narrow.post(f"/reminders/{made['id']}/complete", status=200))["about"] is None
    assert (await sales.get(f"/reminders/{made['id']}"))["about"] == "张伟"
