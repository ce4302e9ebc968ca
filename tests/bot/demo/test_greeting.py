"""The greeting: who gets it and why somebody does not, with the rights of whoever sends it."""

from typing import Any

from bot.sample.fill import SEGMENTS
from campaigns.broadcasts import BROADCAST_STATUS_LABELS, BroadcastStatus
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


EVENT_WINDOW = 60
"""Seconds in which a new follower may be written to without having said anything."""


async def nobody_is_being_written_to(demo: Playing) -> None:
    """Let what other tests left come to its end: whom it reaches, or whose window closes, meanwhile is rightly left out."""
    running = BROADCAST_STATUS_LABELS[BroadcastStatus.RUNNING]
    await demo.until(lambda state: all(one["status"] != running for one in state["crm"]["broadcasts"]))
    await demo.advance(EVENT_WINDOW + 1)


async def test_the_dry_run_adds_up_and_the_real_run_keeps_it(demo: Playing) -> None:
    await nobody_is_being_written_to(demo)
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


async def test_one_dialogue_has_one_draft_whatever_is_chosen(demo: Playing) -> None:
    await demo.new_customer()
    first = await demo.do("greeting/preview", staff_id=LIN, **await choices(demo, LIN, "节日祝福", "VIP 客户"))
    other = await choices(demo, LIN, "生日祝福", "全部客户")
    second = await demo.do("greeting/preview", staff_id=LIN, draft_id=first["broadcast_id"], **other)
    assert second["broadcast_id"] == first["broadcast_id"]
    assert second["total"] > first["total"]
    assert "生日快乐" in second["samples"][0]


async def test_a_closed_dialogue_leaves_no_draft(demo: Playing) -> None:
    await demo.new_customer()
    chosen = await choices(demo, LIN, "节日祝福", "VIP 客户")
    number = (await demo.do("greeting/preview", staff_id=LIN, **chosen))["broadcast_id"]
    dropped = {"broadcast_id": number, "status": "cancelled"}
    assert await demo.do("greeting/drop", staff_id=LIN, broadcast_id=number) == dropped
    status, said = await demo.post("greeting/approve", staff_id=LIN, broadcast_id=number)
    assert status == 409
    assert "已取消" in said["error"]
    assert (await demo.post("greeting/preview", staff_id=LIN, draft_id=number, **chosen))[0] == 409
    assert await demo.do("greeting/drop", staff_id=LIN, broadcast_id=number) == dropped


async def test_what_runs_is_not_dropped_with_its_dialogue(demo: Playing) -> None:
    await demo.new_customer()
    seen = await demo.do("greeting/preview", staff_id=LIN, **await choices(demo, LIN, "节日祝福", "展会来的线索"))
    await demo.do("greeting/approve", staff_id=LIN, broadcast_id=seen["broadcast_id"])
    said = await demo.do("greeting/drop", staff_id=LIN, broadcast_id=seen["broadcast_id"])
    assert said["status"] in ("running", "finished")


async def test_a_segment_saved_again_by_the_chat_is_shown_once(demo: Playing) -> None:
    for _ in range(2):
        assert "（是/否）" in await demo.says(ZHOU, "春节给所有VIP发祝福")
        await demo.says(ZHOU, "否")
    found = (await demo.get(f"/demo/greeting?staff_id={ZHOU}"))["segments"]
    shown = [(one["name"], one["conditions"]) for one in found]
    assert len(set(shown)) == len(shown)
    assert [name for name, _ in shown[:4]] == list(SEGMENTS)
    assert ("VIP客户", "VIP") in shown
    assert all(one["count"] > 0 for one in found[:4])


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


async def test_a_birthday_greeting_has_its_own_words(demo: Playing) -> None:
    question = await demo.says(ZHOU, "生日当天早上9点给VIP发祝福")
    assert "模板「生日祝福」" in question
    assert "佳节" not in question
    await demo.says(ZHOU, "否")
