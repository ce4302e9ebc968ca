"""A channel behind a real socket, with the answers of the contract; and the way out."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.channel import BadRequest, Channel, Forbidden
from bot.httpclient import HttpClient
from bot.simulator import Simulator
from crm_core.messages import Body, InboundMessage
from crm_core.ports import Core
from tests.bot.channels.platform import Platform
from tests.bot.channels.through_gateway import ServeThrough, ThroughGateway
from tests.fakes import FakeClock

MAX_BODY_BYTES = 1024 * 1024
Hook = Callable[[web.Request], Awaitable[web.StreamResponse]]
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


@asynccontextmanager
async def listening(hook: Hook, name: str) -> AsyncIterator[str]:
    """Listen for the callbacks of a channel; gives their address."""
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app.router.add_route("*", "/hook/{name}", hook)
    server = TestServer(app)
    await server.start_server()
    yield str(server.make_url(f"/hook/{name}"))
    await server.close()


@pytest_asyncio.fixture
async def serve() -> AsyncIterator[ServeChannel]:
    async with AsyncExitStack() as stack:

        async def start(channel: Channel, reply: Body | None = None) -> Served:
            served = Served(channel, reply)
            served.url = await stack.enter_async_context(listening(served.hook, channel.name))
            return served

        yield start


@pytest_asyncio.fixture
async def through(core: Core) -> AsyncIterator[ServeThrough]:
    """Put channels behind the product's own gateway."""
    async with AsyncExitStack() as stack:

        async def start(channel: Channel) -> ThroughGateway:
            served = ThroughGateway(core, channel)
            stack.push_async_callback(served.supervisor.finish, within=5)
            served.url = await stack.enter_async_context(listening(served.hook, channel.name))
            return served

        yield start


@pytest_asyncio.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator() as started:
        yield started


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
