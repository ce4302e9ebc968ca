"""Every knob disturbs the calls it names, as often as it says."""

import json

import aiohttp
import pytest

from bot.simulator.faults import Faults

SEND = "/cgi-bin/message/custom/send"
TEXT = {"touser": "oA", "msgtype": "text", "text": {"content": "你好"}}


@pytest.fixture
def ready(sim):
    """A person whose window is open."""
    sim.wechat.state.followers.ensure("oA")
    sim.wechat.state.windows.open("oA", "message")
    return sim


async def send(api, seconds: float = 5.0) -> tuple[int, bytes]:
    url = f"{api.sim.base_url}{SEND}?access_token={api.wechat_token()}"
    data = json.dumps(TEXT, ensure_ascii=False).encode()
    async with api.session.post(url, data=data, timeout=aiohttp.ClientTimeout(total=seconds)) as answer:
        return answer.status, await answer.read()


@pytest.mark.parametrize(
    ("kind", "error", "delivered"),
    [
        ("hang", TimeoutError, 0),
        ("hang_after", TimeoutError, 1),
        ("reset", aiohttp.ClientError, 0),
        ("reset_after", aiohttp.ClientError, 1),
    ],
)
async def test_lost_answers_with_and_without_effect(ready, api, kind, error, delivered):
    ready.faults.add(SEND, kind)
    with pytest.raises(error):
        await send(api, 0.5)
    assert ready.wechat.count_received("oA") == delivered
    assert ready.wechat.calls(SEND)[0].fault == kind
    assert (await send(api))[0] == 200
    assert ready.wechat.count_received("oA") == delivered + 1


@pytest.mark.parametrize(
    ("kind", "status", "start", "delivered"),
    [
        ("status", 503, b"Internal", 0),
        ("status_after", 503, b"Internal", 1),
        ("html", 502, b"<html>", 0),
        ("html_after", 502, b"<html>", 1),
    ],
)
async def test_answers_of_a_broken_front(ready, api, kind, status, start, delivered):
    ready.faults.add(SEND, kind, status=503, times=2)
    for _ in range(2):
        got, body = await send(api)
        assert got == status
        assert body.startswith(start)
    assert ready.wechat.count_received("oA") == 2 * delivered
    assert json.loads((await send(api))[1])["errcode"] == 0


async def test_throttling_answers(ready, api):
    ready.faults.add_errcode(SEND, 45011)
    assert json.loads((await send(api))[1])["errcode"] == 45011
    ready.faults.add_errcode("/cgi-bin/*", -1, times=None)
    for _ in range(3):
        assert json.loads((await send(api))[1])["errcode"] == -1
    ready.faults.clear()
    assert json.loads((await send(api))[1])["errcode"] == 0
    assert ready.wechat.count_received("oA") == 1


async def test_newer_dingtalk_codes(sim, api):
    sim.faults.add_code("/v1.0/*", "Forbidden.AccessDenied.QpsLimitForApi")
    status, answer = await api.dingtalk("/v1.0/robot/oToMessages/batchSend", {})
    assert (status, answer["code"]) == (403, "Forbidden.AccessDenied.QpsLimitForApi")


async def test_slow_calls_are_carried_out(ready, api):
    ready.faults.add(SEND, "slow", delay_seconds=0.05)
    assert (await send(api))[0] == 200
    ready.faults.add(SEND, "slow", delay_seconds=30)
    with pytest.raises(TimeoutError):
        await send(api, 0.1)


async def test_a_closed_door_refuses_and_opens_at_the_same_port(ready, api):
    address = ready.base_url
    assert (await send(api))[0] == 200
    await ready.refuse()
    with pytest.raises(aiohttp.ClientError):
        await send(api)
    await ready.refuse()
    await ready.accept()
    assert ready.base_url == address
    assert (await send(api))[0] == 200


def test_shares_and_ends():
    faults = Faults(seed=1)
    faults.add("/x", "reset", times=None, share=0.5)
    hits = sum(faults.take("/x") is not None for _ in range(1000))
    assert 400 < hits < 600
    faults.clear("/x")
    faults.add("/x", "reset", times=None, for_seconds=-1.0)
    assert faults.take("/x") is None
    assert faults.active() == []
    assert faults.take("/y") is None
