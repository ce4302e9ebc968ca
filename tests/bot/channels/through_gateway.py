"""A channel behind the product's own gateway, and requests exactly as the given cases say."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from bot.channel import Channel
from bot.gateway import Gateway
from bot.supervisor import Supervisor
from crm_core.conversations import Message
from crm_core.inbox import to_inbound
from crm_core.messages import InboundMessage
from crm_core.ports import Core
from handlers.commands import all_commands
from handlers.pipeline import Pipeline
from handlers.router import Router
from tests.bot.channels.vectors import body_of, url_of

ServeThrough = Callable[[Channel], Awaitable["ThroughGateway"]]


class ThroughGateway:
    """A channel behind the product's own gateway, and the rows it left."""

    def __init__(self, core: Core, channel: Channel) -> None:
        self.supervisor = Supervisor()
        core = replace(core, reach={channel.name: channel.limits.reach}, staff_channels=frozenset({"dingtalk", "wecom"}))
        core.outbox.bind(core)  # type: ignore[attr-defined]
        pipeline = Pipeline(core, Router(all_commands()))
        nothing = timedelta(0)
        self.gateway = Gateway(core, {channel.name: channel}, pipeline, self.supervisor, max_body=1 << 20, reply_within=nothing)
        self.messages: list[InboundMessage] = []
        self.url = ""

    async def hook(self, request: web.Request) -> web.StreamResponse:
        response = await self.gateway.handle(request)
        rows = await Message.filter(direction="in").order_by("id")
        self.messages = [to_inbound(row) for row in rows]
        return response


async def ask(url: str, request: dict[str, Any]) -> tuple[int, bytes, Any]:
    """Send a request exactly as the case says, a wrong Content-Length included."""
    headers = dict(request.get("headers", {}))
    target = url_of(URL(url), request)
    if "Content-Length" in headers:
        return await ask_raw(target, request, headers), b"", {}
    async with (
        aiohttp.ClientSession() as session,
        session.request(request["method"], target, data=body_of(request), headers=headers) as response,
    ):
        return response.status, await response.read(), response.headers


async def ask_raw(target: URL, request: dict[str, Any], headers: dict[str, str]) -> int:
    reader, writer = await asyncio.open_connection(target.host, target.port)
    lines = [f"{request['method']} {target.raw_path_qs} HTTP/1.1", f"Host: {target.authority}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body_of(request))
    status = int((await reader.readline()).split()[1])
    writer.close()
    await writer.wait_closed()
    return status
