"""A product with every kind of channel among the simulated platforms, and the doctor's looks at one channel of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.app import App
from bot.config import Settings, parse
from bot.doctor.channels import EXAMINED, Examiner
from bot.doctor.findings import Finding
from bot.httpclient import HttpClient
from bot.simulator import Simulator
from crm_core.clock import SystemClock
from crm_core.db import Database

Look = Callable[..., Awaitable[dict[str, Finding]]]


def settings_of(simulator: Simulator, folder: Path, url: str = "http://127.0.0.1") -> Settings:
    """Settings with all four kinds; secrets as the simulated platforms have them."""
    wechat, ding, corp, base = simulator.wechat.account, simulator.dingtalk.app, simulator.wecom.corp, simulator.base_url
    secrets = {
        "W_SECRET": wechat.app_secret,
        "W_TOKEN": wechat.token,
        "W_KEY": wechat.aes_key,
        "D_SECRET": ding.client_secret,
        "C_SECRET": corp.secret,
        "C_CONTACT": corp.contact_secret,
        "C_TOKEN": corp.token,
        "C_KEY": corp.aes_key,
        "K_SECRET": corp.kf_secret,
        "K_TOKEN": corp.kf_token,
        "K_KEY": corp.kf_aes_key,
    }
    channels: dict[str, dict[str, Any]] = {
        "wechat": {
            "kind": "wechat_oa",
            "app_id": wechat.app_id,
            "original_id": wechat.original_id,
            "app_secret_env": "W_SECRET",
            "token_env": "W_TOKEN",
            "aes_key_env": "W_KEY",
            "api_base": base,
        },
        "dingtalk": {
            "kind": "dingtalk",
            "client_id": ding.client_id,
            "client_secret_env": "D_SECRET",
            "robot_code": ding.robot_code,
            "api_base": base,
            "oapi_base": base,
            "session_hosts": [base],
        },
        "wecom": {
            "kind": "wecom",
            "corp_id": corp.corp_id,
            "agent_id": corp.agent_id,
            "secret_env": "C_SECRET",
            "contact_secret_env": "C_CONTACT",
            "token_env": "C_TOKEN",
            "aes_key_env": "C_KEY",
            "api_base": f"{base}/wecom",
        },
        "kf": {
            "kind": "wecom_kf",
            "corp_id": corp.corp_id,
            "secret_env": "K_SECRET",
            "token_env": "K_TOKEN",
            "aes_key_env": "K_KEY",
            "open_kfid": corp.open_kfid,
            "api_base": f"{base}/wecom",
        },
    }
    return parse({"server": {"port": 0, "public_url": url}, "channels": channels}, secrets, folder)


@pytest_asyncio.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator() as made:
        yield made


@pytest_asyncio.fixture
async def app(simulator: Simulator, db: Database, tmp_path: Path) -> AsyncIterator[App]:
    """The product, serving."""
    made = App(replace(settings_of(simulator, tmp_path), database=db.settings), db=db)
    await made.start()
    yield made
    await made.stop()


@pytest_asyncio.fixture
async def look(app: App) -> AsyncIterator[Look]:
    """Look at one channel; settings may be changed, and the public address too."""
    async with HttpClient() as http:

        async def run(name: str, *, url: str = "", clock: Any = None, **changes: object) -> dict[str, Finding]:
            kind, own = app.settings.channels[name]
            about = Examiner(name, replace(own, **changes), http, clock or SystemClock(), url or f"http://127.0.0.1:{app.port}")
            found = [finding async for finding in EXAMINED[kind](about)]
            return {finding.subject.removeprefix(f"{name} "): finding for finding in found}

        yield run


@pytest_asyncio.fixture
async def front() -> AsyncIterator[Callable[..., Awaitable[str]]]:
    """Something that is not the product at the public address; gives the address."""
    servers: list[TestServer] = []

    async def start(status: int, text: str = "", **headers: str) -> str:
        async def answer(_: web.Request) -> web.Response:
            return web.Response(status=status, text=text, content_type="text/html", headers=headers)

        application = web.Application()
        application.router.add_route("*", "/{path:.*}", answer)
        server = TestServer(application)
        await server.start_server()
        servers.append(server)
        return str(server.make_url(""))

    yield start
    for server in servers:
        await server.close()
