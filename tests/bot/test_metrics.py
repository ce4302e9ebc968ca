"""Metrics and probes."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request

from bot.config import ServerSettings
from bot.metrics import Meter, is_within, peer_of, probes, unready_because
from crm_core import inbox
from crm_core.errors import Unavailable
from crm_core.messages import Address, Body, InboundMessage, Kind
from crm_core.ports import Core


class Locked:
    """A state store whose database is held by somebody else."""

    async def set(self, *_: object, **__: object) -> None:
        raise Unavailable


async def client_of(core: Core, server: ServerSettings, meter: Meter) -> TestClient[Any, Any]:
    app = web.Application()
    for path, handler in probes(core, server, meter).items():
        app.router.add_get(path, handler)
    client: TestClient[Any, Any] = TestClient(TestServer(app))
    await client.start_server()
    return client


@pytest_asyncio.fixture
async def client(core: Core) -> AsyncIterator[TestClient[Any, Any]]:
    made = await client_of(core, ServerSettings(), Meter())
    yield made
    await made.close()


async def test_live_and_ready(client: TestClient[Any, Any]) -> None:
    for path, status in (("/health/live", "live"), ("/health/ready", "ready")):
        async with client.get(path) as response:
            assert (response.status, await response.json()) == (200, {"status": status})


async def test_not_ready_while_nothing_can_be_written(core: Core) -> None:
    locked = replace(core, state=Locked())  # type: ignore[arg-type]
    assert await unready_because(locked) == "database.unavailable"
    client = await client_of(locked, ServerSettings(), Meter())
    async with client.get("/health/ready") as response:
        assert (response.status, await response.json()) == (503, {"status": "unready", "reason": "database.unavailable"})
    async with client.get("/health/live") as response:
        assert response.status == 200
    await client.close()


async def test_metrics_count_what_happened_and_what_waits(core: Core) -> None:
    meter = Meter()
    meter.callback("wechat", 200, 0.003)
    meter.sent("wechat", "sent")
    meter.job("reminders", "done")
    at = core.clock.now()
    await core.db.run(inbox.record(core, InboundMessage(Address("wechat", "o1"), "k", Kind.TEXT, at, "x")))
    await core.outbox.put(Address("wechat", "o1"), Body(text="x"), key="k2")
    client = await client_of(core, ServerSettings(), meter)
    async with client.get("/metrics") as response:
        assert response.status == 200
        assert response.content_type == "text/plain"
        text = await response.text()
    await client.close()
    for line in (
        'guanxi_callbacks_total{channel="wechat",status="200"} 1.0',
        'guanxi_callback_seconds_bucket{channel="wechat",le="0.005"} 1.0',
        'guanxi_sends_total{channel="wechat",status="sent"} 1.0',
        'guanxi_jobs_total{name="reminders",outcome="done"} 1.0',
        'guanxi_outbox_waiting{channel="wechat"} 1.0',
        "guanxi_inbox_open 1.0",
        "guanxi_recipients_planned 0.0",
    ):
        assert line in text, line


async def test_metrics_are_for_those_the_settings_name(core: Core, client: TestClient[Any, Any]) -> None:
    async with client.get("/metrics") as response:
        assert response.status == 200
    # A proxy on this machine nobody told us about: whoever stands behind it is not this machine.
    async with client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}) as response:
        assert response.status == 403
    other = await client_of(core, ServerSettings(metrics_from=("10.0.0.0/8",)), Meter())
    async with other.get("/metrics") as response:
        assert response.status == 403
    await other.close()


@pytest.mark.parametrize(
    ("headers", "trusted", "peer"),
    [
        ({}, (), "127.0.0.1"),
        ({"X-Forwarded-For": "10.0.0.9"}, ("127.0.0.1",), "10.0.0.9"),
        ({"X-Forwarded-For": "10.0.0.9, 127.0.0.1"}, ("127.0.0.1",), "10.0.0.9"),
        ({"X-Forwarded-For": "127.0.0.1, 10.0.0.9"}, ("127.0.0.1",), "10.0.0.9"),
        ({"X-Forwarded-For": "10.0.0.9"}, (), ""),
        ({"Forwarded": "for=10.0.0.9"}, (), ""),
    ],
)
def test_who_asks_behind_a_proxy(headers: dict[str, str], trusted: tuple[str, ...], peer: str) -> None:
    request = make_mocked_request("GET", "/metrics", headers=headers).clone(remote="127.0.0.1")
    assert peer_of(request, ServerSettings(trusted_proxies=trusted)) == peer


@pytest.mark.parametrize(
    ("address", "within"),
    [("10.1.2.3", True), ("::ffff:10.1.2.3", True), ("11.0.0.1", False), ("", False), ("moon", False), ("fe80::1%eth0", False)],
)
def test_addresses_and_networks(address: str, within: bool) -> None:
    assert is_within(address, ("10.0.0.0/8",)) is within
