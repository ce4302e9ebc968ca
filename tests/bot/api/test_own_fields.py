"""Own fields over the API: set, shown, filtered, checked by type."""

from dataclasses import replace

import pytest_asyncio

from crm_core.access import Role
from crm_core.field_rules import FieldSettings, OwnFields
from crm_core.ports import Core
from tests.bot.api.test_ownership import Make

FIELDS = OwnFields(
    (
        FieldSettings("customer", "budget_level", "预算等级", "choice", ("高", "中", "低"), required=True),
        FieldSettings("customer", "machines", "设备数", "number"),
        FieldSettings("lead", "machines", "设备数", "number"),
        FieldSettings("contact", "joined", "入职日期", "date"),
    )
)


@pytest_asyncio.fixture
async def core(core: Core) -> Core:
    return replace(core, settings=replace(core.settings, fields=FIELDS))


async def test_fields_are_set_shown_and_found(caller: Make) -> None:
    sales = await caller(Role.SALES, employee=True)
    assert (await sales.refused("POST", "/customers", {"name": "云帆科技"}))[0] == 422
    row = await sales.post("/customers", {"name": "云帆科技", "fields": {"预算等级": "高", "machines": 12.5}})
    assert row["fields"] == {"budget_level": "高", "machines": 12.5}
    assert (await sales.get("/customers?field=预算等级:高"))["items"][0]["fields"] == row["fields"]
    assert (await sales.get("/customers?field=machines:12.5"))["items"] != []
    assert (await sales.get("/customers?field=预算等级:低"))["items"] == []
    path = f"/customers/{row['id']}"
    for wrong in ({"预算等级": "特高"}, {"machines": "很多"}, {"colour": "red"}, {"预算等级": ""}):
        assert (await sales.refused("PATCH", path, {"industry": "软件", "fields": wrong}))[0] == 422, wrong
    assert (await sales.get(path))["industry"] == ""
    assert (await sales.patch(path, {"fields": {"machines": None}}))["fields"] == {"budget_level": "高"}
    person = await sales.post("/contacts", {"name": "李总", "customer_id": row["id"], "fields": {"joined": "2026-02-28"}})
    assert person["fields"] == {"joined": "2026-02-28"}
    assert (await sales.refused("PATCH", f"/contacts/{person['id']}", {"fields": {"joined": "2026-02-30"}}))[0] == 422
    assert (await sales.refused("GET", "/customers?field=colour:red"))[0] == 422


async def test_leads_have_fields_of_their_own(caller: Make) -> None:
    sales, peer = await caller(Role.SALES, employee=True), await caller(Role.SALES, employee=True)
    assert sales.employee is not None
    lead = await sales.post("/leads", {"name": "张伟", "mobile": "13800138000", "owner_id": sales.employee.id})
    path = f"/leads/{lead['id']}/fields"
    assert (await sales.patch(path, {"fields": {"设备数": "20台"}}))["fields"] == {"machines": 20}
    assert (await sales.get(path))["fields"] == {"machines": 20}
    assert (await peer.refused("PATCH", path, {"fields": {"设备数": 1}}))[0] in (403, 404)
    assert [each["id"] for each in (await sales.get("/leads?field=machines:20"))["items"]] == [lead["id"]]
    assert {each["name"] for each in (await sales.get("/fields"))["items"]} >= {"budget_level", "overdue_amount"}
