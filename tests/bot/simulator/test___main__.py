"""`python -m bot.simulator` in a process of its own."""

import asyncio
import json
import signal
import sys

import aiohttp


async def test_the_process_serves_and_ends_at_sigterm():
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.simulator", "--port", "0", "--counting-only", stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        told = json.loads(await process.stdout.readline())
        async with aiohttp.ClientSession() as session, session.get(f"{told['base_url']}/_sim/state") as answer:
            assert (await answer.json())["cursor"] == 0
    finally:
        process.send_signal(signal.SIGTERM)
        status = await process.wait()
    assert status == 0
