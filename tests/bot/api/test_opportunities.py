"""Deals over the API: made, moved with their rules, ended, and hidden from everybody else."""

from collections.abc import Awaitable, Callable

from crm_core.access import Role
from crm_core.ports import Core
from crm_core.repeat_purchases import PurchaseProposal
from tests.bot.api.conftest import Caller

Make = Callable[..., Awaitable[Caller]]


async def a_deal(caller: Caller, **values: object) -> dict[str, object]:
    customer = await caller.post("/customers", {"name": "云帆科技"})
    deal: dict[str, object] = await caller.post("/opportunities", {"customer_id": customer["id"], "name": "网关", **values})
    return deal


async def test_the_fields_of_the_contract(caller: Make) -> None:
    sales = await caller(Role.SALES, employee=True)
    deal = await a_deal(sales, product="智能网关", amount="500000", probability=60, expected_close_on="2026-12-31")
    assert {name: deal[name] for name in ("name", "product", "stage", "amount", "probability", "expected_close_on")} == {
        "name": "网关",
        "product": "智能网关",
        "stage": "initial",
        "amount": "500000.00",
        "probability": 60,
        "expected_close_on": "2026-12-31",
    }
    assert (deal["status"], deal["loss_reason"], deal["owner_id"]) == ("open", "", sales.employee.id)  # type: ignore[union-attr]
    assert await sales.get(f"/opportunities/{deal['id']}") == deal
    listed = await sales.get(f"/opportunities?customer_id={deal['customer_id']}&status=open&q=网")
    assert listed["items"] == [deal]
    assert (await sales.get("/opportunities?stage=contract"))["items"] == []


async def test_what_cannot_be_is_refused(caller: Make) -> None:
    sales = await caller(Role.SALES, employee=True)
    deal = await a_deal(sales)
    for body in (
        {"amount": "-1"},
        {"amount": 5},
        {"probability": 101},
        {"expected_close_on": "2026-02-30"},
        {"stage": "flight"},
        {"colour": "red"},
        {"status": "lost", "loss_reason": "贵"},
        {"status": "lost", "competitor": "无"},
        {"status": "shelved", "reason": "等"},
    ):
        status, _ = await sales.refused("PATCH", f"/opportunities/{deal['id']}", body)
        assert status == 422, body
    assert await sales.get(f"/opportunities/{deal['id']}") == deal
    assert (await sales.refused("POST", "/opportunities", {"customer_id": 987654}))[0] == 404


async def test_moves_keep_their_rules(caller: Make) -> None:
    sales = await caller(Role.SALES, employee=True)
    deal = await a_deal(sales)
    path = f"/opportunities/{deal['id']}"
    assert await sales.refused("POST", f"{path}/advance", {}) == (409, "opportunity.conditions_missing")
    assert await sales.refused("PATCH", path, {"stage": "proposal"}) == (409, "opportunity.conditions_missing")
    progress = await sales.get(f"{path}/progress")
    assert (progress["label"], progress["days"], progress["next_stage"]) == ("初步接触", 0, "需求确认")
    assert progress["missing"] == ["登记联系人", "有跟进记录"]
    assert (await sales.post(f"{path}/advance", {"reason": "急"}, status=200))["stage"] == "qualified"
    changed = await sales.patch(path, {"stage": "proposal", "amount": "10", "reason": "急"})
    assert (changed["stage"], changed["amount"]) == ("proposal", "10.00")
    assert await sales.refused("POST", f"{path}/advance", {"stage": "initial"}) == (422, "opportunity.reason_needed")
    moves = (await sales.get(f"{path}/moves"))["items"]
    assert [(move["kind"], move["from_stage"]) for move in moves] == [
        ("advance", "qualified"),
        ("advance", "initial"),
        ("open", ""),
    ]
    assert (await sales.post(f"{path}/undo", status=200))["stage"] == "qualified"
    assert len((await sales.get(f"{path}/moves"))["items"]) == 2


async def test_won_lost_shelved_and_opened_again(caller: Make) -> None:
    sales = await caller(Role.SALES, employee=True)
    deal = await a_deal(sales)
    path = f"/opportunities/{deal['id']}"
    won = await sales.post(f"{path}/win", {"amount": "12.30"}, status=200)
    assert (won["status"], won["amount"]) == ("won", "12.30")
    assert (await sales.get(f"/customers/{deal['customer_id']}"))["status"] == "active"
    assert await sales.refused("POST", f"{path}/reopen", {}) == (422, "opportunity.reason_needed")
    await sales.post(f"{path}/reopen", {"reason": "记错了"}, status=200)
    assert (await sales.refused("POST", f"{path}/lose", {"reason": "贵"}))[0] == 422
    lost = await sales.post(f"{path}/lose", {"reason": "贵", "competitor": "华星"}, status=200)
    assert (lost["status"], lost["loss_reason"], lost["retry_on"]) == ("lost", "贵", "2027-02-23")
    assert (await sales.post(f"{path}/retry", {"retry_on": "2027-01-01"}, status=200))["retry_on"] == "2027-01-01"
    assert (await sales.patch(path, {"retry_on": "2027-01-02", "loss_reason": "太贵"}))["loss_reason"] == "太贵"
    assert (await sales.patch(path, {"status": "open"}))["status"] == "open"
    shelved = await sales.post(f"{path}/shelve", {"until": "2027-01-01", "reason": "等"}, status=200)
    assert (shelved["status"], shelved["shelved_until"]) == ("shelved", "2027-01-01")
    await sales.patch(path, {"status": "open"})
    again = await sales.patch(path, {"status": "lost", "loss_reason": "贵", "competitor": "无"})
    assert (again["status"], again["competitor"]) == ("lost", "无")
    await sales.patch(path, {"status": "open"})
    assert (await sales.patch(path, {"status": "shelved", "shelved_until": "2027-02-01", "reason": "等"}))[
        "status"
    ] == "shelved"
    await sales.patch(path, {"status": "open"})
    assert (await sales.post(f"{path}/quoted", status=200))["quoted_at"] is not None
    assert (await sales.patch(path, {"status": "won", "amount": "9"}))["amount"] == "9.00"


async def test_a_peer_sees_nothing_and_a_viewer_changes_nothing(caller: Make) -> None:
    sales, peer, viewer = (
        await caller(Role.SALES, employee=True),
        await caller(Role.SALES, employee=True),
        await caller(Role.VIEWER),
    )
    deal = await a_deal(sales)
    path = f"/opportunities/{deal['id']}"
    assert (await peer.get("/opportunities"))["items"] == []
    for method, address, body in (
        ("GET", path, None),
        ("PATCH", path, {"amount": "1"}),
        ("POST", f"{path}/win", {}),
        ("POST", f"{path}/next-step", {"text": "约"}),
        ("GET", f"{path}/moves", None),
        ("GET", f"{path}/progress", None),
        ("POST", "/opportunities", {"customer_id": deal["customer_id"]}),
    ):
        assert (await peer.refused(method, address, body))[0] == 404, address
    assert (await viewer.get(path))["id"] == deal["id"]
    assert (await viewer.refused("POST", f"{path}/win", {}))[0] == 403


async def test_a_next_step_and_proposals(core: Core, caller: Make) -> None:
    sales = await caller(Role.SALES, employee=True)
    deal = await a_deal(sales)
    step = await sales.post(f"/opportunities/{deal['id']}/next-step", {"text": "约高层", "at": "2026-12-01T15:00:00+08:00"})
    assert (step["text"], step["owner_id"]) == ("网关：约高层", sales.employee.id)  # type: ignore[union-attr]
    made = []
    for product in ("网关", "平台"):
        row = await PurchaseProposal.add(
            core,
            opportunity_id=deal["id"],
            customer_id=deal["customer_id"],
            owner_id=deal["owner_id"],
            kind="repeat",
            product=product,
        )
        made.append(row.id)
    assert len((await sales.get("/purchase-proposals?status=open"))["items"]) == 2
    assert (await sales.post(f"/purchase-proposals/{made[0]}/accept", status=200))["status"] == "accepted"
    assert (await sales.post(f"/purchase-proposals/{made[1]}/decline", status=200))["status"] == "declined"
    assert await sales.refused("POST", f"/purchase-proposals/{made[1]}/accept", {}) == (409, "purchase_proposal.answered")


async def test_a_follow_up_is_written_about_a_deal(caller: Make) -> None:
    sales = await caller(Role.SALES, employee=True)
    deal = await a_deal(sales)
    body = {"subject_kind": "opportunity", "subject_id": deal["id"], "method": "visit", "summary": "看现场"}
    assert (await sales.post("/follow-ups", body))["person"] == "网关"
    assert (await sales.get(f"/opportunities/{deal['id']}"))["last_follow_up_at"] is not None
