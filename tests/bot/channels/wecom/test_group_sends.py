"""Making the tasks of a broadcast: what a stop, a pause and slow calls in the middle leave, and what a cancellation asks."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
import pytest_asyncio
from aiohttp import web

from bot.channels.wecom.group_sends import GroupSends
from bot.httpclient import HttpClient
from campaigns import broadcasts
from campaigns.broadcasts import Recipient
from campaigns.group_sends import GroupSend
from campaigns.recipients import RecipientQueue
from crm_core.access import Actor, Role
from crm_core.accounts import Account
from crm_core.db import Database
from crm_core.errors import Unavailable
from crm_core.ports import Core
from crm_core.reach import ReachRule
from tests.bot.channels.platform import Platform
from tests.bot.channels.wecom.made import make_application
from tests.campaigns.test_group_sends import customers, running, seller, words
from tests.factories import make_actor
from tests.fakes import FakeClock

ADD = "/cgi-bin/externalcontact/add_msg_template"
TASKS = "/cgi-bin/externalcontact/get_groupmsg_task"
CANCEL = "/cgi-bin/externalcontact/cancel_groupmsg_send"
PERSONAL = "{姓名}您好"


class Slow(Platform):
    """A platform whose tasks can be held up: before each one `seconds` pass, and `held` is never answered in time."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock
        self.seconds = 0.0
        self.held = 0
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()

    @property
    def people(self) -> list[str]:
        """Everybody a task was asked for, in turn."""
        return [person for call in self.asked(ADD) for person in call.json["external_userid"]]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.path != ADD:
            return await super()._answer(request)
        number = len(self.asked(ADD)) + 1
        self.lay(ADD, {"errcode": 0, "errmsg": "ok", "fail_list": [], "msgid": f"M{number}"})
        answer = await super()._answer(request)
        self.answers[ADD].clear()
        self._clock.advance(self.seconds)
        if number == self.held:
            self.reached.set()
            await self.go_on.wait()
        return answer


@pytest_asyncio.fixture
async def platform(clock: FakeClock) -> AsyncIterator[Slow]:
    slow = Slow(clock)
    await slow.start()
    slow.lay("/cgi-bin/gettoken", {"errcode": 0, "errmsg": "ok", "access_token": "t", "expires_in": 7200})
    yield slow
    slow.go_on.set()
    await slow.stop()


@pytest.fixture
def core(core: Core) -> Core:
    return replace(
        core, reach={"wecom": ReachRule.always()}, staff_channels=frozenset({"wecom"}), group_channels=frozenset({"wecom"})
    )


@pytest_asyncio.fixture
async def marketer(core: Core) -> Actor:
    return await make_actor(core, "小美", Role.MARKETER, staff_id="mei")


@pytest.fixture
def sends(platform: Slow, http: HttpClient, clock: FakeClock) -> GroupSends:
    return make_application(http, clock, api_base=platform.url).group_sends


async def personal(core: Core, marketer: Actor, count: int) -> int:
    """A running broadcast to so many people, to each their own text."""
    await customers(core, await seller(core, "owner"), *(f"wm{number:02}" for number in range(count)))
    return await running(core, marketer, PERSONAL)


async def cut_off(core: Core, sends: GroupSends, platform: Slow) -> None:
    """Run until the held call, and end it there."""
    task = asyncio.create_task(sends.run(core))
    await asyncio.wait_for(platform.reached.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_who_was_not_tried_when_it_was_cut_off_is_tried_by_the_next(
    core: Core, marketer: Actor, sends: GroupSends, platform: Slow
) -> None:
    number = await personal(core, marketer, 20)
    platform.held = 3
    await cut_off(core, sends, platform)
    assert await words(number) == ["claimed"] + ["handed_over"] * 2 + ["planned"] * 17
    assert set(await Recipient.filter(status="planned").values_list("attempts", flat=True)) == {0}
    await RecipientQueue(core).recover(everything=True)
    assert await sends.run(core) == 17
    assert await words(number) == ["handed_over"] * 19 + ["unknown"]
    assert sorted(platform.people) == [f"wm{person:02}" for person in range(20)]


class Away:
    """The database, which can be out of reach."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.away = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    async def run(self, program: Any) -> Any:
        if self.away:
            raise Unavailable
        return await self._db.run(program)


async def test_what_could_not_be_put_back_is_put_back_by_the_next_turn(
    core: Core, marketer: Actor, sends: GroupSends, platform: Slow
) -> None:
    number = await personal(core, marketer, 5)
    database = Away(core.db)
    behind = replace(core, db=cast(Database, database))
    platform.held = 1
    task = asyncio.create_task(sends.run(behind))
    await asyncio.wait_for(platform.reached.wait(), 10)
    database.away = True
    platform.go_on.set()
    with pytest.raises(Unavailable):
        await task
    assert await words(number) == ["claimed"] * 5
    database.away = False
    assert await sends.run(behind) == 4
    assert await words(number) == ["claimed"] + ["handed_over"] * 4
    assert len(set(platform.people)) == len(platform.people) == 5


async def test_few_are_claimed_at_once(core: Core, marketer: Actor, sends: GroupSends, platform: Slow) -> None:
    number = await personal(core, marketer, 20)
    platform.held = 1
    task = asyncio.create_task(sends.run(core))
    await asyncio.wait_for(platform.reached.wait(), 10)
    assert await Recipient.filter(broadcast_id=number, status="claimed").count() == 5
    platform.go_on.set()
    assert await task == 20


async def test_slow_calls_make_nobody_unknown_who_was_not_tried(
    core: Core, marketer: Actor, sends: GroupSends, platform: Slow, clock: FakeClock
) -> None:
    number = await personal(core, marketer, 8)
    platform.seconds = timedelta(minutes=6).total_seconds()
    for _ in range(8):
        await sends.run(core)
        await RecipientQueue(core).recover(everything=False)
    assert await words(number) == ["handed_over"] * 8
    assert len(set(platform.people)) == len(platform.people) == 8


async def test_it_ends_by_itself_between_two_calls_after_a_while(
    core: Core, marketer: Actor, sends: GroupSends, platform: Slow
) -> None:
    number = await personal(core, marketer, 8)
    platform.seconds = 1
    assert await sends.run(core) < 5  # a stop waits four seconds
    assert set(await words(number)) == {"handed_over", "planned"}


@pytest.mark.parametrize("stop", ["pause", "cancel", "opt_out"])
async def test_a_pause_or_an_opt_out_holds_before_the_next_call(
    core: Core, marketer: Actor, sends: GroupSends, platform: Slow, clock: FakeClock, stop: str
) -> None:
    number = await personal(core, marketer, 3)
    platform.held = 1
    task = asyncio.create_task(sends.run(core))
    await asyncio.wait_for(platform.reached.wait(), 10)
    if stop == "opt_out":
        await Account.filter(external_id__in=["wm01", "wm02"]).update(opted_out_at=clock.now())
    else:
        await getattr(broadcasts, stop)(core, marketer, number)
    platform.go_on.set()
    assert await task == 1
    assert platform.people == ["wm00"]
    assert await words(number) == ["handed_over"] + ["suppressed" if stop == "opt_out" else "planned"] * 2


async def test_a_refusal_for_a_while_puts_all_of_them_off(
    core: Core, marketer: Actor, http: HttpClient, clock: FakeClock, platform: Slow
) -> None:
    number = await personal(core, marketer, 8)
    other = Platform()
    await other.start()
    other.lay("/cgi-bin/gettoken", {"errcode": 0, "errmsg": "ok", "access_token": "t", "expires_in": 7200})
    other.lay(ADD, {"errcode": 45009, "errmsg": "api freq out of limit"})
    try:
        assert await make_application(http, clock, api_base=other.url).group_sends.run(core) == 0
    finally:
        await other.stop()
    assert len(other.asked(ADD)) == 1
    assert await words(number) == ["planned"] * 8
    assert await Recipient.filter(not_before__gt=clock.now()).count() == 5


async def test_a_refused_cancellation_is_asked_again_by_its_pauses(
    core: Core, marketer: Actor, sends: GroupSends, platform: Slow, clock: FakeClock
) -> None:
    await customers(core, await seller(core, "owner"), "wm1", "wm2")
    number = await running(core, marketer)
    assert await sends.run(core) == 1
    platform.lay(TASKS, {"errcode": 0, "task_list": [{"userid": "owner", "status": 0}]})
    platform.lay(CANCEL, {"errcode": 301002, "errmsg": "no permission"})
    await GroupSend.all().update(next_check_at=clock.now() + timedelta(hours=6))
    clock.advance(3600)
    await broadcasts.cancel(core, marketer, number)
    clock.advance(5)
    assert await sends.check(core) == 1  # at once, whenever its next time was
    for _ in range(12):
        clock.advance(5)
        await sends.check(core)
    assert len(platform.asked(CANCEL)) == 1
    platform.answers[CANCEL] = [{"errcode": 0, "errmsg": "ok"}]
    clock.advance(timedelta(minutes=10))
    await sends.check(core)
    assert await words(number) == ["cancelled", "cancelled"]
    assert await sends.check(core) == 0
