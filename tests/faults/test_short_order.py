"""The same message many times at once, and messages that arrive out of order."""

import time

import aiohttp
import pytest

from bot.bench.load import openid_of
from bot.simulator import WeChatAccount
from bot.simulator.wechat_oa import messages
from bot.simulator.wechat_oa.documents import make_document
from tests.faults.test_short_kills import effects
from tests.faults.world import World


async def deliver(world: World, number: int, fields: dict[str, object], *, age: int = 0) -> int:
    """Deliver a message that the platform made so many seconds ago."""
    account, now = WeChatAccount(), int(time.time())
    head = {"ToUserName": account.original_id, "FromUserName": openid_of(number), "CreateTime": now - age}
    document = make_document(account, head | fields, now, openid=openid_of(number))
    url = f"http://127.0.0.1:{world.place.port}/hook/wechat"
    async with aiohttp.ClientSession() as session, session.post(url, params=document.query, data=document.body) as response:
        return response.status


@pytest.mark.slow  # a real process
async def test_fifty_deliveries_at_once_make_one_row_and_an_older_follow_undoes_nothing(world: World) -> None:
    await world.open(20, tokens=False)
    await world.serve()
    seen = await world.load(20, copies=50, connections=50, people=20)
    assert seen.acknowledged == 1000
    assert effects(world, 20) == (20, 20, 20, 20)

    assert await deliver(world, 3, messages.text("退订") | {"MsgId": 5}) == 200
    assert await deliver(world, 3, messages.subscribe(None, ""), age=60) == 200
    assert await deliver(world, 4, messages.unsubscribe()) == 200
    assert await deliver(world, 4, messages.subscribe(None, ""), age=60) == 200
    state = dict(world.read("SELECT external_id, opted_out_at IS NOT NULL FROM accounts WHERE channel = 'wechat'"))
    gone = dict(world.read("SELECT external_id, unfollowed_at IS NOT NULL FROM accounts WHERE channel = 'wechat'"))
    assert (state[openid_of(3)], gone[openid_of(4)]) == (1, 1)
