"""Employees, departments and accounts over the API."""

from crm_core.access import Role
from crm_core.ports import Core
from tests.bot.api.conftest import Caller
from tests.bot.api.test_leads import Make
from tests.factories import make_customer_account, make_lead


async def test_somebody_is_taken_in_and_leaves(admin: Caller) -> None:
    boss = await admin.post("/employees", {"name": "陈经理", "role": "manager", "department": "华东"})
    body = {"name": "小王", "role": "sales", "mobile": "13800138000", "department": "华东", "manager_id": boss["id"]}
    made = await admin.post("/employees", body)
    assert (made["department"], made["manager_id"], made["mobile"]) == ("华东", boss["id"], "13800138000")
    assert [one["name"] for one in (await admin.get("/employees?department=华东&role=sales"))["items"]] == ["小王"]
    assert (await admin.get("/employees?department=华北"))["items"] == []
    assert [one["name"] for one in (await admin.get("/departments"))["items"]] == ["华东"]
    department = (await admin.get("/departments"))["items"][0]
    assert await admin.get(f"/departments/{department['id']}") == department
    code = (await admin.post(f"/employees/{made['id']}/bind-code", status=200))["code"]
    assert len(code) == 8
    assert (await admin.post(f"/employees/{made['id']}/depart", status=200))["departed_at"] is not None
    assert await admin.refused("POST", f"/employees/{made['id']}/depart", {}) == (409, "employee.already_departed")


async def test_a_mobile_is_shown_to_its_owner_their_manager_and_admin(core: Core, admin: Caller, caller: Make) -> None:
    boss = await caller(Role.MANAGER, employee=True)
    assert boss.employee is not None
    me = await caller(Role.SALES, employee=True, mobile="+8613800138000", manager_id=boss.employee.id)
    other = await caller(Role.SALES, employee=True)
    assert me.employee is not None
    path = f"/employees/{me.employee.id}"
    for one, mobile in ((me, "13800138000"), (boss, "13800138000"), (admin, "13800138000"), (other, "138****8000")):
        assert (await one.get(path))["mobile"] == mobile
        assert {row["mobile"] for row in (await one.get("/employees"))["items"]} <= {None, "138****8000"}


async def test_accounts_are_found_by_those_who_may_see_the_person(core: Core, admin: Caller, caller: Make) -> None:
    owner, other = await caller(Role.SALES, employee=True), await caller(Role.SALES, employee=True)
    assert owner.employee is not None
    lead = await make_lead(core, owner_id=owner.employee.id)
    account = await make_customer_account(core, lead, "oZhangWei")
    for one in (admin, owner):
        found = (await one.get("/accounts?channel=wechat&external_id=oZhangWei"))["items"]
        assert [(row["person_id"], row["person_kind"]) for row in found] == [(lead.person_id, "customer")]
        assert (await one.get(f"/accounts/{account.id}"))["external_id"] == "oZhangWei"
    assert (await other.get("/accounts?channel=wechat"))["items"] == []
    assert await other.refused("GET", f"/accounts/{account.id}") == (404, "not_found")


async def test_somebody_is_changed_but_never_below_themselves(core: Core, admin: Caller) -> None:
    boss = await admin.post("/employees", {"name": "陈经理", "role": "manager"})
    me = await admin.post("/employees", {"name": "小王", "role": "sales", "manager_id": boss["id"]})
    path = f"/employees/{me['id']}"
    changed = await admin.patch(path, {"role": "manager", "department": "华东", "mobile": "13800138000"})
    assert (changed["role"], changed["department"], changed["mobile"]) == ("manager", "华东", "13800138000")
    assert (await admin.patch(path, {"department": None, "mobile": None}))["department"] is None
    for body in ({"name": " "}, {"mobile": "12"}, {"manager_id": me["id"]}, {"manager_id": 4711}, {"role": "king"}):
        assert (await admin.refused("PATCH", path, body))[0] == 422, body
    assert (await admin.refused("PATCH", f"/employees/{boss['id']}", {"manager_id": me["id"]}))[0] == 422
    await admin.post(f"{path}/depart", status=200)
    assert await admin.refused("PATCH", path, {"name": "老王"}) == (409, "employee.already_departed")
