"""The composition root: builds the core, channels, web application and loops; starts and stops them in order."""

import asyncio
import gc
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from aiohttp import web

from bot import after_restore, erasures, metrics
from bot.api import make_api
from bot.channel import Channel, Surroundings, Working, group_channels
from bot.config import Settings, channel_kinds
from bot.delivery import Lane
from bot.document_downloads import Downloads
from bot.files import ChannelFiles
from bot.forms import Forms, show_template
from bot.gateway import ADDRESS, Gateway
from bot.httpclient import HttpClient
from bot.logs import number_requests
from bot.models import MODEL_MODULES
from bot.quotas import OnePlace, Place
from bot.settings import MailSettings
from bot.stored_tokens import StoredTokens
from bot.supervisor import Supervisor
from bot.upload_pages import UploadPage
from campaigns import engine, greetings, platform_results
from campaigns.mass import MassQueue
from campaigns.recipients import RecipientQueue
from crm_core.clock import Clock, SystemClock
from crm_core.db import Database
from crm_core.discovery import collect
from crm_core.outbox import DatabaseOutbox, SendQueue
from crm_core.ports import Core
from crm_core.state import DatabaseState
from handlers.commands import all_commands
from handlers.pipeline import Pipeline
from handlers.router import Router
from handlers.understanding.parse import warm
from scheduler import reminders
from scheduler.queue import Periodic
from scheduler.worker import Worker

if TYPE_CHECKING:
    from bot.mail_drop import MailDrop
    from bot.redis_state import SharedState

log = structlog.get_logger(__name__)

_COLLECT_AFTER = (50_000, 20, 20)
"""Objects before a young collection (Python's 700 fits scripts), young ones before an older, older ones before a full one."""
SWEEP_EVERY = timedelta(seconds=10)
RENEW_WITHIN_SECONDS = 8.0
"""For each thing that is renewed, so that it is tried again long before its lease ends."""
STOP_SECONDS = 3.0
DRAIN_SECONDS = 4.0
"""Of the ten seconds a stop may take: for open requests, then for sends under way."""
LAST_WORD_SECONDS = 0.5
"""For what is still written at the end."""
ABANDONED_AFTER = timedelta(seconds=20)
"""A message still open then had its work cut off by a failed commit."""


class App:
    """Everything that runs in one process. `start`, then `stop`; both in the order of the house.

    `role`: all, gateway (callbacks and API alone) or worker (schedule and delivery alone).
    """

    mail: "MailDrop | None" = None

    def __init__(
        self, settings: Settings, *, clock: Clock | None = None, db: Database | None = None, role: str = "all"
    ) -> None:
        self.settings = settings
        self._takes, self._works = role in ("all", "gateway"), role in ("all", "worker")
        self.clock = clock or SystemClock()
        self._owns_db = db is None
        self.db = db or Database(settings.database, MODEL_MODULES)
        self.http = HttpClient()
        self.outbox = DatabaseOutbox()
        self.supervisor = Supervisor()
        kinds = channel_kinds()
        self.state = DatabaseState(self.db, self.clock)
        self.shared = _shared(settings, self.state)
        self.core = Core(
            clock=self.clock,
            db=self.db,
            outbox=self.outbox,
            state=self.state,
            settings=settings.core,
            staff_channels=frozenset(name for name, (kind, _) in settings.channels.items() if kinds[kind].is_staffs),
            unsigned_channels=frozenset(name for name, (kind, told) in settings.channels.items() if _is_unsigned(kind, told)),
            channel_labels={name: kinds[kind].label for name, (kind, _) in settings.channels.items()},
            group_channels=group_channels(kinds, settings.channels),
        )
        self.channels = self._make_channels(kinds)
        self.core = _among(self.core, self.channels, settings)
        self.outbox.bind(self.core)
        self.meter = metrics.Meter(self.channels)
        self.recipients = RecipientQueue(
            self.core, keyed={name: channel.limits.keyed for name, channel in self.channels.items()}
        )
        self.mass = MassQueue(self.core)
        place = _quota_place(self.shared, self.state, self.clock)
        self.lanes = [
            Lane(self.core, channel, self._queues(channel), self.supervisor, settings.delivery, self.meter, place)
            for channel in self.channels.values()
        ]
        self.pipeline = Pipeline(self.core, Router(all_commands()))
        self.gateway = Gateway(
            self.core,
            self.channels,
            self.pipeline,
            self.supervisor,
            max_body=settings.server.max_body,
            reply_within=settings.server.reply_within,
            observer=self.meter,
        )
        self.worker = Worker(self.core, self._periodics())
        self._runner: web.AppRunner | None = None

    async def open(self) -> None:
        """Open the database, bring an embedded one up to date, decide about what a dead process left claimed.

        Raises: AlreadyServed; SchemaTooOld; Unavailable.
        """
        if self._owns_db:
            await self.db.open(alone=True)
            if self.settings.database.embedded:
                await self.db.migrate(backup=self._backup_path())
            await self.db.require_current()
            if self.db.alone:
                await self.state.free_locks()
        await after_restore.settle(self.core)
        await erasures.settle(self.core)
        for queue in (self.outbox, self.recipients, self.mass):
            # Where others serve the same database, what is claimed may be a living one's.
            await queue.recover(everything=self.db.alone)

    async def start(self, *, listen: bool = True) -> None:
        """Open everything and begin to work; the segmenter is warm before the socket listens."""
        await self.open()
        warm(self.settings.core.data_dir)
        for channel in self.channels.values():
            if hasattr(channel, "attach"):  # what a sender keeps beside it, in every role
                channel.attach(self.core, self.supervisor)
        if self.shared:
            self.supervisor.keep("redis", self.shared.run)
        if self._works:
            self.outbox.on_put = self.wake
            for lane in self.lanes:
                self.supervisor.keep(f"delivery:{lane.name}", lane.run)
            self.supervisor.keep("scheduler", self.worker.run)
            await self.gateway.resume()
        else:
            self.supervisor.keep("leases", self._renew)
        if self._takes:
            for channel in self.channels.values():
                await channel.start(Surroundings(self.gateway, self.supervisor, self.core, self.settings.server.public_url))
        if listen and self._takes and (drop := _mail_drop(self.core, self.settings.mail)):
            self.mail = drop
            await drop.start()
        if listen:
            self._runner = web.AppRunner(self.web(), access_log=None, shutdown_timeout=STOP_SECONDS)
            await self._runner.setup()
            if self._takes and self._runner.server is not None:
                self._runner.server.request_handler = self.gateway.before(self._runner.server.request_handler)
            await web.TCPSite(self._runner, self.settings.server.host, self.settings.server.port, backlog=4096).start()

    async def stop(self) -> None:
        """End within ten seconds, nothing in doubt: no new requests, finish, settle, close."""
        self.gateway.closing = True
        await asyncio.gather(self._stop_listening(), self.supervisor.stop("scheduler", within=STOP_SECONDS))
        within = min(self.settings.delivery.drain_timeout.total_seconds(), DRAIN_SECONDS)
        # A database that does not answer must not keep us: what is not settled then is decided by its lease.
        with suppress(TimeoutError):
            async with asyncio.timeout(within + LAST_WORD_SECONDS):
                await asyncio.gather(*(lane.stop(within=within) for lane in self.lanes))
        await self.supervisor.finish(within=1.0)
        await self.supervisor.stop_loops(within=0.5)
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORD_SECONDS):
                await self.gateway.let_go()
        for channel in self.channels.values():
            await channel.stop()
        await self.http.close()
        if self.shared:
            await self.shared.close()
        if self._owns_db:
            await self.db.close()

    async def _stop_listening(self) -> None:
        if self.mail:
            await self.mail.stop()
        if self._runner:
            await self._runner.cleanup()

    @property
    def port(self) -> int:
        """The port that is listened on (the settings may say 0: any)."""
        return int(self._runner.addresses[0][1]) if self._runner else 0

    def wake(self, channel: str | None = None) -> None:
        """Tell the lane of a channel, or every lane, that something was queued."""
        for lane in self.lanes:
            lane.wake(channel)

    def degraded(self) -> list[str]:
        """Name what is away and can be done without for a while."""
        return ["redis"] if self.shared and self.shared.degraded else []

    def web(self) -> web.Application:
        """Make the web application: callbacks, API, health, metrics."""
        application = web.Application(client_max_size=self.settings.server.max_body, middlewares=[number_requests])
        if self._takes:
            application.router.add_route("*", f"{ADDRESS}{{name}}", self.gateway.handle)
            application.add_subapp("/api/v1", make_api(self.core, max_body=self.settings.server.max_body))
            Forms(self.core, self.settings.forms, self.settings.server).add_to(application)
            Downloads(self.core).add_to(application)
            UploadPage(self.core).add_to(application)
            application.router.add_get("/templates/{kind}.{form}", show_template)
        for path, handler in metrics.probes(self.core, self.settings.server, self.meter, self.degraded).items():
            application.router.add_get(path, handler)
        return application

    def _make_channels(self, kinds: Mapping[str, Any]) -> Mapping[str, Channel]:
        tokens = StoredTokens(self.core, self.shared)
        made: dict[str, Channel] = {}
        for name, (kind, settings) in self.settings.channels.items():
            made[name] = kinds[kind](name, settings, self.http, self.clock, tokens=tokens)
        return made

    def _periodics(self) -> Sequence[Periodic]:
        found = collect("scheduler.jobs", lambda value: value.name if isinstance(value, Periodic) else None)
        # Often enough to renew a lease twice before it ends.
        often = min(SWEEP_EVERY, self.settings.delivery.lease / 3)
        # One by one: whatever hangs or fails, what is worked on here stays ours, and what others left is decided about.
        leases = [
            Periodic("leases", often, self._keep_leases, everywhere=True),
            Periodic("expired_leases:outbox", often, partial(_recover, self.outbox), everywhere=True),
            Periodic("expired_leases:recipients", often, partial(_recover, self.recipients), everywhere=True),
            Periodic("expired_leases:mass", often, partial(_recover, self.mass), everywhere=True),
            Periodic("open_messages", often, self._resume, everywhere=True),
        ]
        own = [each for channel in self.channels.values() if isinstance(channel, Working) for each in channel.periodics()]
        features = (reminders.PERIODIC, engine.PERIODIC, greetings.PERIODIC, platform_results.PERIODIC)
        return (*leases, *found.values(), *features, *own)

    def _queues(self, channel: Channel) -> Sequence[SendQueue]:
        # Broadcasts that a colleague must confirm are made whole tasks by the channel's own periodic.
        is_group = channel.name in self.core.group_channels
        return (self.outbox,) if is_group else (self.outbox, self.recipients, self.mass)

    async def _renew(self) -> None:
        """Keep what this process works on, where no schedule runs that does."""
        while True:
            await self.clock.sleep(SWEEP_EVERY.total_seconds())
            await self._keep_leases(self.core)

    async def _keep_leases(self, _: Core) -> None:
        held = {"outbox": self.outbox.renew, "recipients": self.recipients.renew, "mass": self.mass.renew}
        steps = {"inbox": self.gateway.renew, **held, "clocks": self.db.measure}
        found = await asyncio.gather(*map(_in_time, steps.values()), return_exceptions=True)  # five
        for name, failure in zip(steps, found, strict=True):
            if failure is not None:
                log.error("not_renewed", what=name, exc_info=failure)

    async def _resume(self, _: Core) -> None:
        await self.gateway.resume(older_than=ABANDONED_AFTER)

    def _backup_path(self) -> Path:
        stamp = f"{self.clock.now():%Y%m%dT%H%M%S}"
        return self.settings.core.data_dir / "backups" / f"before-migration-{stamp}.db"


def _among(core: Core, channels: Mapping[str, Channel], settings: Settings) -> Core:
    """Tell the core what the channels allow, and where their files and this server are found."""
    reach = {name: channel.limits.reach for name, channel in channels.items()}
    return replace(
        core,
        reach=reach,
        files=ChannelFiles(channels),
        public_url=settings.server.public_url.rstrip("/"),
        mail_drop=settings.mail.address,
    )


async def _in_time(step: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(RENEW_WITHIN_SECONDS):
        await step()


async def _recover(queue: SendQueue, _: Core) -> None:
    await queue.recover(everything=False)


def _shared(settings: Settings, state: DatabaseState) -> "SharedState | None":
    if not settings.redis.url:
        return None
    from bot.redis_state import RedisState, SharedState  # most installations need no Redis, and its client loads slowly

    return SharedState(RedisState(settings.redis.url, settings.redis.password), state)


def _mail_drop(core: Core, settings: MailSettings) -> "MailDrop | None":
    if not settings.address:
        return None
    from bot.mail_drop import MailDrop  # most installations take no mail

    return MailDrop(core, settings)


def _quota_place(shared: "SharedState | None", state: DatabaseState, clock: Clock) -> Place:
    if shared is None:
        return OnePlace(state)
    from bot.quota_home import QuotaHome

    return QuotaHome(shared, state, clock)


def _is_unsigned(kind: str, settings: Any) -> bool:
    return (kind == "dingtalk" and settings.receive == "http") or getattr(settings, "mode", "") == "plain"


def _calm_collector() -> None:
    """Keep the cycle collector from walking what was loaded at start: a full turn stops every request for 40 ms."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)


async def serve(settings: Settings, role: str = "all") -> None:
    """Run until SIGTERM or SIGINT. Raises: OSError for a busy port; AlreadyServed; SchemaTooOld."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    app = App(settings, role=role)
    try:
        await app.start()
        _calm_collector()
        log.info("ready", port=app.port, role=role)
        sys.stdout.write(f"已启动 http://{settings.server.host}:{app.port}/ （Ctrl-C 停止）\n")
        sys.stdout.flush()
        await stop.wait()
    finally:
        await app.stop()
