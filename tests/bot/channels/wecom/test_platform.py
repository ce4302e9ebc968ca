"""The channel against the simulated platform and its faults: nothing lost, nothing twice, one token for many."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from bot.channel import SendReceipt, SendStatus
from bot.channels.wecom import WeCom
from bot.httpclient import HttpClient
from bot.simulator import Simulator
from bot.simulator.faults import FaultKind
from bot.supervisor import Supervisor
from crm_core.clock import SystemClock
from crm_core.messages import Address, Body, OutboundMessage
from crm_core.ports import Core
from tests.flows.wecom_house import wecom_settings

SEND = "/wecom/cgi-bin/message/send"


@pytest_asyncio.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator() as made:
        made.wecom.add_member("zhangsan", "张三")
        yield made


@pytest_asyncio.fixture
async def channel(simulator: Simulator, core: Core) -> AsyncIterator[WeCom]:
    async with HttpClient(answer_within=timedelta(milliseconds=400)) as http:
        made = WeCom("wecom", wecom_settings(simulator), http, SystemClock())
        made.attach(core, Supervisor())
        yield made


async def send(channel: WeCom, key: str = "k", *, to: str = "zhangsan", attempt: int = 1) -> SendReceipt:
    message = OutboundMessage(1, key, Address("wecom", to), Body(text=f"好 {key}"), attempt=attempt)
    (receipt,) = await channel.send([message])
    return receipt


async def test_a_refused_connection_is_provably_not_sent(channel: WeCom, simulator: Simulator) -> None:
    await send(channel, "warm")
    await simulator.refuse()
    assert (await send(channel)).status is SendStatus.RETRY
    await simulator.accept()
    assert (await send(channel)).status is SendStatus.SENT


@pytest.mark.parametrize(
    "kind", [FaultKind.HANG, FaultKind.HANG_AFTER, FaultKind.RESET_AFTER, FaultKind.HTML, FaultKind.STATUS_AFTER]
)
async def test_an_unanswered_send_is_repeated_and_arrives_once(channel: WeCom, simulator: Simulator, kind: FaultKind) -> None:
    await send(channel, "warm")
    simulator.faults.add(SEND, kind, status=502)
    assert (await send(channel)).status is SendStatus.RETRY
    assert (await send(channel, attempt=2)).status is SendStatus.SENT
    assert len([entry for entry in simulator.wecom.received("zhangsan") if entry.text == "好 k"]) == 1


async def test_an_expired_token_is_renewed_once_for_many(channel: WeCom, simulator: Simulator) -> None:
    await send(channel, "warm")
    simulator.clock.advance(7300)
    receipts = await asyncio.gather(*(send(channel, f"k{number}") for number in range(4)))
    assert {receipt.status for receipt in receipts} == {SendStatus.SENT}
    assert simulator.wecom.count_received("zhangsan") == 5
    assert len(simulator.wecom.calls("/wecom/cgi-bin/gettoken")) == 2


async def test_nobody_there_is_refused_for_good(channel: WeCom) -> None:
    receipt = await send(channel, to="nobody-at-all")
    assert (receipt.status, receipt.reason) == (SendStatus.REFUSED, "bad_recipient")


async def test_a_page_gets_one_receipt_each(channel: WeCom, simulator: Simulator) -> None:
    people = ["zhangsan", "nobody", "lisi"]
    simulator.wecom.add_member("lisi", "李四")
    messages = [OutboundMessage(n, f"k{n}", Address("wecom", person), Body(text="好")) for n, person in enumerate(people)]
    receipts = await channel.send(messages)
    assert [receipt.status for receipt in receipts] == [SendStatus.SENT, SendStatus.REFUSED, SendStatus.SENT]
    assert len(simulator.wecom.calls(SEND)) == 1


async def test_tags_and_remarks_reach_the_platform(channel: WeCom, simulator: Simulator) -> None:
    person = await simulator.wecom.add_external("zhangsan", "赵六")
    api = channel.contact_api
    group = await api.add_tags("等级", ["A", "B"])
    tag = group["tag"][0]["id"]
    await api.edit_tag(tag, "A级")
    await api.mark_tags("zhangsan", person, add=[tag])
    await api.set_remark("zhangsan", person, remark="赵总", company="东风", mobiles=["13900001111"])
    told = await api.load_contact(person)
    assert told["external_contact"]["name"] == "赵六"
    (follow,) = told["follow_user"]
    assert follow["remark"] == "赵总"
    assert [one["tag_name"] for one in follow["tags"]] == ["A级"]
    assert await api.list_contacts("zhangsan") == [person]
    await api.delete_tags(tags=[tag])
    assert [one["name"] for one in (await api.list_tags())[0]["tag"]] == ["B"]


async def test_contact_ways_are_listed_by_time(channel: WeCom, simulator: Simulator) -> None:
    config_id, _ = await channel.contact_api.add_contact_way(["zhangsan"], state="s")
    now = SystemClock().now()
    found = await channel.contact_api.list_contact_ways(now - timedelta(days=1), now + timedelta(days=1))
    assert found == [config_id]
    await channel.contact_api.update_contact_way(config_id, user_ids=["zhangsan"], state="t")
    await channel.contact_api.delete_contact_way(config_id)


async def test_customer_groups_are_listed(channel: WeCom, simulator: Simulator) -> None:
    assert await channel.contact_api.list_groups(owners=["zhangsan"]) == []
