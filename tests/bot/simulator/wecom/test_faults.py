"""The API host of WeCom misbehaves like the others: before or after the call was carried out."""

import asyncio

import aiohttp
import pytest

PATH = "/wecom/cgi-bin/message/send"


def text(wecom, content: str = "你好") -> dict:
    return {"touser": "lisi", "msgtype": "text", "agentid": wecom.corp.agent_id, "text": {"content": content}}


async def send(qy, wecom) -> aiohttp.ClientResponse:
    query = {"access_token": qy.token()}
    limit = aiohttp.ClientTimeout(total=0.5)
    return await qy.session.post(qy.sim.base_url + PATH, params=query, json=text(wecom), timeout=limit)


@pytest.mark.parametrize(
    ("kind", "status", "delivered"),
    [("status", 500, 0), ("status_after", 500, 1), ("html", 502, 0), ("html_after", 502, 1)],
)
async def test_a_bad_answer(sim, wecom, qy, kind, status, delivered):
    sim.options.strict_unicode = False
    sim.faults.add(PATH, kind)
    async with await send(qy, wecom) as answer:
        assert answer.status == status
    assert wecom.count_received("lisi") == delivered


@pytest.mark.parametrize(
    ("kind", "delivered"), [("hang", 0), ("hang_after", 1), ("reset", 0), ("reset_after", 1)], ids=lambda value: str(value)
)
async def test_no_answer(sim, wecom, qy, kind, delivered):
    sim.options.strict_unicode = False
    sim.faults.add("/wecom/*", kind)
    with pytest.raises((aiohttp.ClientError, TimeoutError, asyncio.TimeoutError)):
        await send(qy, wecom)
    assert wecom.count_received("lisi") == delivered


async def test_a_closed_door(sim, wecom, qy):
    await sim.refuse()
    with pytest.raises(aiohttp.ClientError):
        await send(qy, wecom)
    await sim.accept()
    assert (await qy.call("message/send", text(wecom)))["errcode"] == 0


async def test_a_burst_of_errcodes(sim, wecom, qy):
    sim.faults.add_errcode(PATH, 45009, times=2)
    codes = [(await qy.call("message/send", text(wecom)))["errcode"] for _ in range(3)]
    assert codes == [45009, 45009, 0]
