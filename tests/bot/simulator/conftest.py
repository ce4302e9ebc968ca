"""A started simulator, and a scriptable program behind its callback address."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from bot.simulator import SimClock, Simulator

VECTORS = Path(__file__).parents[2] / "vectors"
WALL = 1_795_161_600.0  # 2026-11-20, the moment of the vectors


@dataclass
class Seen:
    """A request that reached the program."""

    method: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class Program:
    """What stands behind the callback address: answers as the test says, remembers what came."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    answer: Callable[[Seen], Awaitable[tuple[int, bytes]]] | None = None
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    def say(self, body: bytes = b"success", status: int = 200) -> None:
        """Answer everything with one body."""

        async def answer(_: Seen) -> tuple[int, bytes]:
            return status, body

        self.answer = answer

    async def handle(self, request: web.Request) -> web.Response:
        seen = Seen(request.method, dict(request.query), dict(request.headers), await request.read())
        async with self.arrived:
            self.seen.append(seen)
            self.arrived.notify_all()
        assert self.answer is not None
        status, body = await self.answer(seen)
        return web.Response(status=status, body=body)

    async def wait_for(self, count: int) -> None:
        """Wait until so many requests have come."""
        async with self.arrived:
            await self.arrived.wait_for(lambda: len(self.seen) >= count)


@pytest.fixture
def load_cases():
    """Read the cases of a vector file."""

    def load(name: str) -> list[dict]:
        return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))["cases"]

    return load


@pytest_asyncio.fixture
async def sim() -> AsyncIterator[Simulator]:
    """A started simulator whose clock stands still unless turned."""
    simulator = Simulator(clock=SimClock(lambda: WALL))
    await simulator.start()
    yield simulator
    await simulator.stop()


@pytest.fixture
def impatient(sim: Simulator) -> Simulator:
    """The same simulator, whose platforms wait a third of a second instead of five."""
    sim.options.push_timeout_seconds = 0.3
    return sim


@pytest_asyncio.fixture
async def program(sim: Simulator) -> AsyncIterator[Program]:
    """A program behind both callback addresses; it says success until told otherwise."""
    program = Program()
    program.say()
    app = web.Application()
    app.router.add_route("*", "/hook", program.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    program.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    sim.wechat.callback_url = sim.dingtalk.callback_url = program.url
    yield program
    await runner.cleanup()


class Api:
    """The product's part: calls the platforms with a good token."""

    def __init__(self, sim: Simulator, session: aiohttp.ClientSession) -> None:
        self.sim = sim
        self.session = session
        self.token = ""

    async def wechat(self, path: str, body: object = None, *, token: str | None = None, **query: str) -> dict:
        """Call the Official Account's API: POST with a body, GET without."""
        query["access_token"] = self.wechat_token() if token is None else token
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        async with self.session.request(
            "GET" if data is None else "POST", self.sim.base_url + path, params=query, data=data
        ) as answer:
            assert answer.status == 200
            return json.loads(await answer.read())

    def wechat_token(self) -> str:
        account = self.sim.wechat.account
        return self.sim.wechat.state.tokens.fetch_stable(account.app_id, account.app_secret, force=False)["access_token"]

    def dingtalk_token(self) -> str:
        app = self.sim.dingtalk.app
        return self.sim.dingtalk.state.give_token(app.client_id, app.client_secret) or ""

    async def dingtalk(self, path: str, body: object, *, token: str | None = None) -> tuple[int, dict]:
        """Call the newer DingTalk API."""
        headers = {"x-acs-dingtalk-access-token": self.dingtalk_token() if token is None else token}
        async with self.session.post(self.sim.base_url + path, json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def post(self, path: str, body: object, /, **query: str) -> dict:
        """Post JSON and read JSON."""
        async with self.session.post(self.sim.base_url + path, json=body, params=query) as answer:
            return await answer.json()

    async def get(self, path: str, /, **query: str) -> dict:
        """Get JSON."""
        async with self.session.get(self.sim.base_url + path, params=query) as answer:
            return await answer.json()


@pytest_asyncio.fixture
async def api(sim: Simulator) -> AsyncIterator[Api]:
    """A client of the simulated platforms."""
    async with aiohttp.ClientSession() as session:
        yield Api(sim, session)
