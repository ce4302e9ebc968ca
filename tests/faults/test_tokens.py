"""Fault row 7: the token ends under fifty calls in each of two processes; one refresh, nothing lost, nothing twice."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.faults.town import Town, town

REFRESH = {
    "wechat_classic": "/cgi-bin/token",
    "wechat": "/cgi-bin/stable_token",
    "wecom": "/wecom/cgi-bin/gettoken",
    "dingtalk": "/v1.0/oauth2/accessToken",
}
CALLS = 50
CALLER = Path(__file__).with_name("token_caller.py")


class Caller:
    """A process that makes fifty calls at once when told to."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def hear(self) -> str:
        assert self.process.stdout is not None
        return (await self.process.stdout.readline()).decode().strip()

    async def go(self) -> dict[str, int]:
        assert self.process.stdin is not None
        self.process.stdin.write(b"go\n")
        return dict(json.loads(await self.hear()))


@asynccontextmanager
async def callers(made: Town, way: str) -> AsyncIterator[list[Caller]]:
    base = f"http://127.0.0.1:{made.platform.port}"
    started = []
    for number in range(2):
        words = (f"sqlite://{made.place.database}", base, way, str(number * 1000), str(CALLS))
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(CALLER), *words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        started.append(Caller(process))
    try:
        assert [await caller.hear() for caller in started] == ["ready", "ready"]
        yield started
    finally:
        for caller in started:
            if caller.process.returncode is None:
                caller.process.kill()
            await caller.process.wait()


async def refreshes(made: Town, way: str) -> int:
    calls: Any = await made.control("calls", {})
    return int(calls["counts"].get(REFRESH[way], 0))


@pytest.mark.timeout(200)
@pytest.mark.parametrize(
    "way",
    [
        pytest.param("wechat_classic", marks=pytest.mark.faults),  # two real processes are started
        pytest.param("wecom", marks=pytest.mark.faults),  # the same
        pytest.param("wechat", marks=pytest.mark.faults),
        pytest.param("dingtalk", marks=pytest.mark.faults),
    ],
)
async def test_token_that_ends_under_calls_of_two_processes_is_renewed_once(tmp_path: Path, way: str) -> None:
    async with town(tmp_path, 2000) as made, callers(made, way) as both:
        for renewed in (1, 2, 3):
            ended = await asyncio.gather(*(caller.go() for caller in both))
            assert ended == [{"ok": CALLS}, {"ok": CALLS}]
            assert await refreshes(made, way) == renewed
            await made.control("tokens/expire", {})
        if way.startswith("wechat"):
            received = await made.control("received?platform=wechat_oa")
            assert received["count"] == 2 * 3 * CALLS
            assert received["doubles"] == {}


@pytest.mark.faults
@pytest.mark.timeout(200)
async def test_wrong_secret_is_not_asked_about_again_and_again(tmp_path: Path) -> None:
    async with town(tmp_path, 10) as made, callers(made, "wechat") as both:
        await made.control("faults", {"path": REFRESH["wechat"], "kind": "answer", "times": None, "body": {"errcode": 40125}})
        for _ in range(3):
            ended = await asyncio.gather(*(caller.go() for caller in both))
            assert ended == [{"token 40125": CALLS}, {"token 40125": CALLS}]
        assert await refreshes(made, "wechat") <= 3


@pytest.mark.faults
@pytest.mark.timeout(200)
async def test_process_killed_while_it_asks_for_a_token_holds_up_the_other_for_seconds_only(tmp_path: Path) -> None:
    async with town(tmp_path, 2000) as made, callers(made, "wechat") as (first, second):
        await made.control("faults", {"path": REFRESH["wechat"], "kind": "hang", "times": 1})
        doomed = asyncio.ensure_future(first.go())
        async with asyncio.timeout(20):
            while await refreshes(made, "wechat") < 1:
                await asyncio.sleep(0.05)
        first.process.kill()
        async with asyncio.timeout(14):  # a call waits 12 s for a token at most
            assert await second.go() == {"ok": CALLS}
        with pytest.raises(json.JSONDecodeError):
            await doomed
