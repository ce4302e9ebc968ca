"""The lower lists of the panel: nothing of today is missing, and no two rows look the same."""

from typing import Any

from tests.bot.demo.conftest import Playing
from tests.bot.demo.test_greeting import choices

LIN, WANGLEI, ZHOU = "hl-lin", "hl-wang", "hl-zhou"


async def crm(demo: Playing) -> dict[str, Any]:
    found: dict[str, Any] = (await demo.get("/demo/state"))["state"]["crm"]
    return found


async def test_open_reminders_come_first_and_all_of_today_are_there(demo: Playing) -> None:
    await demo.new_customer()
    for number in range(6):
        await demo.says(WANGLEI, f"一分钟后提醒我试第{number}件事")
    await demo.advance(61)
    await demo.until(lambda state: sum(one["status"] == "fired" for one in state["crm"]["reminders"]) >= 6)
    await demo.says(WANGLEI, "五分钟后提醒我喝水")
    shown = (await crm(demo))["reminders"]
    over = [one["status"] != "pending" for one in shown]
    assert over == sorted(over)
    for state in (False, True):
        times = [one["at"] for one, ended in zip(shown, over, strict=True) if ended is state]
        assert times == sorted(times)
    assert any("喝水" in one["text"] for one in shown if one["status"] == "pending")
    assert len([one for one in shown if "件事" in one["text"]]) == 6


async def test_each_broadcast_says_its_number_time_and_people(demo: Playing) -> None:
    await demo.new_customer()
    numbers = []
    for _ in range(6):
        seen = await demo.do("greeting/preview", staff_id=ZHOU, **await choices(demo, ZHOU, "新品通知", "VIP 客户"))
        await demo.do("greeting/approve", staff_id=ZHOU, broadcast_id=seen["broadcast_id"])
        numbers.append(seen["broadcast_id"])
    await demo.until(lambda state: all(one["status"] == "已完成" for one in state["crm"]["broadcasts"]))
    shown = (await crm(demo))["broadcasts"]
    assert [one["id"] for one in shown] == numbers[:0:-1]
    for one in shown:
        assert (one["name"], one["audience"]) == ("新品通知", "VIP 客户")
        assert one["people"] == sum(one["counts"].values()) == seen["total"]
        assert one["at"]


async def test_a_broadcast_for_tomorrow_says_how_many_it_would_be(demo: Playing) -> None:
    question = await demo.says(ZHOU, "明天上午10点给所有VIP群发新品通知")
    assert "（是/否）" in question
    await demo.says(ZHOU, "是")
    newest = (await crm(demo))["broadcasts"][0]
    assert newest["status"] == "待发送"
    assert newest["people"] > 5
    assert "T02:00" in newest["at"]
    await demo.says(ZHOU, f"取消群发#{newest['id']}")
    assert newest["id"] not in [one["id"] for one in (await crm(demo))["broadcasts"]]
