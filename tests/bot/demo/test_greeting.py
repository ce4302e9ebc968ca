"""The greeting: who gets it and why somebody does not, with the rights of whoever sends it."""

from typing import Any

from tests.bot.demo.conftest import Playing, lines_of

LIN, ZHOU = "hl-lin", "hl-zhou"


async def choices(demo: Playing, staff_id: str, template: str, segment: str) -> dict[str, int]:
    found = await demo.get(f"/demo/greeting?staff_id={staff_id}")
    return {
        "template_id": next(one["id"] for one in found["templates"] if one["name"] == template),
        "segment_id": next(one["id"] for one in found["segments"] if one["name"] == segment),
    }


async def finished(demo: Playing, broadcast_id: int) -> dict[str, Any]:
    def over(state: dict[str, Any]) -> bool:
        return any(one["id"] == broadcast_id and one["status"] == "已完成" for one in state["crm"]["broadcasts"])

    state = await demo.until(over)
    return next(one for one in state["crm"]["broadcasts"] if one["id"] == broadcast_id)


async def test_the_dry_run_adds_up_and_the_real_run_keeps_it(demo: Playing) -> None:
    await demo.new_customer()
    await demo.do("customer/say", text="你们的网关怎么卖？")
    seen = await demo.do("greeting/preview", staff_id=LIN, **await choices(demo, LIN, "节日祝福", "展会来的线索"))
    assert seen["total"] == seen["reached"] + sum(one["count"] for one in seen["suppressed"])
    assert seen["visitor"] == ""
    assert 1 <= len(seen["samples"]) <= 3
    await demo.do("greeting/approve", staff_id=LIN, broadcast_id=seen["broadcast_id"])
    done = await finished(demo, seen["broadcast_id"])
    assert done["counts"] == {"sent": seen["reached"], "suppressed": seen["total"] - seen["reached"]}
    state = (await demo.get("/demo/state"))["state"]
    assert "节日快乐" in lines_of(state, "customer")[-1]["text"]


async def test_who_opted_out_is_left_out_and_told_so(demo: Playing) -> None:
    await demo.new_customer()
    await demo.do("customer/say", text="退订")
    state = (await demo.get("/demo/state"))["state"]
    assert lines_of(state, "customer")[-1]["text"].startswith("已退订")
    seen = await demo.do("greeting/preview", staff_id=ZHOU, **await choices(demo, ZHOU, "节日祝福", "展会来的线索"))
    assert seen["visitor"] == "已退订"


async def test_somebody_outside_the_segment_is_not_drawn(demo: Playing) -> None:
    await demo.new_customer("")
    seen = await demo.do("greeting/preview", staff_id=ZHOU, **await choices(demo, ZHOU, "节日祝福", "VIP 客户"))
    assert seen["visitor"] is None


async def test_another_choice_drops_the_draft_before(demo: Playing) -> None:
    await demo.new_customer()
    chosen = await choices(demo, LIN, "节日祝福", "VIP 客户")
    first = await demo.do("greeting/preview", staff_id=LIN, **chosen)
    await demo.do("greeting/preview", staff_id=LIN, draft_id=first["broadcast_id"], **chosen)
    status, said = await demo.post("greeting/approve", staff_id=LIN, broadcast_id=first["broadcast_id"])
    assert status == 409
    assert "已取消" in said["error"]


async def test_a_salesperson_is_offered_no_greeting(demo: Playing) -> None:
    async with demo.session.get(f"{demo.url}/demo/greeting?staff_id=hl-wang") as answer:
        assert answer.status == 409


async def test_turned_platforms_close_their_windows_and_the_result_says_so(demo: Playing) -> None:
    await demo.new_customer()
    await demo.do("customer/say", text="在吗")
    await demo.do("clock", hours=49)
    try:
        seen = await demo.do("greeting/preview", staff_id=ZHOU, **await choices(demo, ZHOU, "新品通知", "全部客户"))
        assert seen["reached"] > 5
        await demo.do("greeting/approve", staff_id=ZHOU, broadcast_id=seen["broadcast_id"])
        done = await finished(demo, seen["broadcast_id"])
        assert "sent" not in done["counts"]
        assert done["reasons"]["不在可发送时间窗内"] >= seen["reached"]
    finally:
        await demo.do("clock")
    assert (await demo.get("/demo/state"))["state"]["turned_seconds"] == 0


async def test_a_greeting_arranged_in_words_is_shown_with_its_day(demo: Playing) -> None:
    await demo.new_customer()
    question = await demo.says(ZHOU, "中秋给所有VIP发祝福")
    assert "（是/否）" in question
    state = (await demo.get("/demo/state"))["state"]
    assert [chip["text"] for chip in state["chips"][ZHOU]] == ["是", "否", "取消"]
    assert "已安排" in await demo.says(ZHOU, "是")
    plan = (await demo.get("/demo/state"))["state"]["crm"]["plans"][0]
    assert plan["name"].startswith("中秋")
    assert plan["at"]
