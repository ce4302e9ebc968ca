"""Fault rows 2 and 3: a handler killed in the middle, repeats of what was answered, messages out of order."""

import sys
import time
from pathlib import Path

import aiohttp
import pytest

from bot.bench.load import Job, openid_of, run_load
from bot.bench.rows_gateway import read_reply
from bot.simulator import WeChatAccount
from bot.simulator.wechat_oa import messages
from bot.simulator.wechat_oa.documents import make_document
from tests.faults.town import Town, town
from tests.waiting import until


async def deliver(made: Town, number: int, fields: dict[str, object], *, age: int = 0) -> int:
    """Deliver what the platform made so many seconds ago."""
    account, now = WeChatAccount(), int(time.time())
    head = {"ToUserName": account.original_id, "FromUserName": openid_of(number), "CreateTime": now - age}
    document = make_document(account, head | fields, now, openid=openid_of(number))
    url = f"http://127.0.0.1:{made.place.port}/hook/wechat"
    async with aiohttp.ClientSession() as session, session.post(url, params=document.query, data=document.body) as response:
        return response.status


@pytest.mark.faults  # a real process, killed while a command of two seconds runs
async def test_message_whose_handler_was_killed_is_answered_once_after_the_start(tmp_path: Path, server: str) -> None:
    async with town(tmp_path, 1, keep=True, where=server, server={"reply_within": "200ms"}) as made:
        slow = (sys.executable, "-m", "bot.bench.slow_serve", str(made.place.write_settings()), "2")
        made.product = await made.place.serve(command=slow)
        await made.control("configure", {"dingtalk": {"callback_url": f"http://127.0.0.1:{made.place.port}/hook/dingtalk"}})
        pushed = await made.control("dingtalk/say", {"staff_id": "staff3", "text": "帮助 慢"})
        assert pushed["status"] == 200
        await made.product.kill()
        incoming = "SELECT status FROM messages WHERE direction = 'in' AND channel = 'dingtalk'"
        assert made.rows(incoming) == [("open",)]
        await made.start()
        sent = "SELECT 1 FROM messages WHERE topic = 'reply' AND status = 'sent'"
        assert await until(lambda: made.rows(sent), within=20)
        assert made.rows(incoming) == [("done",)]
        assert (await made.control("received?platform=dingtalk"))["count"] == 1


@pytest.mark.faults  # a real process is started twice
async def test_repeats_get_the_stored_reply_also_after_a_kill_and_an_older_follow_undoes_nothing(
    tmp_path: Path, server: str
) -> None:
    async with town(tmp_path, 50, where=server) as made:
        await made.start()
        first = await run_load(Job(made.place.port, count=50, people=50, copies=10, keep_bodies=True))
        assert made.product is not None
        await made.product.kill()
        await made.start()
        again = await run_load(Job(made.place.port, count=50, people=50, keep_bodies=True))
        for before, after in zip(first.bodies, again.bodies, strict=True):
            assert {read_reply(body) for body in before} == {read_reply(after[0])} != {""}
        assert made.rows("SELECT count(*) FROM messages WHERE direction = 'in'") == [(50,)]
        assert made.rows("SELECT count(*) FROM messages WHERE key LIKE 'notice:%'") == [(50,)]

        assert await deliver(made, 3, messages.text("退订") | {"MsgId": 5}) == 200
        assert await deliver(made, 3, messages.subscribe(None, ""), age=60) == 200
        assert await deliver(made, 4, messages.unsubscribe()) == 200
        assert await deliver(made, 4, messages.subscribe(None, ""), age=60) == 200
        consent = "SELECT opted_out_at IS NOT NULL, unfollowed_at IS NOT NULL FROM accounts WHERE external_id = ?"
        assert made.rows(consent, openid_of(3)) == [(1, 0)]
        assert made.rows(consent, openid_of(4)) == [(0, 1)]
