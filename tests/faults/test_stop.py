"""Fault row 13: SIGTERM in the middle; out within ten seconds, nothing in doubt."""

import asyncio
import time
from pathlib import Path

import pytest

from bot.bench.load import Job, run_load
from bot.bench.rows_sending import start_broadcast
from tests.faults.town import town

SEND = "/cgi-bin/message/custom/send"


@pytest.mark.faults  # a real process that has to be stopped
async def test_stop_in_the_middle_of_a_broadcast_and_of_inbound_messages(tmp_path: Path, server: str) -> None:
    async with town(tmp_path, 600, where=server) as made:
        author = await made.place.run("token", "create", "author", "--role", "admin")
        approver = await made.place.run("token", "create", "approver", "--role", "admin")
        product = await made.start()
        await made.control("faults", {"path": SEND, "kind": "slow", "times": None, "delay_seconds": 0.3})
        await start_broadcast(made.place, author, approver)
        load = asyncio.ensure_future(run_load(Job(made.place.port, count=200, people=600, rate=100.0, insist=True)))
        await asyncio.sleep(1.0)
        begun = time.monotonic()
        assert await product.stop() == 0
        assert time.monotonic() - begun < 10
        # Whatever was claimed was sent and settled, or given back.
        statuses = dict(made.rows("SELECT status, count(*) FROM recipients GROUP BY status"))
        assert statuses.get("sent", 0) > 0
        assert not {"claimed", "unknown"} & statuses.keys(), statuses
        assert made.rows("SELECT count(*) FROM messages WHERE status = 'claimed'") == [(0,)]
        received = await made.control("received?platform=wechat_oa")
        assert received["count"] == statuses["sent"]
        await made.start()
        await load
        async with asyncio.timeout(60):
            while made.rows("SELECT 1 FROM recipients WHERE status IN ('planned', 'claimed') LIMIT 1"):
                await asyncio.sleep(0.1)
        assert dict(made.rows("SELECT status, count(*) FROM recipients GROUP BY status")) == {"sent": 600}
        assert (await made.control("received?platform=wechat_oa"))["doubles"] == {}
