"""The callback addresses: statuses, repeats, late answers, nothing acknowledged that is not durable."""

import asyncio
import io
from dataclasses import replace

import aiohttp
import pytest

from crm_core.conversations import Message
from handlers import replies
from handlers.router import ChatContext, Command
from tests.house import House
from tests.locked import locked
from tests.waiting import until


@pytest.mark.parametrize(
    ("method", "path", "status"), [("POST", "nobody", 404), ("PUT", "wechat", 405), ("DELETE", "dingtalk", 405)]
)
async def test_wrong_address_and_method(house: House, method: str, path: str, status: int) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"http://127.0.0.1:{house.app.port}/hook/{path}") as answer,
    ):
        assert answer.status == status


async def test_unsigned_and_oversized_requests_store_nothing(house: House) -> None:
    url = f"http://127.0.0.1:{house.app.port}/hook/wechat"
    async with aiohttp.ClientSession() as session:
        async with session.post(url, data=b"<xml></xml>") as answer:
            assert answer.status == 403
        async with session.post(url, data=io.BytesIO(b"x" * ((1 << 20) + 1))) as answer:
            assert answer.status == 413
    assert await Message.all().count() == 0


async def test_text_is_answered_in_the_request_and_a_repeat_gets_the_same(house: House) -> None:
    person = house.simulator.wechat.make_openid()
    first = await house.simulator.wechat.say(person, "你好")
    again = await house.simulator.wechat.repeat(first)
    assert first.text == again.text == house.app.core.settings.answers.default
    assert await Message.filter(direction="in").count() == 1
    assert await Message.filter(direction="out", status="answered").count() == 1


async def test_many_deliveries_at_once_are_one_row_and_one_answer(house: House) -> None:
    person = house.simulator.wechat.make_openid()
    delivery = await house.simulator.wechat.deliver(person, "你好", copies=20)
    assert set(delivery.statuses) == {200}
    assert await Message.filter(direction="in").count() == 1
    assert await Message.filter(direction="out").count() == 1


async def test_late_answer_goes_through_the_outbox_once(late_house: House) -> None:
    wechat = late_house.simulator.wechat
    person = wechat.make_openid()
    delivery = await wechat.say(person, "你好")
    assert delivery.text in ("", None)
    entry = await until(lambda: [e for e in wechat.received(person) if e.text])
    assert [e.text for e in entry] == [late_house.app.core.settings.answers.default]
    sent = await until(lambda: Message.get_or_none(direction="out", status="sent"))
    assert sent.reply_to_id == (await Message.get(direction="in")).id


async def test_slow_command_is_answered_later_and_once(house: House) -> None:
    gate = asyncio.Event()

    async def slow(ctx: ChatContext) -> replies.Reply:
        return replies.text("终于好了")

    async def prepare(*arguments: object) -> object:
        await gate.wait()
        return await understand(*arguments)

    router = house.app.pipeline._router
    understand = router.understand
    router.understand = prepare  # type: ignore[method-assign]  # the one way to make a command slow without a slow command
    router._commands = {**router._commands, "help": replace(router._commands["help"], handler=slow)}
    assert isinstance(router._commands["help"], Command)
    await house.employee()
    house.app.gateway._reply_within = house.app.gateway._reply_within / 10
    first, second = await asyncio.gather(
        house.simulator.dingtalk.say("staff-小王", "帮助"), house.simulator.dingtalk.say("staff-小王", "帮助")
    )
    assert (first.status, second.status) == (200, 200)
    gate.set()
    got = await until(lambda: [e for e in house.simulator.dingtalk.received("staff-小王") if "终于好了" in e.text])
    await until(lambda: Message.filter(direction="out", status="sent").count())
    assert len(got) in (1, 2)  # two questions, one answer each
    assert await until(lambda: two_done()) == 2


async def two_done() -> int:
    count = await Message.filter(direction="in", status="done").count()
    return count if count == 2 else 0


async def test_nothing_is_acknowledged_that_is_not_durable(house: House) -> None:
    wechat = house.simulator.wechat
    house.simulator.options.push_attempts = 1
    person = wechat.make_openid()
    async with locked(house.app.settings.database):
        delivery = await wechat.say(person, "你好")
    assert list(delivery.statuses) == [503]
    assert await Message.all().count() == 0
    assert (await wechat.say(person, "你好")).text == house.app.core.settings.answers.default


async def test_broken_and_slow_bodies_are_400_and_take_nobodys_place(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.gateway.BODY_WITHIN_SECONDS", 0.3)  # the real one is two seconds
    url = f"http://127.0.0.1:{house.app.port}/hook/wechat"
    async with aiohttp.ClientSession() as session:
        async with session.post(url, data=b"not gzip", headers={"Content-Encoding": "gzip"}) as answer:
            assert answer.status == 400
        sleepers = []
        for _ in range(30):
            reader, writer = await asyncio.open_connection("127.0.0.1", house.app.port)
            writer.write(b"POST /hook/wechat HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx")
            sleepers.append((reader, writer))
        person = house.simulator.wechat.make_openid()
        assert (await house.simulator.wechat.say(person, "你好")).text == house.app.core.settings.answers.default
        for reader, writer in sleepers:
            assert b" 400 " in await asyncio.wait_for(reader.readline(), 5)
            writer.close()
