"""A channel behind a real socket, with the answers of the contract; and the way out."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.channel import BadRequest, Channel, Forbidden
from bot.httpclient import HttpClient
from crm_core.messages import Body, InboundMessage
from tests.bot.channels.platform import Platform
from tests.fakes import FakeClock

MAX_BODY_BYTES = 1024 * 1024
ServeChannel = Callable[..., Awaitable["Served"]]


class Served:
    """A channel that listens, and what it stored."""

    def __init__(self, channel: Channel, reply: Body | None) -> None:
        self.channel = channel
        self.reply = reply
        self.stored: dict[str, InboundMessage] = {}
        self.url = ""

    @property
    def messages(self) -> list[InboundMessage]:
        return list(self.stored.values())

    async def hook(self, request: web.Request) -> web.Response:
        if request.method not in ("GET", "POST"):
            return web.Response(status=405)
        if (request.content_length or 0) > MAX_BODY_BYTES:
            return web.Response(status=413)
        body = await request.read()
        try:
            received = await self.channel.receive(request, body)
        except Forbidden:
            return web.Response(status=403)
        except BadRequest:
            return web.Response(status=400)
        if received.handshake is not None:
            shake = received.handshake
            headers = {"X-Content-Type-Options": "nosniff"}
            return web.Response(text=shake.text, content_type=shake.content_type, headers=headers)
        for message in received.messages:
            self.stored.setdefault(message.key, message)
        return self.channel.answer(received, self.reply)


@pytest_asyncio.fixture
async def serve() -> AsyncIterator[ServeChannel]:
    servers: list[TestServer] = []

    async def start(channel: Channel, reply: Body | None = None) -> Served:
        served = Served(channel, reply)
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        app.router.add_route("*", "/hook/{name}", served.hook)
        server = TestServer(app)
        await server.start_server()
        servers.append(server)
        served.url = str(server.make_url(f"/hook/{channel.name}"))
        return served

    yield start
    for server in servers:
        await server.close()


@pytest_asyncio.fixture
async def http() -> AsyncIterator[HttpClient]:
    async with HttpClient() as client:
        yield client


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest_asyncio.fixture
async def platform() -> AsyncIterator[Platform]:
    fake = Platform()
    await fake.start()
    yield fake
    await fake.stop()
