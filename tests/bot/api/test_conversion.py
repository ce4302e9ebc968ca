"""Conversion over the API: as the contract says, attached where identity is sure, with a deal in the same step."""

from crm_core.leads import Lead
from crm_core.ports import Core
from tests.bot.api.conftest import Caller
from tests.factories import make_lead


async def test_nothing_said_makes_a_customer_and_a_contact_or_attaches_to_them(core: Core, admin: Caller) -> None:
    first, second = [await make_lead(core, "张伟", company="东风机械", mobile=f"1380013800{n}") for n in (1, 2)]
    made = await admin.post(f"/leads/{first.id}/convert", {}, status=200)
    assert set(made) == {"customer_id", "contact_id"}
    sure = (await admin.get(f"/leads/{second.id}/conversion"))["sure"]
    assert sure == {"kind": "customer", "id": made["customer_id"]}
    again = await admin.post(f"/leads/{second.id}/convert", {}, status=200)
    assert again["customer_id"] == made["customer_id"]
    assert again["contact_id"] != made["contact_id"]
    assert await admin.refused("POST", f"/leads/{first.id}/convert", {}) == (409, "lead.already_converted")


async def test_the_same_number_is_the_same_contact(core: Core, admin: Caller) -> None:
    customer = await admin.post("/customers", {"name": "东风机械"})
    contact = await admin.post("/contacts", {"name": "张伟", "customer_id": customer["id"], "mobile": "13800138000"})
    lead = await make_lead(core, "老张", mobile="13800138000")
    done = await admin.post(f"/leads/{lead.id}/convert", {}, status=200)
    assert done == {"customer_id": customer["id"], "contact_id": contact["id"]}
    assert (await admin.get(f"/contacts?person_id={lead.person_id}"))["items"][0]["id"] == contact["id"]


async def test_a_choice_and_a_deal(core: Core, admin: Caller) -> None:
    near = await admin.post("/customers", {"name": "上海东风机械"})
    lead = await make_lead(core, "张伟", company="东风机械")
    unsure = (await admin.get(f"/leads/{lead.id}/conversion"))["unsure"]
    assert [(one["kind"], one["id"]) for one in unsure] == [("customer", near["id"])]
    body = {"customer_id": near["id"], "opportunity": {"name": "网关", "amount": "5000.00"}}
    done = await admin.post(f"/leads/{lead.id}/convert", body, status=200)
    assert done["customer_id"] == near["id"]
    deal = await admin.get(f"/opportunities/{done['opportunity_id']}")
    assert (deal["name"], deal["amount"], deal["customer_id"]) == ("网关", "5000.00", near["id"])
    twin = await make_lead(core, "李娜", company="上海东风机械")
    assert (await admin.post(f"/leads/{twin.id}/convert", {"anew": True}, status=200))["customer_id"] != near["id"]
    assert await admin.refused("POST", f"/leads/{(await make_lead(core)).id}/convert", {"customer_id": 999}) == (
        404,
        "not_found",
    )


async def test_a_potential_customer_is_a_level(core: Core, admin: Caller) -> None:
    lead = await make_lead(core)
    assert (await admin.get(f"/leads/{lead.id}"))["qualification"] == "lead"
    raised = await admin.post(f"/leads/{lead.id}/qualify", {"qualification": "potential"}, status=200)
    assert raised["qualification"] == "potential"
    assert [row["id"] for row in (await admin.get("/leads?qualification=potential"))["items"]] == [lead.id]
    assert await admin.refused("POST", f"/leads/{lead.id}/qualify", {"qualification": "king"}) == (422, "fields.invalid")
    assert (await Lead.get(id=lead.id)).qualification == "potential"
