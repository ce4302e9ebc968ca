"""Pressing instead of typing: cards over Stream and over HTTP, with the rights of whoever presses, and once."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.channels.dingtalk import DingTalk
from campaigns.broadcasts import Broadcast
from campaigns.greetings import GreetingPlan
from campaigns.templates import create_template
from crm_core.access import Role
from crm_core.conversations import Message
from crm_core.db import Database
from crm_core.leads import Lead
from scheduler.reminders import Reminder
from tests.factories import SYSTEM
from tests.house import House
from tests.waiting import until

CARDS = {"card_template_id": "guanxi.schema", "card_secret_env": "DINGTALK_CARD_SECRET"}


@pytest_asyncio.fixture(params=["stream", "http"])
async def card_house(request: pytest.FixtureRequest, db: Database, tmp_path: Path) -> AsyncIterator[House]:
    made = await House(db, tmp_path, dingtalk={"receive": request.param, **CARDS}).start()
    channel = made.app.channels["dingtalk"]
    assert isinstance(channel, DingTalk)
    if request.param == "stream":
        await until(lambda: channel.health()["stream"] == "connected")
    else:
        # The product registers its public address by itself, which here has no port: ours must come after it.
        await until(lambda: made.simulator.dingtalk.calls("/v1.0/card/callbacks/register"))
        await channel.sender.cards.register(f"http://127.0.0.1:{made.app.port}/hook/dingtalk")
    yield made
    await made.stop()


@pytest_asyncio.fixture
async def stream_house(db: Database, tmp_path: Path) -> AsyncIterator[House]:
    made = await House(db, tmp_path, dingtalk={"receive": "stream", **CARDS}).start()
    await until(lambda: made.app.channels["dingtalk"].health()["stream"] == "connected")
    yield made
    await made.stop()


async def card_with(house: House, words: str) -> str:
    """Wait for a card whose text holds the words; gives its id."""
    known = house.simulator.dingtalk.card_api.cards
    found = await until(lambda: [track for track, card in known.items() if words in card.shown_to("")["text"]], within=10)
    return found[-1]


def card_of(house: House, staff: str) -> str:
    """Tell the id of the card somebody got."""
    asked = house.simulator.dingtalk.calls("/v1.0/card/instances/createAndDeliver")
    bodies = [json.loads(call.body) for call in asked]
    return next(body["outTrackId"] for body in bodies if body["openSpaceId"].endswith(f"IM_ROBOT.{staff}"))


async def press(house: House, track: str, staff: str, button: int = 1) -> Any:
    return await house.simulator.dingtalk.staff_presses(track, staff, [str(button)], {})


async def press_and_see(house: House, track: str, staff: str, words: str, button: int = 1) -> None:
    """Press, and see what the card says then: in the answer, or a moment later when that took too long."""
    await press(house, track, staff, button)
    await until(lambda: words in house.simulator.dingtalk.card_shown(track, staff)["result"])


async def new_lead(house: House) -> Lead:
    wechat = house.simulator.wechat
    await wechat.follow(wechat.make_openid(), "expo")
    return await Lead.get(source="expo")


async def test_a_new_lead_is_claimed_by_pressing(card_house: House) -> None:
    boss = await card_house.employee("老板", Role.MANAGER)
    other = await card_house.employee("小李", Role.MANAGER)
    lead = await new_lead(card_house)
    known = card_house.simulator.dingtalk.card_api.cards
    await until(lambda: len(known) == 2)
    first, second = card_of(card_house, "staff-老板"), card_of(card_house, "staff-小李")
    assert known[first].shown_to("")["button1"] == "领取"

    stranger = await press(card_house, first, "staff-小李")
    assert (stranger.problem, stranger.shown["status"]) == ("", "open")
    assert (await Lead.get(id=lead.id)).owner_id is None

    pressed = await press(card_house, first, "staff-老板")
    assert pressed.problem == ""
    assert pressed.shown["status"] == "done"
    assert pressed.shown["result"].startswith(f"已领取：{lead.name}")
    assert (await Lead.get(id=lead.id)).owner_id == boss.id

    again = await press(card_house, first, "staff-老板")
    assert again.shown["result"].startswith("已领取")
    late = await press(card_house, second, "staff-小李")
    assert "已被老板领取" in late.shown["result"]
    assert (await Lead.get(id=lead.id)).owner_id == boss.id
    assert other.id != boss.id
    assert card_house.simulator.complaints == []


async def test_a_reminder_is_done_or_put_off_by_pressing(card_house: House) -> None:
    owner = await card_house.employee()
    core = card_house.app.core
    for text in ("寄样品", "回电话"):
        await Reminder.add(core, owner_id=owner.id, text=text, at=core.clock.now())
    done, later = [await card_with(card_house, text) for text in ("寄样品", "回电话")]
    await press_and_see(card_house, done, "staff-小王", "已完成：寄样品")
    assert (await Reminder.get(text="寄样品")).status == "done"
    await press_and_see(card_house, later, "staff-小王", "再提醒：回电话", 2)
    put_off = await Reminder.get(text="回电话")
    assert put_off.status == "pending"
    assert put_off.at > core.clock.now() + timedelta(minutes=50)
    await press(card_house, later, "staff-小王", 1)
    assert (await Reminder.get(text="回电话")).status == "pending"
    assert await Message.filter(direction="in", status="open").count() == 0


async def test_a_greeting_and_a_broadcast_are_approved_or_refused_by_pressing(stream_house: House) -> None:
    core, dingtalk = stream_house.app.core, stream_house.simulator.dingtalk
    await stream_house.employee("周婷", Role.MARKETER)
    await stream_house.employee("小王")
    await create_template(core, SYSTEM, name="节日祝福", kind="text", body="{称呼}，节日快乐！")
    await dingtalk.say("staff-周婷", "中秋给所有VIP发祝福")
    track = await card_with(stream_house, "中秋节祝福")
    await press(stream_house, track, "staff-小王")
    assert (await GreetingPlan.get()).status == "draft"
    assert "已安排" in (await press(stream_house, track, "staff-周婷")).shown["result"]
    assert (await GreetingPlan.get()).status == "approved"
    await new_lead(stream_house)
    await dingtalk.say("staff-周婷", "明天上午10点给所有线索群发节日祝福")
    track = await card_with(stream_house, "群发#")
    assert "已取消群发" in (await press(stream_house, track, "staff-周婷", 2)).shown["result"]
    assert (await Broadcast.get()).status == "cancelled"
    await press(stream_house, track, "staff-周婷", 1)
    assert (await Broadcast.get()).status == "cancelled"


async def test_what_no_card_can_show_goes_as_words(stream_house: House) -> None:
    dingtalk = stream_house.simulator.dingtalk
    await stream_house.employee("老板", Role.MANAGER)
    dingtalk.knobs.failing_spaces.add("staff-老板")
    lead = await new_lead(stream_house)
    found = await until(lambda: [e for e in dingtalk.received("staff-老板") if "新线索" in e.text and e.via != "card"])
    assert lead.name in found[0].text


async def test_a_late_answer_changes_the_card_afterwards(stream_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_house.app.gateway, "_reply_within", timedelta(0))
    boss = await stream_house.employee("老板", Role.MANAGER)
    lead = await new_lead(stream_house)
    track = await card_with(stream_house, lead.name)
    pressed = await press(stream_house, track, "staff-老板")
    assert pressed.problem == ""
    await until(lambda: stream_house.simulator.dingtalk.card_shown(track)["status"] == "done")
    assert (await Lead.get(id=lead.id)).owner_id == boss.id


async def test_a_press_on_what_is_no_card_of_ours_is_history(stream_house: House) -> None:
    dingtalk = stream_house.simulator.dingtalk
    await stream_house.employee("老板", Role.MANAGER)
    lead = await new_lead(stream_house)
    track = await card_with(stream_house, lead.name)
    cards = dingtalk.card_api.cards
    number, mark = track.split("-")[1:]
    for forged in ("track-1", f"gx-{number}-{'0' * 16}", f"gx-{int(number) + 1000}-{mark}"):
        cards[forged] = cards[track]
        answer = await dingtalk.staff_presses(forged, "staff-老板", ["1"], {"lead": "1"})
        assert answer.problem == ""
    nobody = await dingtalk.staff_presses(track, "staff-老板", ["7"], {})
    assert nobody.shown["status"] == "open"
    assert (await Lead.get(id=lead.id)).owner_id is None
    await until(lambda: _all_done())


async def _all_done() -> bool:
    return await Message.filter(direction="in", status="open").count() == 0
