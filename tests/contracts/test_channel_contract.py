"""What every channel must do with whatever its platform does; run against each kind and the simulated platforms."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.channel import Channel, SendReceipt, SendStatus
from bot.httpclient import HttpClient
from bot.simulator import Simulator
from bot.simulator.faults import FaultKind
from crm_core.messages import Address, Body, OutboundMessage
from tests.bot.channels.test_simulator import dingtalk, wechat
from tests.waiting import until


@dataclass
class Subject:
    """A channel, its platform, somebody who may be written to, and the address sends go to."""

    channel: Channel
    simulator: Simulator
    person: str
    path: str

    async def send(self, text: str = "好") -> SendReceipt:
        message = OutboundMessage(1, "k1", Address(self.channel.name, self.person), Body(text=text))
        receipts = await asyncio.wait_for(self.channel.send([message]), 5)
        assert len(receipts) == 1
        return receipts[0]

    def received(self) -> int:
        platform = self.simulator.wechat if self.channel.name == "wechat" else self.simulator.dingtalk
        return platform.count_received(self.person)


@pytest_asyncio.fixture(params=["wechat", "dingtalk"])
async def subject(request: pytest.FixtureRequest) -> AsyncIterator[Subject]:
    async with Simulator() as simulator, HttpClient(answer_within=timedelta(milliseconds=400)) as http:
        if request.param == "wechat":
            person = simulator.wechat.make_openid()
            simulator.wechat.state.followers.ensure(person)
            simulator.options.push_attempts = 1
            yield_ = Subject(wechat(simulator, http), simulator, person, "/cgi-bin/message/custom/send")
            await open_window(simulator, person)
        else:
            simulator.dingtalk.add_staff("p1", "小王")
            yield_ = Subject(dingtalk(simulator, http), simulator, "p1", "/v1.0/robot/oToMessages/batchSend")
        yield yield_


async def open_window(simulator: Simulator, person: str) -> None:
    app = web.Application()

    async def acknowledge(_: web.Request) -> web.Response:
        return web.Response(text="success")

    app.router.add_post("/", acknowledge)
    async with TestServer(app) as server:
        simulator.wechat.callback_url = str(server.make_url("/"))
        await simulator.wechat.say(person, "在吗")


async def test_message_arrives_once(subject: Subject) -> None:
    before = subject.received()
    assert (await subject.send()).status is SendStatus.SENT
    assert subject.received() == before + 1


async def test_refused_connection_is_provably_not_sent(subject: Subject) -> None:
    await subject.simulator.refuse()
    assert (await subject.send()).status is SendStatus.RETRY
    await subject.simulator.accept()

    async def is_sent() -> bool:
        return (await subject.send()).status is SendStatus.SENT

    await until(is_sent)  # that no token could be had is remembered for a second


DOUBTFUL = [FaultKind.HANG, FaultKind.HANG_AFTER, FaultKind.RESET_AFTER, FaultKind.HTML, FaultKind.STATUS_AFTER]


@pytest.mark.parametrize("kind", DOUBTFUL)
async def test_what_may_have_taken_effect_is_unknown(subject: Subject, kind: FaultKind) -> None:
    async def is_sent() -> bool:
        return (await subject.send()).status is SendStatus.SENT

    await until(is_sent)  # the token is there, however slow the machine
    subject.simulator.faults.add(subject.path, kind, status=502)
    assert (await subject.send()).status is SendStatus.UNKNOWN


async def test_expired_token_is_renewed_once_and_the_message_sent(subject: Subject) -> None:
    await subject.send()
    before = subject.received()
    if subject.channel.name == "wechat":
        subject.simulator.wechat.state.tokens.forget_all()
    else:
        subject.simulator.dingtalk.state.expire_token()
    receipts = await asyncio.gather(*(subject.send() for _ in range(4)))
    assert {receipt.status for receipt in receipts} == {SendStatus.SENT}
    assert subject.received() == before + 4


async def test_nobody_there_is_refused_for_good(subject: Subject) -> None:
    stranger = Subject(subject.channel, subject.simulator, "nobody-at-all", subject.path)
    receipt = await stranger.send()
    assert receipt.status in (SendStatus.REFUSED, SendStatus.WINDOW_CLOSED)
    assert receipt.reason


async def test_page_of_people_gets_one_receipt_each(subject: Subject) -> None:
    people = [subject.person, "nobody-at-all"][: subject.channel.limits.page]
    messages = [
        OutboundMessage(number, f"k{number}", Address(subject.channel.name, person), Body(text="好"))
        for number, person in enumerate(people)
    ]
    receipts = await subject.channel.send(messages)
    assert [receipt.status for receipt in receipts] == [SendStatus.SENT, SendStatus.REFUSED][: len(people)]
