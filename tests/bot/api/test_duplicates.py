"""Duplicates over the API: the check, the queue, merges and their undo, the rules; merged numbers go on answering."""

from collections.abc import Awaitable, Callable

from crm_core import cleaning
from crm_core.access import Role
from crm_core.audit import AuditEntry
from crm_core.leads import Lead
from crm_core.ports import Core
from tests.bot.api.conftest import Caller
from tests.factories import make_customer_account, make_employee, make_lead

Make = Callable[..., Awaitable[Caller]]


async def test_the_check_tells_a_stranger_only_whose_it_is(core: Core, sales: Caller, admin: Caller) -> None:
    owner = await make_employee(core, "小陈")
    lead = await make_lead(core, "刘洋", owner_id=owner.id, mobile="13812345678", company="恒信")
    told = (await sales.post("/duplicates", {"mobile": "13812345678"}, status=200))["items"]
    assert told == [
        {
            **{"kind": "lead", "visible": False, "owner": "小陈", "phone": "138****5678", "score": 100},
            **{"reasons": ["手机号相同"], "sentence": "已有，归属：小陈，138****5678"},
        }
    ]
    full = (await admin.post("/duplicates", {"mobile": "13812345678"}, status=200))["items"][0]
    assert (full["id"], full["name"], full["person_id"]) == (lead.id, "刘洋", lead.person_id)
    assert await AuditEntry.filter(action="duplicates.ask").count() == 2
    assert await sales.refused("POST", "/duplicates", {"mobile": "138123"}) == (422, "invalid")
    assert await sales.refused("POST", "/duplicates", {}) == (422, "invalid")


async def test_a_merged_number_answers_with_the_surviving_one_everywhere(core: Core, admin: Caller) -> None:
    keep, drop = await make_lead(core, mobile="13800138000"), await make_lead(core, need="5台")
    await make_customer_account(core, drop)
    done = await admin.post(f"/leads/{keep.id}/merge", {"drop_id": drop.id}, status=200)
    assert (await admin.get(f"/leads/{drop.id}"))["id"] == keep.id
    assert [row["id"] for row in (await admin.get("/leads"))["items"]] == [keep.id]
    assert [row["id"] for row in (await admin.get(f"/leads?person_id={drop.person_id}"))["items"]] == [keep.id]
    accounts = (await admin.get(f"/accounts?person_id={drop.person_id}"))["items"]
    assert [row["person_id"] for row in accounts] == [keep.person_id]
    assert (await admin.get(f"/leads/{drop.id}"))["intent_count"] == 2
    needs = (await admin.get(f"/leads/{keep.id}/needs"))["items"]
    assert [row["need"] for row in needs] == ["", "5台"]
    assert await admin.refused("POST", f"/leads/{keep.id}/merge", {"drop_id": drop.id}) == (409, "merge.already_merged")
    sets = (await admin.get("/change-sets?kind=merge"))["items"]
    assert [row["id"] for row in sets] == [done["change_set_id"]]
    assert (await admin.get(f"/change-sets/{done['change_set_id']}"))["kind"] == "merge"
    undone = await admin.post(f"/change-sets/{done['change_set_id']}/undo", status=200)
    assert undone["left"] == 0
    assert (await admin.get(f"/leads/{drop.id}"))["id"] == drop.id
    assert await admin.refused("POST", f"/change-sets/{done['change_set_id']}/undo", {}) == (409, "change_set.undone")


async def test_contacts_and_customers_are_merged_too(core: Core, admin: Caller) -> None:
    one, two = [await admin.post("/customers", {"name": name}) for name in ("东风机械", "东风机械公司")]
    first = await admin.post("/contacts", {"name": "张伟", "customer_id": one["id"], "title": "采购"})
    second = await admin.post("/contacts", {"name": "张伟", "customer_id": two["id"], "title": "经理"})
    await admin.post(f"/customers/{one['id']}/merge", {"drop_id": two["id"]}, status=200)
    assert (await admin.get(f"/contacts/{second['id']}"))["customer_id"] == one["id"]
    await admin.post(f"/contacts/{first['id']}/merge", {"drop_id": second["id"]}, status=200)
    kept = await admin.get(f"/contacts/{second['id']}")
    assert (kept["id"], kept["title"]) == (first["id"], "经理")
    history = (await admin.get(f"/contacts/{first['id']}/field-changes"))["items"]
    assert [(row["name"], row["old"], row["new"], row["status"]) for row in history] == [("title", "采购", "经理", "replaced")]
    for address in (f"/customers/{one['id']}", f"/leads/{(await make_lead(core)).id}"):
        assert "items" in await admin.get(f"{address}/field-changes")


async def test_the_queue_is_listed_and_answered(core: Core, sales: Caller, caller: Make) -> None:
    assert sales.employee is not None
    old = await make_lead(core, "张伟", company="东风机械", owner_id=sales.employee.id)
    new = await make_lead(core, "张伟", company="东风机械公司", owner_id=sales.employee.id)
    await cleaning.examine(core, new.id)
    rows = (await sales.get("/cleaning-cases?status=open"))["items"]
    assert [(row["subject_id"], row["other_id"], row["reasons"]) for row in rows] == [
        (new.id, old.id, ["姓名相同", "公司相同"])
    ]
    other = await caller(Role.SALES, employee=True)
    assert (await other.get("/cleaning-cases"))["items"] == []
    assert await other.refused("POST", f"/cleaning-cases/{rows[0]['id']}/answer", {"answer": "merge"}) == (404, "not_found")
    assert (await sales.get(f"/cleaning-cases/{rows[0]['id']}"))["score"] == 80
    assert await sales.refused("POST", f"/cleaning-cases/{rows[0]['id']}/answer", {"answer": "maybe"}) == (
        422,
        "fields.invalid",
    )
    answered = await sales.post(f"/cleaning-cases/{rows[0]['id']}/answer", {"answer": "merge"}, status=200)
    assert answered["status"] == "merged"
    assert (await Lead.get(id=new.id)).merged_into_id == old.id
    assert await sales.refused("POST", f"/cleaning-cases/{rows[0]['id']}/answer", {"answer": "merge"}) == (404, "not_found")


async def test_rules_are_for_managers(admin: Caller, sales: Caller) -> None:
    rule = {"all_of": ["name", "company"], "action": "same", "within_days": 30, "same_campaign": True}
    assert await sales.refused("POST", "/match-rules", rule) == (403, "refused")
    made = await admin.post("/match-rules", rule)
    assert (made["all_of"], made["within_days"], made["ended_at"]) == ("name,company", 30, None)
    assert await admin.refused("POST", "/match-rules", {"all_of": ["shoe"]}) == (422, "invalid")
    assert [row["id"] for row in (await sales.get("/match-rules"))["items"]] == [made["id"]]
    assert await sales.refused("POST", f"/match-rules/{made['id']}/end", {}) == (403, "refused")
    assert (await admin.post(f"/match-rules/{made['id']}/end", status=200))["ended_at"] is not None


async def test_a_known_number_is_recorded_again_unless_the_caller_asks(core: Core, admin: Caller, sales: Caller) -> None:
    body = {"name": "张伟", "mobile": "13812345678"}
    first = await admin.post("/leads", body)
    await admin.post("/leads", body)
    status, answer = await sales.ask("POST", "/leads", json={**body, "on_duplicate": "refuse"})
    assert (status, answer["error"]["code"]) == (409, "lead.duplicate")
    assert "138****5678" in answer["error"]["message"]
    status, answer = await admin.ask("POST", "/leads", json={**body, "on_duplicate": "refuse"})
    assert answer["error"]["fields"]["id"] == str(first["id"])
    assert (await sales.post("/leads", {"name": "李娜", "mobile": "13700137000", "on_duplicate": "refuse"}))["name"] == "李娜"


async def test_a_company_is_a_customer_once_where_the_caller_asks_for_it(admin: Caller) -> None:
    first = await admin.post("/customers", {"name": "东风机械有限公司", "credit_code": "91350100M000100Y43"})
    assert first["credit_code"] == "91350100M000100Y43"
    for body in ({"name": "东风机械公司"}, {"name": "别的名字", "credit_code": "91350100M000100Y43"}):
        status, answer = await admin.ask("POST", "/customers", json={**body, "on_duplicate": "refuse"})
        assert (status, answer["error"]["code"], answer["error"]["fields"]["id"]) == (
            409,
            "customer.duplicate",
            str(first["id"]),
        )
    second = await admin.post("/customers", {"name": "东风机械公司"})
    cases = (await admin.get("/cleaning-cases?subject_kind=customer"))["items"]
    assert [(row["subject_id"], row["other_id"]) for row in cases] == [(second["id"], first["id"])]
    assert await admin.refused("POST", "/customers", {"name": "甲", "credit_code": "123"}) == (422, "fields.invalid")
