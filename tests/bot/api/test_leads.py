"""Leads over the API."""

from collections.abc import Awaitable, Callable

import pytest

from crm_core.access import Role
from crm_core.audit import AuditEntry, values_of
from crm_core.ports import Core
from tests.bot.api.conftest import Caller
from tests.factories import make_employee, make_lead

Make = Callable[..., Awaitable[Caller]]


async def test_a_lead_is_made_shown_and_changed(admin: Caller) -> None:
    made = await admin.post(
        "/leads", {"name": "张伟", "company": "东风机械厂", "mobile": "138 0013 8000", "landline": "02162881234"}
    )
    assert made["status"] == "new"
    assert made["owner_id"] is None
    assert (made["mobile"], made["landline"]) == ("13800138000", "021-62881234")
    assert made["created_at"] == "2026-11-25T02:00:00+00:00"
    assert await admin.get(f"/leads/{made['id']}") == made
    changed = await admin.patch(f"/leads/{made['id']}", {"need": "数控机床", "mobile": None})
    assert (changed["need"], changed["mobile"], changed["landline"]) == ("数控机床", None, "021-62881234")
    entry = await AuditEntry.get(action="lead.update")
    before = (await values_of([entry.id]))[entry.id].before
    assert "13800138000" not in before
    assert "138****8000" in before


async def test_numbers_are_masked_in_lists_and_shown_on_the_record_to_those_who_may(
    core: Core, admin: Caller, caller: Make
) -> None:
    owner = await caller(Role.SALES, employee=True)
    assert owner.employee is not None
    other = await caller(Role.SALES, employee=True)
    viewer = await caller(Role.VIEWER)
    boss = await caller(Role.MANAGER, employee=True)
    assert boss.employee is not None
    await owner.employee.change(core, manager_id=boss.employee.id)
    lead = await make_lead(core, owner_id=owner.employee.id, mobile="13800138000", email="zhang@example.cn", wechat_id="zw88")
    for one in (admin, owner, boss):
        listed = (await one.get("/leads"))["items"][0]
        assert (listed["mobile"], listed["email"], listed["wechat_id"]) == ("138****8000", "z***", "z***")
        assert (await one.get(f"/leads/{lead.id}"))["mobile"] == "13800138000"
    assert (await viewer.get(f"/leads/{lead.id}"))["mobile"] == "138****8000"
    assert (await other.get("/leads"))["items"] == []
    assert await other.refused("GET", f"/leads/{lead.id}") == (404, "not_found")
    assert await other.refused("GET", "/leads/999999") == (404, "not_found")
    # Seeing somebody else's number is written down: the admin and the manager, not the owner.
    assert await AuditEntry.filter(action="leads.unmask").count() == 2


async def test_the_pool_is_claimed_released_assigned_and_converted(core: Core, admin: Caller, sales: Caller) -> None:
    assert sales.employee is not None
    lead = await make_lead(core, "张伟", company="东风机械厂")
    path = f"/leads/{lead.id}"
    assert (await sales.post(f"{path}/claim", status=200))["owner_id"] == sales.employee.id
    status, answer = await sales.ask("POST", f"{path}/claim", json={})
    assert (status, answer["error"]["code"]) == (409, "lead.already_claimed")
    assert answer["error"]["message"] == "线索「张伟」已被小王领取"
    assert (await sales.post(f"{path}/release", {"reason": "打不通"}, status=200))["owner_id"] is None
    assert await sales.refused("POST", f"{path}/convert", {}) == (409, "lead.not_owned")
    colleague = await make_employee(core, "小李")
    assert (await admin.post(f"{path}/assign", {"owner_id": colleague.id}, status=200))["owner_id"] == colleague.id
    made = await admin.post(f"{path}/convert", status=200)
    assert set(made) == {"customer_id", "contact_id"}
    assert (await admin.get(f"/contacts/{made['contact_id']}"))["person_id"] == lead.person_id
    assert await admin.refused("PATCH", path, {"status": "new"}) == (409, "lead.already_converted")


async def test_a_new_owner_is_an_assignment(core: Core, admin: Caller, sales: Caller) -> None:
    assert sales.employee is not None
    lead = await make_lead(core)
    assert (await admin.patch(f"/leads/{lead.id}", {"owner_id": sales.employee.id}))["owner_id"] == sales.employee.id
    assert await AuditEntry.filter(action="lead.assign").count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "张伟", "mobile": "12"}, "mobile"),
        ({"name": "张伟", "email": "nobody"}, "email"),
        ({"name": "张伟", "birthday": "02-30"}, "birthday"),
        ({"name": "张伟", "status": "new"}, "status"),
        ({"name": 5}, "name"),
        ({"name": "长" * 65}, "name"),
    ],
)
async def test_what_cannot_be_used_is_named(admin: Caller, body: dict[str, object], field: str) -> None:
    status, answer = await admin.ask("POST", "/leads", json=body)
    assert status == 422
    assert field in answer["error"]["fields"]


async def test_leads_are_searched_by_name_company_and_whole_number(core: Core, admin: Caller) -> None:
    await make_lead(core, "张伟", company="东风机械厂", mobile="13800138000")
    await make_lead(core, "李娜", company="南湖学校", mobile="13900139000")
    for wanted in ("张", "机械", "13800138000", "138 0013 8000"):
        found = await admin.get(f"/leads?q={wanted}")
        assert [item["name"] for item in found["items"]] == ["张伟"], wanted
    assert [item["name"] for item in (await admin.get("/leads?mobile=13900139000"))["items"]] == ["李娜"]
    assert (await admin.get("/leads?q=0013800"))["items"] == []


async def test_a_pool_lead_is_claimed_before_it_is_worked_on(core: Core, sales: Caller) -> None:
    lead = await make_lead(core, "张伟")
    path = f"/leads/{lead.id}"
    refused = (409, "lead.not_owned")
    assert await sales.refused("PATCH", path, {"need": "机床"}) == refused
    assert await sales.refused("PATCH", path, {"status": "discarded"}) == refused
    assert await sales.refused("POST", "/follow-ups", {"subject_kind": "lead", "subject_id": lead.id}) == refused
    await sales.post(f"{path}/claim", status=200)
    assert (await sales.patch(path, {"need": "机床"}))["need"] == "机床"


async def test_by_hand_a_lead_is_only_open_or_of_no_use(core: Core, admin: Caller) -> None:
    lead = await make_lead(core)
    status, answer = await admin.ask("PATCH", f"/leads/{lead.id}", json={"status": "converted"})
    assert (status, answer["error"]["fields"]) == (422, {"status": "只能是 new、following、discarded"})
    for wanted in ("following", "discarded", "new"):
        assert (await admin.patch(f"/leads/{lead.id}", {"status": wanted}))["status"] == wanted


async def test_a_foreign_lead_tells_its_owner_and_nothing_else(core: Core, caller: Make, sales: Caller) -> None:
    other = await caller(Role.SALES, employee=True, name="小陈")
    assert other.employee is not None
    lead = await make_lead(core, "张伟", owner_id=other.employee.id)
    status, answer = await sales.ask("POST", f"/leads/{lead.id}/claim", json={})
    assert (status, answer["error"]["message"]) == (409, "这条线索已被小陈领取")
    assert "张伟" not in str(answer)
    assert await sales.refused("GET", f"/leads/{lead.id}") == (404, "not_found")


@pytest.mark.parametrize("role", [Role.ADMIN, Role.SALES, Role.MANAGER])
async def test_a_token_that_is_nobody_claims_nothing_and_is_told_why(core: Core, caller: Make, role: Role) -> None:
    lead = await make_lead(core, "张伟")
    status, answer = await (await caller(role)).ask("POST", f"/leads/{lead.id}/claim", json={})
    assert (status, answer["error"]["code"]) == (403, "lead.claim_needs_employee")
    assert "员工" in answer["error"]["message"]
    assert "没有权限" not in answer["error"]["message"]
