"""A house that hears DingTalk by Stream: the main job, and what a connection may do to it."""

from collections.abc import AsyncIterator
from inspect import isawaitable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from bot.channels.dingtalk import DingTalk
from bot.channels.dingtalk.stream_socket import Timing
from crm_core.conversations import Message
from crm_core.db import Database
from crm_core.errors import Unavailable
from crm_core.leads import Lead
from tests.house import House
from tests.waiting import until

QUICK = Timing(watch=1.0, silence=0.5, farewell=5.0, first_pause=0.05, longest_pause=0.2)


@pytest_asyncio.fixture
async def stream_house(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.setattr(DingTalk, "timing", QUICK)
    made = await House(db, tmp_path, dingtalk={"receive": "stream"}).start()
    made.simulator.dingtalk.knobs.ping_seconds = 0.2
    made.simulator.dingtalk.knobs.silence_seconds = 0.4
    await until(lambda: made.app.channels["dingtalk"].health()["stream"] == "connected")
    yield made
    await made.stop()


def health(house: House) -> dict[str, Any]:
    return house.app.channels["dingtalk"].health()


async def heard(house: House, staff: str, words: str) -> None:
    await until(lambda: [entry for entry in house.simulator.dingtalk.received(staff) if words in entry.text], within=10)


async def test_from_pool_to_claim_over_stream(stream_house: House) -> None:
    wechat, dingtalk = stream_house.simulator.wechat, stream_house.simulator.dingtalk
    seller = await stream_house.employee()
    await wechat.follow(wechat.make_openid(), "expo")
    lead = await Lead.get(source="expo")
    push = await dingtalk.say("staff-小王", "公海")
    assert (push.via, push.status, push.problem) == ("stream", 200, "")
    await heard(stream_house, "staff-小王", lead.name)
    await dingtalk.say("staff-小王", f"领取 {lead.name}")
    await heard(stream_house, "staff-小王", f"已领取：{lead.name}")
    assert (await Lead.get(id=lead.id)).owner_id == seller.id
    assert dingtalk.doubles() == {}
    assert stream_house.simulator.complaints == []


async def test_unsigned_callbacks_are_refused_beside_a_stream(stream_house: House) -> None:
    dingtalk = stream_house.simulator.dingtalk
    dingtalk.stream = False
    await stream_house.employee()
    assert (await dingtalk.say("staff-小王", "公海")).status == 403
    assert await Message.filter(direction="in").count() == 0
    assert (await dingtalk.send_event("user_add_org", UserId=["u1"])).text == "success"


async def test_disconnect_opens_the_next_socket_first(stream_house: House) -> None:
    dingtalk = stream_house.simulator.dingtalk
    await stream_house.employee()
    for number in range(3):
        await dingtalk.gateway.disconnect()
        push = await until(lambda n=number: _says(stream_house, f"帮助 {n}"))
        assert push.status == 200
    assert health(stream_house)["stream"] == "connected"
    assert health(stream_house)["stream_outages"] == 0


async def _says(house: House, words: str) -> Any:
    dingtalk = house.simulator.dingtalk
    if not dingtalk.gateway._usable():
        return None
    return await dingtalk.say("staff-小王", words)


@pytest.mark.parametrize("fault", ["drop", "freeze", "forget", "redirect"])
async def test_dead_links_are_noticed_and_replaced(fault: str, stream_house: House) -> None:
    dingtalk = stream_house.simulator.dingtalk
    await stream_house.employee()
    before = len(dingtalk.calls("/v1.0/gateway/connections/open"))
    done = getattr(dingtalk.gateway, fault)()
    if isawaitable(done):
        await done
    await until(lambda: len(dingtalk.calls("/v1.0/gateway/connections/open")) > before, within=10)
    await until(lambda: health(stream_house)["stream"] == "connected", within=10)
    await until(lambda: _heard_help(stream_house), within=10)


async def _heard_help(house: House) -> bool:
    push = await house.simulator.dingtalk.say("staff-小王", "帮助")
    return push.status == 200 and push.problem == ""


async def test_a_gateway_that_is_away_shows_on_the_health_page(stream_house: House) -> None:
    dingtalk = stream_house.simulator.dingtalk
    dingtalk.knobs.refuse_opening = True
    dingtalk.gateway.drop()
    await until(lambda: health(stream_house)["stream"] == "disconnected")
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{stream_house.app.port}/health/ready") as answer,
    ):
        told = (await answer.json())["channels"]["dingtalk"]
    assert (told["stream"], told["stream_outages"]) == ("disconnected", 1)
    dingtalk.knobs.refuse_opening = False
    await until(lambda: health(stream_house)["stream"] == "connected")
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{stream_house.app.port}/metrics") as answer,
    ):
        assert 'guanxi_channel{channel="dingtalk",name="stream_connected"} 1.0' in await answer.text()


async def test_an_event_told_again_is_one_event_and_admins_hear_who_left(stream_house: House) -> None:
    from crm_core.access import Role

    dingtalk = stream_house.simulator.dingtalk
    dingtalk.knobs.event_repeat_share = 1.0
    await stream_house.employee("老板", Role.ADMIN)
    await stream_house.employee("小王")
    await dingtalk.staff_leaves("staff-小王")
    await heard(stream_house, "staff-老板", "小王已离开组织")
    assert await Message.filter(direction="in", kind="event").count() == 1
    await dingtalk.staff_leaves("nobody-of-ours")
    assert len([e for e in dingtalk.received("staff-老板") if "离开组织" in e.text]) == 1


async def test_what_cannot_be_stored_is_kept_until_it_can(stream_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    dingtalk, core = stream_house.simulator.dingtalk, stream_house.app.core
    await stream_house.employee()
    run = type(core.db).run

    async def away(*_: object) -> None:
        raise Unavailable

    monkeypatch.setattr(type(core.db), "run", away)
    push = await dingtalk.say("staff-小王", "帮助")
    event = await dingtalk.send_event("user_add_org", UserId=["u1"])
    assert push.status == 500
    assert "LATER" in event.answer.decode() + event.text + event.problem
    assert health(stream_house)["stream_waiting"] == 1
    monkeypatch.setattr(type(core.db), "run", run)
    await until(lambda: health(stream_house)["stream_waiting"] == 0, within=10)
    await heard(stream_house, "staff-小王", "直接说一句话就行")
    assert health(stream_house)["stream_lost"] == 0
    await until(lambda: Message.filter(direction="in", kind="event").count())


async def test_a_stop_leaves_nothing_in_memory_alone(stream_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    dingtalk, core = stream_house.simulator.dingtalk, stream_house.app.core
    await stream_house.employee()
    run = type(core.db).run

    async def away(*_: object) -> None:
        raise Unavailable

    monkeypatch.setattr(type(core.db), "run", away)
    await dingtalk.say("staff-小王", "帮助")
    channel = stream_house.app.channels["dingtalk"]
    await stream_house.app.supervisor.stop("stream:dingtalk", within=2)
    monkeypatch.setattr(type(core.db), "run", run)
    await channel.stop()
    assert await Message.filter(direction="in", text="帮助", status="open").count() == 1
