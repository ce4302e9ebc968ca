"""What is measured, and the probes: `/metrics`, `/health/live`, `/health/ready`."""

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from bot.config import ServerSettings
from crm_core import score_runs
from crm_core.errors import CrmError
from crm_core.ports import Core, Program

READY_WITHIN_SECONDS = 1.0
_PROBE_LASTS = timedelta(minutes=1)
# Around the deadlines that matter: 1 s to 5 s of the platforms, 3.5 s of our own.
_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 3.5, 4.5, 5.0)
Handler = Callable[[web.Request], Awaitable[web.Response]]


class Meter:
    """The counters of one process; the gateway, the delivery and the worker tell it what happened."""

    def __init__(self, channels: Mapping[str, object] = MappingProxyType({})) -> None:
        self._told_of = channels
        self.registry = CollectorRegistry()
        self._callbacks = Counter("guanxi_callbacks", "Callbacks answered", ("channel", "status"), registry=self.registry)
        self._latency = Histogram(
            "guanxi_callback_seconds", "Time to answer a callback", ("channel",), buckets=_SECONDS, registry=self.registry
        )
        # Finding the labels takes longer than counting, and this happens for every callback.
        self._known: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self._known_sends: dict[tuple[str, str], Counter] = {}
        self._sends = Counter("guanxi_sends", "Messages settled", ("channel", "status"), registry=self.registry)
        self._jobs = Counter("guanxi_jobs", "Periodic jobs run", ("name", "outcome"), registry=self.registry)
        self._waiting = Gauge("guanxi_outbox_waiting", "Messages waiting to be sent", ("channel",), registry=self.registry)
        self._channels = Gauge("guanxi_channel", "What a channel tells of itself", ("channel", "name"), registry=self.registry)
        self._open = Gauge("guanxi_inbox_open", "Messages received whose work is not done", registry=self.registry)
        self._planned = Gauge("guanxi_recipients_planned", "People of broadcasts not yet written to", registry=self.registry)
        self._scored = Gauge("guanxi_scored_percent", "Scored under the rules in force", ("kind",), registry=self.registry)

    def callback(self, channel: str, status: int, seconds: float) -> None:
        """Note one answered callback."""
        known = self._known.get((channel, status))
        if known is None:
            known = self._known[channel, status] = (self._callbacks.labels(channel, str(status)), self._latency.labels(channel))
        known[0].inc()
        known[1].observe(seconds)

    def sent(self, channel: str, status: str) -> None:
        """Note one settled message."""
        known = self._known_sends.get((channel, status))
        if known is None:
            known = self._known_sends[channel, status] = self._sends.labels(channel, status)
        known.inc()

    def job(self, name: str, outcome: str) -> None:
        """Note one run of a periodic job: done or failed."""
        self._jobs.labels(name, outcome).inc()

    async def read_depths(self, core: Core) -> None:
        """Ask the database what is waiting; the rows are the truth, so no counter is kept for them."""
        waiting, open_count, planned = await core.db.read(_depths())
        self._waiting.clear()
        for channel, number in waiting:
            self._waiting.labels(channel).set(number)
        self._open.set(open_count)
        self._planned.set(planned)
        for each in await score_runs.progress(core):
            self._scored.labels(each.noun).set(each.percent)

    def channel_states(self) -> dict[str, dict[str, object]]:
        """Tell how the channels are that have something to tell, by a method `health`."""
        return {name: channel.health() for name, channel in self._told_of.items() if hasattr(channel, "health")}

    def read_channels(self) -> None:
        """Take over what the channels say in numbers, and of their connections."""
        self._channels.clear()
        for channel, told in self.channel_states().items():
            for name, value in told.items():
                if isinstance(value, int):
                    self._channels.labels(channel, name).set(value)
                elif value in ("connected", "disconnected"):
                    self._channels.labels(channel, f"{name}_connected").set(value == "connected")

    def text(self) -> bytes:
        """Write everything in Prometheus' form."""
        return generate_latest(self.registry)


def probes(
    core: Core, server: ServerSettings, meter: Meter, degraded: Callable[[], Sequence[str]] = tuple
) -> dict[str, Handler]:
    """Make the handlers of the probes by address. `degraded` names what is away and can be done without."""
    ready = _make_ready(core, degraded, meter)
    return {"/health/live": _live, "/health/ready": ready, "/metrics": _make_metrics(core, server, meter)}


async def unready_because(core: Core) -> str:
    """Tell why nothing can be made durable now; empty when it can."""
    try:
        async with asyncio.timeout(READY_WITHIN_SECONDS):
            await core.state.set("health:ready", "1", lasts=_PROBE_LASTS)
    except TimeoutError:
        return "database.slow"
    except CrmError as error:
        return error.code
    return ""


def peer_of(request: web.Request, server: ServerSettings) -> str:
    """Tell the address that asks; behind a trusted proxy, the one it names. Empty when it cannot be known."""
    peer = request.remote or ""
    forwarded = ",".join(request.headers.getall("X-Forwarded-For", []))
    if not forwarded and "Forwarded" not in request.headers:
        return peer
    # A proxy nobody told us about: whoever stands behind it must not pass as this machine.
    if not is_within(peer, server.trusted_proxies):
        return ""
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    return next((hop for hop in reversed(hops) if not is_within(hop, server.trusted_proxies)), "")


def is_within(address: str, networks: tuple[str, ...]) -> bool:
    """Tell whether an address is in one of the networks."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return any(found in ipaddress.ip_network(network, strict=False) for network in networks)


async def _live(_request: web.Request) -> web.Response:
    return web.json_response({"status": "live"})


def _make_ready(core: Core, degraded: Callable[[], Sequence[str]], meter: Meter) -> Handler:
    async def ready(_request: web.Request) -> web.Response:
        states = meter.channel_states()
        channels = {"channels": states} if states else {}
        reason = await unready_because(core)
        if reason:
            return web.json_response({"status": "unready", "reason": reason, **channels}, status=503)
        away = list(degraded())
        return web.json_response({"status": "ready", **({"degraded": away} if away else {}), **channels})

    return ready


def _make_metrics(core: Core, server: ServerSettings, meter: Meter) -> Handler:
    async def show(request: web.Request) -> web.Response:
        if not is_within(peer_of(request, server), server.metrics_from):
            return web.json_response({"error": {"code": "refused", "message": "没有权限", "fields": {}}}, status=403)
        await meter.read_depths(core)
        meter.read_channels()
        return web.Response(body=meter.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return show


def _depths() -> Program[tuple[list[tuple[str, int]], int, int]]:
    waiting = yield "SELECT channel, count(*) FROM messages WHERE status = 'queued' GROUP BY channel", ()
    still_open = yield "SELECT count(*) FROM messages WHERE status = 'open'", ()
    planned = yield "SELECT count(*) FROM recipients WHERE status = 'planned'", ()
    return waiting, int(still_open[0][0]), int(planned[0][0])
