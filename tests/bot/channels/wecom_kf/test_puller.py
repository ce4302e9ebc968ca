"""Pulling: pages, cursors, tokens, refusals; against a scripted platform and an inlet that remembers."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from bot.channel import Received, Surroundings
from bot.channels.wecom_kf import WecomKf
from bot.channels.wecom_kf.positions import Positions
from bot.httpclient import HttpClient
from bot.supervisor import Supervisor
from crm_core import locks
from crm_core.accounts import Account
from crm_core.conversations import Message
from crm_core.errors import Unavailable
from crm_core.messages import Body, InboundMessage
from crm_core.ports import Core, Program
from tests.bot.channels.platform import HANG_UP, Platform
from tests.bot.channels.wecom_kf.made import CORP, KFID, PERSON, event, item, make_channel, make_message
from tests.bot.channels.wecom_kf.test_vectors import lay_token
from tests.fakes import FakeClock
from tests.waiting import until

SYNC = "/cgi-bin/kf/sync_msg"
NAMES = "/cgi-bin/kf/customer/batchget"
ACCOUNT = f"{CORP}:{KFID}"


class Inlet:
    """Takes messages as the gateway does, and fails when told to."""

    def __init__(self) -> None:
        self.taken: list[InboundMessage] = []
        self.failures: list[Exception] = []

    async def take(self, channel: str, received: Received) -> Body | None:
        if self.failures:
            raise self.failures.pop(0)
        self.taken += received.messages
        return None

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.taken]


class Desk:
    """A started channel with everything around it."""

    def __init__(self, core: Core, platform: Platform, http: HttpClient, clock: FakeClock) -> None:
        self.core, self.platform, self.clock = core, platform, clock
        self.inlet, self.supervisor = Inlet(), Supervisor()
        self.channel: WecomKf = make_channel(http, clock, api_base=platform.url)
        self.positions = Positions(core, ACCOUNT)

    async def start(self) -> None:
        await self.channel.start(Surroundings(self.inlet, self.supervisor, self.core))

    def wake(self, token: str = "T", ago: timedelta = timedelta(0)) -> None:
        assert self.channel._puller is not None
        self.channel._puller.wake(token, self.clock.now() - ago)

    async def pulls(self, count: int) -> list[dict[str, object]]:
        calls = await until(lambda: asked if len(asked := self.platform.asked(SYNC)) >= count else [], within=15)
        return [call.json for call in calls]


@pytest_asyncio.fixture
async def desk(core: Core, platform: Platform, http: HttpClient, clock: FakeClock) -> AsyncIterator[Desk]:
    lay_token(platform)
    made = Desk(core, platform, http, clock)
    yield made
    await made.supervisor.stop_loops(within=2)
    await made.channel.stop()


def page(*items: object, cursor: str = "", more: int = 0) -> dict[str, object]:
    return {"errcode": 0, "errmsg": "ok", "next_cursor": cursor, "has_more": more, "msg_list": list(items)}


def said(desk: Desk, *words: str) -> list[dict[str, object]]:
    return [item(desk.clock.now(), f"m-{word}", msgtype="text", text={"content": word}) for word in words]


async def test_starts_at_the_stored_cursor_and_goes_on_until_there_is_no_more(desk: Desk) -> None:
    await desk.positions.move("C0")
    desk.platform.lay(
        SYNC,
        page(*said(desk, "一", "二"), cursor="C1", more=1),
        page(cursor="C1", more=1),
        page(*said(desk, "三"), cursor="C2"),
    )
    await desk.start()
    await until(lambda: len(desk.inlet.taken) == 3)
    asked = await desk.pulls(3)
    assert [call.get("cursor") for call in asked[:3]] == ["C0", "C1", "C1"]
    assert all("token" not in call for call in asked)
    assert desk.inlet.texts == ["一", "二", "三"]
    await until(lambda: _is_cursor(desk, "C2"))


async def _is_cursor(desk: Desk, cursor: str) -> bool:
    return await desk.positions.cursor() == cursor


async def test_first_start_has_no_cursor(desk: Desk) -> None:
    desk.platform.lay(SYNC, page())
    await desk.start()
    assert await desk.pulls(1) == [{"open_kfid": KFID, "limit": 1000, "voice_format": 0}]


async def test_token_of_the_newest_event_is_used_while_it_is_young(desk: Desk) -> None:
    desk.platform.lay(SYNC, page())
    await desk.start()
    await desk.pulls(1)
    desk.wake("young")
    assert (await desk.pulls(2))[1]["token"] == "young"
    desk.wake("repeated later", ago=timedelta(minutes=3))
    assert (await desk.pulls(3))[2]["token"] == "young"
    desk.clock.advance(timedelta(minutes=10))
    desk.wake("")
    assert "token" not in (await desk.pulls(4))[3]


async def test_bad_token_is_left_out_and_forgotten(desk: Desk) -> None:
    desk.platform.lay(SYNC, page(), {"errcode": 95007, "errmsg": "invalid msgtoken"}, page(*said(desk, "一")), page())
    await desk.start()
    await desk.pulls(1)
    desk.wake("bad")
    await until(lambda: desk.inlet.texts == ["一"])
    asked = await desk.pulls(3)
    assert [call.get("token") for call in asked] == [None, "bad", None]


async def test_cursor_stays_when_the_batch_could_not_be_recorded(desk: Desk) -> None:
    desk.platform.lay(SYNC, page(*said(desk, "一", "二"), cursor="C1"))
    desk.inlet.failures = [Unavailable()]
    await desk.start()
    asked = await desk.pulls(2)
    assert [call.get("cursor") for call in asked[:2]] == [None, None]
    await until(lambda: _is_cursor(desk, "C1"))
    assert set(desk.inlet.texts) == {"一", "二"}


async def test_message_no_database_takes_holds_up_nobody(desk: Desk) -> None:
    desk.platform.lay(SYNC, page(*said(desk, "一", "二"), cursor="C1"))
    desk.inlet.failures = [ValueError("odd")]
    await desk.start()
    await until(lambda: _is_cursor(desk, "C1"))
    assert len(desk.inlet.taken) == 1


async def test_message_that_cannot_be_worked_on_is_kept_for_a_person_to_see(desk: Desk) -> None:
    await Account.add(desk.core, channel="kf", external_id=PERSON, person_kind="stranger")
    desk.platform.lay(SYNC, page(*said(desk, "一", "二"), cursor="C1"), page(*said(desk, "一"), cursor="C2"))
    desk.inlet.failures = [ValueError("odd")]
    await desk.start()
    await until(lambda: _is_cursor(desk, "C1"))
    kept = await Message.get(channel="kf")
    assert (kept.direction, kept.status, kept.text, kept.lease_until) == ("in", "parked", "一", None)
    assert (kept.reason, kept.account_id) == ("not taken: ValueError", (await Account.get(external_id=PERSON)).id)
    assert desk.channel.health() == {"pull_parked": 1, "pull_lost": 0}
    # Fetched again, it fails again: it is there already.
    desk.inlet.failures = [ValueError("odd")]
    desk.wake()
    await until(lambda: _is_cursor(desk, "C2"))
    assert await Message.filter(channel="kf").count() == 1
    assert desk.channel.health() == {"pull_parked": 1, "pull_lost": 0}


async def test_what_cannot_be_kept_at_all_is_counted_as_lost(desk: Desk) -> None:
    desk.platform.lay(SYNC, page(*said(desk, "一", "二"), cursor="C1"))
    desk.inlet.failures = [ValueError("odd"), ValueError("odd")]
    await _change_table(desk, "CREATE UNIQUE INDEX one_message ON messages (channel)")
    try:
        await desk.start()
        await until(lambda: _is_cursor(desk, "C1"))
    finally:
        await _change_table(desk, "DROP INDEX one_message")
    assert await Message.filter(channel="kf").values_list("text", flat=True) == ["一"]
    assert desk.channel.health() == {"pull_parked": 1, "pull_lost": 1}


async def _change_table(desk: Desk, sql: str) -> None:
    def program() -> Program[None]:
        yield sql, ()

    await desk.core.db.run(program())


def test_nothing_is_told_before_the_start(http: HttpClient, clock: FakeClock) -> None:
    assert make_channel(http, clock).health() == {}


async def test_odd_items_and_characters_do_no_harm(desk: Desk) -> None:
    odd = item(desk.clock.now(), "m9", msgtype="text", text={"content": "一\ud800\x00二"})
    desk.platform.lay(SYNC, page("text", None, {}, odd, cursor="C1"))
    await desk.start()
    await until(lambda: desk.inlet.texts == ["一?二"])


async def test_a_number_of_any_length_holds_up_nobody(desk: Desk) -> None:
    place = {"latitude": 10**400, "longitude": 1, "name": "门店"}
    odd = item(desk.clock.now(), "m8", msgtype="location", location=place)
    desk.platform.lay(SYNC, page(odd, *said(desk, "后面的人"), cursor="C1"))
    await desk.start()
    await until(lambda: "后面的人" in desk.inlet.texts)
    assert len(desk.inlet.taken) == 2


async def test_an_unusable_cursor_is_not_kept(desk: Desk) -> None:
    desk.platform.lay(SYNC, page(*said(desk, "一"), cursor="C\ud800"), page(cursor="C" * 5000))
    await desk.start()
    await until(lambda: desk.inlet.texts == ["一"])
    assert await desk.positions.cursor() == ""


@pytest.mark.parametrize("trouble", [HANG_UP, (502, "<html>"), {"errcode": -1}, {"errcode": 45033}, {"errcode": 777}])
async def test_trouble_is_tried_again(desk: Desk, trouble: object) -> None:
    desk.platform.lay(SYNC, trouble, page(*said(desk, "一")))
    await desk.start()
    await until(lambda: desk.inlet.texts == ["一"], within=15)


@pytest.mark.parametrize("code", [45009, 60020, 95000])
async def test_frequency_and_wrong_settings_are_left_alone_for_a_minute(
    desk: Desk, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def rest(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.Event().wait()

    desk.platform.lay(SYNC, {"errcode": code, "errmsg": "no"})
    await desk.start()
    monkeypatch.setattr(desk.channel._puller, "_rest", rest)
    await until(lambda: pauses)
    assert pauses == [60.0]
    assert len(desk.platform.asked(SYNC)) == 1


async def test_new_token_opens_the_way_when_calls_without_one_are_used_up(desk: Desk) -> None:
    desk.platform.lay(SYNC, {"errcode": 45009, "errmsg": "no"}, page(*said(desk, "一")))
    await desk.start()
    await desk.pulls(1)
    desk.wake("new")
    await until(lambda: desk.inlet.texts == ["一"])


async def test_lock_of_another_process_is_waited_for(desk: Desk) -> None:
    desk.platform.lay(SYNC, page(*said(desk, "一")))
    lease = await locks.take(desk.positions.store, desk.positions.lock)
    assert lease is not None
    await desk.start()
    await asyncio.sleep(0)
    assert desk.platform.asked(SYNC) == []
    assert await locks.give_back(desk.positions.store, lease)
    await until(lambda: desk.inlet.texts == ["一"])


async def test_names_come_with_the_first_message_and_never_hold_it_up(desk: Desk) -> None:
    people = {"external_userid": "wmDemoCustomer01", "nickname": "陈晨"}
    desk.platform.lay(NAMES, {"errcode": 0, "customer_list": [people, "odd"]})
    desk.platform.lay(SYNC, page(*said(desk, "一")), page(*said(desk, "二")))
    await desk.start()
    await until(lambda: desk.inlet.texts == ["一"])
    assert desk.inlet.taken[0].nickname == "陈晨"
    desk.wake()
    await until(lambda: desk.inlet.texts == ["一", "二"])
    assert len(desk.platform.asked(NAMES)) == 1


async def test_names_that_cannot_be_had_are_not_asked_for_every_time(desk: Desk) -> None:
    desk.platform.lay(NAMES, (502, "<html>"))
    desk.platform.lay(SYNC, page(*said(desk, "一")), page(*said(desk, "二")))
    await desk.start()
    await until(lambda: desk.inlet.texts == ["一"])
    desk.wake()
    await until(lambda: desk.inlet.texts == ["一", "二"])
    assert len(desk.platform.asked(NAMES)) == 1
    assert desk.inlet.taken[0].nickname == ""


async def test_failed_send_is_told_with_the_key_of_its_message(desk: Desk) -> None:
    desk.platform.lay(SYNC, page())
    await desk.start()
    (receipt,) = await desk.channel.send([make_message(Body(text="好"), key="reply:7")])
    failed = event(desk.clock.now(), "msg_send_fail", fail_msgid=receipt.external_id, fail_type=10)
    desk.platform.answers[SYNC] = [page(failed)]
    desk.wake()
    await until(lambda: desk.inlet.taken)
    assert desk.inlet.taken[0].data["message_key"] == "reply:7"


async def test_one_process_makes_the_look_without_an_event(desk: Desk) -> None:
    other = Positions(desk.core, ACCOUNT)
    assert [await each.is_my_poll(timedelta(minutes=1)) for each in (desk.positions, other)] == [True, False]
    desk.clock.advance(61)
    assert await other.is_my_poll(timedelta(minutes=1))


async def test_first_look_is_noted_once(desk: Desk) -> None:
    first = await desk.positions.first_look()
    desk.clock.advance(timedelta(days=400))
    assert await Positions(desk.core, ACCOUNT).first_look() == first
