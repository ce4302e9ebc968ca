"""A small client of the simulated Stream, driven frame by frame."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import aiohttp
import pytest
import pytest_asyncio

ALL = [
    {"type": "EVENT", "topic": "*"},
    {"type": "CALLBACK", "topic": "/v1.0/im/bot/messages/get"},
    {"type": "CALLBACK", "topic": "/v1.0/card/instances/callback"},
]
OPEN = "/v1.0/gateway/connections/open"


@dataclass
class Client:
    """One connection: remembers the frames, answers as the test says (well, until told otherwise)."""

    socket: aiohttp.ClientWebSocketResponse
    frames: list[dict] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    answer: Callable[[dict], dict | None] | None = None
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    def good_ack(self, frame: dict) -> dict | None:
        if frame["type"] == "SYSTEM":
            return None if frame["headers"]["topic"] == "disconnect" else ack(frame, json.loads(frame["data"]))
        return ack(frame, {"status": "SUCCESS"} if frame["type"] == "EVENT" else {"response": None})

    async def run(self) -> None:
        try:
            async for message in self.socket:
                self.raw.append(message.data)
                try:
                    frame = json.loads(message.data)
                except ValueError:
                    continue
                self.frames.append(frame)
                back = (self.answer or self.good_ack)(frame)
                if back is not None:
                    await self.socket.send_str(json.dumps(back))
        finally:
            self.closed.set()
            await self.socket.close()

    def topics(self) -> list[str]:
        return [frame["headers"]["topic"] for frame in self.frames]


def ack(frame: dict, data: object, code: int = 200, **changes: object) -> dict:
    """Make a good ack; named parts are replaced."""
    head = {"messageId": frame["headers"].get("messageId", ""), "contentType": "application/json"}
    return {"code": code, "message": "OK", "headers": head, "data": json.dumps(data)} | changes


Connect = Callable[..., Awaitable[Client]]


@pytest_asyncio.fixture
async def connect(sim) -> AsyncIterator[Connect]:
    """Open connections of the Stream; they end with the test."""
    tasks: list[asyncio.Task] = []
    async with aiohttp.ClientSession() as session:

        async def open_one(subscriptions: list[dict] = ALL, **options: object) -> Client:
            made = await ask(session, sim, subscriptions)
            socket = await session.ws_connect(made["endpoint"], params={"ticket": made["ticket"]}, **options)
            client = Client(socket)
            tasks.append(asyncio.create_task(client.run()))
            return client

        yield open_one
        sim.dingtalk.gateway.drop()
        await asyncio.gather(*tasks)


async def ask(session: aiohttp.ClientSession, sim, subscriptions: object = ALL, **changes: object) -> dict:
    """Ask for an endpoint and a ticket."""
    app = sim.dingtalk.app
    body = {"clientId": app.client_id, "clientSecret": app.client_secret, "subscriptions": subscriptions}
    async with session.post(sim.base_url + OPEN, json=body | changes) as answer:
        return {"status": answer.status} | await answer.json()


@pytest.fixture
def quick(sim):
    """The same simulator, whose gateway waits a third of a second for acks and repeats at once."""
    sim.dingtalk.knobs.ack_seconds = 0.3
    sim.dingtalk.knobs.event_retry_seconds = 0.01
    sim.dingtalk.knobs.ping_seconds = None
    return sim


@pytest.fixture
def make_ack():
    """Give the maker of good acks."""
    return ack


@pytest.fixture
def open_request(sim, api):
    """Ask for an endpoint and a ticket."""

    async def request(subscriptions: object = ALL, **changes: object) -> dict:
        return await ask(api.session, sim, subscriptions, **changes)

    return request
