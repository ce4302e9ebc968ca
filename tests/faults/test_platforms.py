"""Fault rows 3, 4, 5 and 7: what platforms do to us; each person gets one message at most, the others are not held up."""

import asyncio
from datetime import timedelta

import pytest

from bot.simulator.faults import FaultKind
from crm_core.accounts import Account
from crm_core.conversations import Message
from crm_core.messages import Address, Body, Guarantee
from crm_core.ports import Core
from tests.flows.conftest import house, late_house
from tests.house import House
from tests.waiting import until

__all__ = ["house", "late_house"]
SEND = "/cgi-bin/message/custom/send"


async def written(made: House, count: int) -> list[Account]:
    """People who have just written, so that they may be written to."""
    wechat = made.simulator.wechat
    people = [wechat.make_openid() for _ in range(count)]
    await asyncio.gather(*(wechat.say(person, "你好") for person in people))
    return await Account.filter(external_id__in=people)


async def put_all(core: Core, accounts: list[Account]) -> None:
    async with core.db.transaction():
        for account in accounts:
            await core.outbox.put(account.address, Body(text="到货了"), key=f"news:{account.id}", account_id=account.id)


async def statuses() -> dict[str, int]:
    rows = await Message.filter(key__startswith="news:").values_list("status", flat=True)
    return {status: list(rows).count(status) for status in set(rows)}


async def settled(count: int) -> dict[str, int] | None:
    now = await statuses()
    return now if sum(now.values()) == count and not {"queued", "claimed"} & now.keys() else None


async def test_same_message_from_fifty_at_once_is_one_row_and_one_answer(house: House) -> None:
    person = house.simulator.wechat.make_openid()
    delivery = await house.simulator.wechat.deliver(person, "你好", copies=50)
    assert set(delivery.statuses) == {200}
    assert await Message.filter(direction="in").count() == await Message.filter(direction="out").count() == 1


@pytest.mark.parametrize("kind", [FaultKind.RESET_AFTER, FaultKind.HTML_AFTER, FaultKind.STATUS_AFTER])
async def test_answer_that_got_lost_is_unknown_and_nobody_gets_it_twice(house: House, kind: FaultKind) -> None:
    accounts = await written(house, 20)
    house.simulator.faults.add(SEND, kind, times=5)
    await put_all(house.app.core, accounts)
    found = await until(lambda: settled(20), within=20)
    assert found == {"unknown": 5, "sent": 15}
    assert house.simulator.wechat.doubles(via="custom") == {}
    assert house.simulator.wechat.count_received() == 20 + 20  # the passive answers, and each news once


async def test_refused_connections_lose_nothing(house: House) -> None:
    accounts = await written(house, 10)
    await house.simulator.refuse()
    await put_all(house.app.core, accounts)
    await until(lambda: Message.filter(key__startswith="news:", reason__not="").count())
    await house.simulator.accept()
    await Message.filter(status="queued").update(not_before=house.app.core.clock.now() - timedelta(seconds=1))
    found = await until(lambda: settled(10), within=30)
    assert found.get("sent", 0) + found.get("unknown", 0) == 10
    assert house.simulator.wechat.doubles(via="custom") == {}


async def test_throttling_pauses_and_is_never_a_failure(house: House) -> None:
    accounts = await written(house, 5)
    house.simulator.faults.add_errcode(SEND, -1, times=3)
    await put_all(house.app.core, accounts)
    assert await until(lambda: settled(5), within=20) == {"sent": 5}


async def test_failing_channel_does_not_hold_up_the_other(house: House) -> None:
    accounts = await written(house, 12)
    await house.employee()
    house.simulator.faults.add(SEND, FaultKind.STATUS, times=None, status=500)
    await put_all(house.app.core, accounts)
    await house.app.core.outbox.put(
        Address("dingtalk", "staff-小王"), Body(text="通知"), key="notice", guarantee=Guarantee.AT_LEAST_ONCE
    )
    await until(lambda: Message.filter(key="notice", status="sent").count(), within=3)
    house.simulator.faults.clear()


async def test_token_that_ends_under_fifty_calls_is_renewed_once(house: House) -> None:
    accounts = await written(house, 50)
    await put_all(house.app.core, accounts[:1])
    await until(lambda: settled(1))
    before = house.simulator.records.count_calls("/cgi-bin/stable_token")
    house.simulator.wechat.state.tokens.forget_all()
    await put_all(house.app.core, accounts[1:])
    assert await until(lambda: settled(50), within=20) == {"sent": 50}
    assert house.simulator.records.count_calls("/cgi-bin/stable_token") - before == 1
    assert house.simulator.wechat.doubles(via="custom") == {}
