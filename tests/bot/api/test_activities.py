"""Follow-ups and the remarks on them over the API."""

from crm_core.access import Role
from crm_core.ports import Core
from tests.bot.api.conftest import Caller
from tests.bot.api.test_leads import Make
from tests.factories import make_lead


async def test_a_follow_up_with_a_remark(core: Core, caller: Make) -> None:
    boss = await caller(Role.MANAGER, employee=True)
    assert boss.employee is not None
    me = await caller(Role.SALES, employee=True, manager_id=boss.employee.id)
    assert me.employee is not None
    lead = await make_lead(core, "张伟", owner_id=me.employee.id)
    body = {
        "subject_kind": "lead",
        "subject_id": lead.id,
        "method": "phone",
        "at": "2026-11-24T14:00:00+08:00",
        "summary": "对报价基本认可",
        "next_follow_up_at": "2026-12-02T09:00:00+08:00",
        "amount": "35000",
        "stage": "proposal",
    }
    made = await me.post("/follow-ups", body)
    assert (made["person"], made["at"], made["amount"]) == ("张伟", "2026-11-24T06:00:00+00:00", "35000.00")
    assert made["comments"] == []
    remark = await boss.post(f"/follow-ups/{made['id']}/comments", {"text": "尽快约见"})
    shown = (await me.get(f"/follow-ups?subject_id={lead.id}"))["items"][0]
    assert [(one["author_id"], one["text"]) for one in shown["comments"]] == [(boss.employee.id, "尽快约见")]
    assert (await me.get(f"/follow-ups/{made['id']}/comments"))["items"] == [remark]
    assert (await me.get(f"/leads/{lead.id}"))["last_follow_up_at"] == "2026-11-24T06:00:00+00:00"
    assert (await me.patch(f"/follow-ups/{made['id']}", {"summary": "已认可"}))["summary"] == "已认可"
    assert await boss.refused("PATCH", f"/follow-ups/{made['id']}", {"summary": "?"}) == (403, "refused")
    assert (await me.get(f"/follow-ups/{made['id']}"))["summary"] == "已认可"
    await me.post(f"/follow-ups/{made['id']}/undo", status=200)
    assert (await me.get("/follow-ups"))["items"] == []


async def test_what_a_follow_up_cannot_be_about(core: Core, admin: Caller, sales: Caller) -> None:
    lead = await make_lead(core, owner_id=None)
    foreign = await admin.post("/customers", {"name": "东风机械厂"})
    good = {"subject_kind": "lead", "subject_id": lead.id}
    assert await sales.refused("POST", "/follow-ups", {**good, "subject_kind": "planet"}) == (422, "fields.invalid")
    assert await sales.refused("POST", "/follow-ups", {**good, "stage": "dreaming"}) == (422, "invalid")
    body = {"subject_kind": "customer", "subject_id": foreign["id"]}
    assert await sales.refused("POST", "/follow-ups", body) == (404, "not_found")
    await admin.post("/follow-ups", body)


async def test_history_is_found_under_the_lead_and_under_its_contact(core: Core, sales: Caller) -> None:
    assert sales.employee is not None
    for number in range(2):  # so that the numbers of lead and contact differ
        await make_lead(core, f"别人{number}", owner_id=sales.employee.id)
    lead = await make_lead(core, "张伟", owner_id=sales.employee.id)
    before = await sales.post("/follow-ups", {"subject_kind": "lead", "subject_id": lead.id, "summary": "一"})
    contact_id = (await sales.post(f"/leads/{lead.id}/convert", status=200))["contact_id"]
    assert contact_id != lead.id
    after = await sales.post("/follow-ups", {"subject_kind": "lead", "subject_id": lead.id, "summary": "二"})
    assert (after["subject_kind"], after["subject_id"]) == ("contact", contact_id)
    for query in (
        f"subject_id={lead.id}",
        f"subject_kind=lead&subject_id={lead.id}",
        f"subject_id={contact_id}",
        f"subject_kind=contact&subject_id={contact_id}",
    ):
        found = (await sales.get(f"/follow-ups?{query}"))["items"]
        assert [row["id"] for row in found] == [after["id"], before["id"]], query
    for query in (f"subject_kind=customer&subject_id={lead.id}", f"subject_kind=contact&subject_id={lead.id}"):
        assert (await sales.get(f"/follow-ups?{query}"))["items"] == []


async def test_a_record_of_somebody_else_is_not_taken_back(core: Core, admin: Caller, sales: Caller) -> None:
    assert sales.employee is not None
    lead = await make_lead(core, "张伟", owner_id=sales.employee.id)
    made = await admin.post("/follow-ups", {"subject_kind": "lead", "subject_id": lead.id})
    assert await sales.refused("POST", f"/follow-ups/{made['id']}/undo", {}) == (403, "refused")
