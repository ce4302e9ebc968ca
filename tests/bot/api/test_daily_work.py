"""Reports, the staff centre, announcements, knowledge and mail addresses over the API."""

from datetime import timedelta
from urllib.parse import quote

from crm_core.access import Role
from crm_core.ports import Core
from tests.bot.api.conftest import Caller
from tests.bot.api.test_leads import Make


async def test_a_report_is_handed_in_and_read_by_the_manager(sales: Caller, caller: Make) -> None:
    draft = await sales.get("/work-reports/draft")
    assert "跟进0条" in draft["figures"]
    made = await sales.post("/work-reports", {"kind": "weekly", "text": "拜访5家"})
    assert (made["period_on"], made["text"]) == ("2026-11-23", "拜访5家")
    admin = await caller(Role.ADMIN)
    assert [each["text"] for each in (await admin.get("/work-reports?kind=weekly&period_on=2026-11-23"))["items"]] == [
        "拜访5家"
    ]
    peer = await caller(Role.SALES, employee=True, name="小陈")
    assert (await peer.get("/work-reports"))["items"] == []
    assert await sales.refused("POST", "/work-reports", {"kind": "weekly", "text": " "}) == (422, "invalid")
    await sales.post(f"/work-reports/{made['id']}/withdraw", status=200)
    assert (await admin.get("/work-reports"))["items"] == []


async def test_the_staff_centre_shows_own_work_and_not_a_peers(core: Core, sales: Caller, caller: Make) -> None:
    customer = await sales.post("/customers", {"name": "云帆科技"})
    await sales.post(
        "/follow-ups", {"subject_kind": "customer", "subject_id": customer["id"], "method": "phone", "summary": "约"}
    )
    start, end = (core.clock.now() + timedelta(days=days) for days in (-1, 1))
    span = f"&from={quote(start.isoformat())}&until={quote(end.isoformat())}"
    address = f"/reports/work-summary?employee_id={sales.employee.id}{span}"  # type: ignore[union-attr]
    found = await sales.get(address)
    assert (found["name"], found["follow_ups"], found["visits"], found["overdue_count"]) == ("小王", {"phone": 1}, 0, 0)
    assert await sales.refused("GET", "/reports/work-summary?employee_id=1") == (422, "invalid")
    peer = await caller(Role.SALES, employee=True, name="小陈")
    assert await peer.refused("GET", address) == (403, "refused")


async def test_an_announcement_has_its_read_state(sales: Caller, caller: Make) -> None:
    boss = await caller(Role.MANAGER, employee=True, name="老周")
    body = {"audience": ["小王"], "text": "明天开会"}
    assert await sales.refused("POST", "/announcements", body) == (403, "refused")
    made = await boss.post("/announcements", body)
    assert await boss.refused("POST", "/announcements", {**body, "audience": ["火星部"]}) == (422, "invalid")
    assert [each["unread"] for each in (await sales.get("/announcements"))["items"]] == [True]
    assert (await boss.get(f"/announcements/{made['id']}"))["unread"] == ["小王"]
    assert "read" not in await sales.get(f"/announcements/{made['id']}")
    await sales.post(f"/announcements/{made['id']}/read", status=200)
    assert (await boss.get(f"/announcements/{made['id']}"))["read"] == ["小王"]
    peer = await caller(Role.SALES, employee=True, name="小陈")
    assert await peer.refused("GET", f"/announcements/{made['id']}") == (404, "not_found")
    assert await sales.refused("POST", f"/announcements/{made['id']}/withdraw", {}) == (403, "refused")
    await boss.post(f"/announcements/{made['id']}/withdraw", status=200)
    assert (await sales.get("/announcements"))["items"] == []


async def test_articles_answer_with_their_source(sales: Caller, caller: Make) -> None:
    boss = await caller(Role.MANAGER, employee=True, name="老周")
    made = await boss.post("/articles", {"title": "网关保修期", "text": "两年", "source": "手册"})
    found = await sales.get("/articles/answers?q=" + quote("网关保修多久"))
    assert [(each["id"], each["source"]) for each in found["items"]] == [(made["id"], "手册")]
    assert (await sales.get("/articles/answers?q=" + quote("食堂几点开门")))["items"] == []
    assert await sales.refused("POST", "/articles", {"title": "a", "text": "b"}) == (403, "refused")
    assert (await boss.patch(f"/articles/{made['id']}", {"text": "三年"}))["text"] == "三年"
    assert (await sales.get(f"/articles/{made['id']}"))["text"] == "三年"
    await boss.post(f"/articles/{made['id']}/end", status=200)
    assert (await sales.get("/articles"))["items"] == []


async def test_mail_addresses_are_ones_own(sales: Caller, caller: Make) -> None:
    made = await sales.post("/mail-addresses", {"address": "Wang@example.cn"})
    assert made["address"] == "wang@example.cn"
    peer = await caller(Role.SALES, employee=True, name="小陈")
    assert await peer.refused("POST", "/mail-addresses", {"address": "wang@example.cn"}) == (409, "mail.address_taken")
    assert await peer.refused("DELETE", f"/mail-addresses/{made['id']}") == (403, "refused")
    assert (await sales.ask("DELETE", f"/mail-addresses/{made['id']}"))[0] == 200
    assert (await sales.get("/mail-addresses"))["items"] == []


async def test_a_todo_is_given_and_answered(core: Core, sales: Caller, caller: Make) -> None:
    peer = await caller(Role.SALES, employee=True, name="小李")
    at = (core.clock.now() + timedelta(days=1)).isoformat()
    body = {"to_id": peer.employee.id, "text": "发报价", "at": at}  # type: ignore[union-attr]
    made = await sales.post("/reminders/given", body)
    assert (made["owner_id"], made["given_by_id"]) == (peer.employee.id, sales.employee.id)  # type: ignore[union-attr]
    assert (await peer.post(f"/reminders/{made['id']}/accept", status=200))["accepted_at"] is not None
    assert await peer.refused("POST", f"/reminders/{made['id']}/decline", {}) == (409, "todo.not_given")
    assert (await peer.post(f"/reminders/{made['id']}/reconsider", status=200))["accepted_at"] is None
    await peer.post(f"/reminders/{made['id']}/accept", status=200)
    assert (await peer.post(f"/reminders/{made['id']}/complete", status=200))["status"] == "done"
    other = await sales.post("/reminders/given", body)
    back = await peer.post(f"/reminders/{other['id']}/decline", {"reason": "出差"}, status=200)
    assert back["owner_id"] == sales.employee.id  # type: ignore[union-attr]
    handed = await sales.post(f"/reminders/{other['id']}/hand-on", {"to_id": peer.employee.id}, status=200)  # type: ignore[union-attr]
    assert handed["owner_id"] == peer.employee.id  # type: ignore[union-attr]
    assert (await sales.post(f"/reminders/{other['id']}/take-back", status=200))["status"] == "cancelled"
    assert await sales.refused("POST", "/reminders/given", {**body, "at": "2020-01-01T00:00:00Z"}) == (422, "invalid")


async def test_a_remark_is_read_and_withdrawn(sales: Caller, caller: Make) -> None:
    boss = await caller(Role.ADMIN, employee=True, name="老周")
    customer = await sales.post("/customers", {"name": "云帆科技"})
    record = await sales.post("/follow-ups", {"subject_kind": "customer", "subject_id": customer["id"], "summary": "约"})
    remark = await boss.post(f"/follow-ups/{record['id']}/comments", {"text": "抓紧"})
    assert await boss.refused("POST", f"/follow-ups/comments/{remark['id']}/read", {}) == (404, "not_found")
    assert (await sales.post(f"/follow-ups/comments/{remark['id']}/read", status=200))["read_at"] is not None
    assert await sales.refused("POST", f"/follow-ups/comments/{remark['id']}/withdraw", {}) == (403, "refused")
    await boss.post(f"/follow-ups/comments/{remark['id']}/withdraw", status=200)
    assert (await sales.get(f"/follow-ups/{record['id']}"))["comments"] == []
