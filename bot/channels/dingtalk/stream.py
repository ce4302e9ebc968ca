"""Stream mode: connections from here to the platform, one after another, the next before the last is given up.

A ticket opens one socket. When the platform says `disconnect`, or nothing comes for a minute, a new socket is opened
first and the old one read until it falls silent. Why our own client: docs/adr/0019-dingtalk-stream.md.
"""

import asyncio
import random
from datetime import datetime, timedelta

import structlog
from yarl import URL

from bot.channels.dingtalk.api import Api
from bot.channels.dingtalk.hosts import find_stream_url
from bot.channels.dingtalk.outcomes import code_of
from bot.channels.dingtalk.settings import Settings
from bot.channels.dingtalk.stream_desk import Desk
from bot.channels.dingtalk.stream_frames import SUBSCRIPTIONS
from bot.channels.dingtalk.stream_socket import MAX_FRAME_BYTES, StreamSocket, Timing
from bot.httpclient import HttpClient, HttpError
from crm_core.clock import Clock

log = structlog.get_logger(__name__)

_OPEN = "/v1.0/gateway/connections/open"
_AGENT = "guanxi/1.0"
_LOCAL = "127.0.0.1"
"""The platform asks for our address inside the house and does nothing with it; it need not know."""
_LONGEST_TICKET = 1024


class Refused(Exception):
    """No connection could be had; `code` is the platform's word, or ours."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Stream:
    """Keeps one channel connected."""

    def __init__(
        self, channel: str, settings: Settings, api: Api, http: HttpClient, desk: Desk, clock: Clock, timing: Timing
    ) -> None:
        self.since: datetime = clock.now()
        self.timing = timing
        self.outages = 0
        self._channel = channel
        self._settings = settings
        self._api = api
        self._http = http
        self._desk = desk
        self._clock = clock
        self._sockets: set[StreamSocket] = set()
        self._failures = 0
        self._why = "starting"
        self.connected = False

    def health(self) -> dict[str, object]:
        """Say how the connection is: for the health page."""
        told: dict[str, object] = {
            "stream": "connected" if self.connected else "disconnected",
            "stream_since": self.since.isoformat(timespec="seconds"),
            "stream_outages": self.outages,
            "stream_lost": self._desk.lost,
            "stream_waiting": self._desk.waiting,
        }
        return told if self.connected else told | {"stream_why": self._why}

    async def run(self) -> None:
        """Stay connected until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._desk.keep_trying())
            last: StreamSocket | None = None
            while True:
                socket = await self._connect()
                if last is not None:
                    last.followed = True
                group.create_task(self._serve(socket))
                last = socket
                await socket.leaving.wait()
                self._plan_pause(socket)

    async def _serve(self, socket: StreamSocket) -> None:
        await socket.serve()
        self._sockets.discard(socket)
        if not self._sockets:
            self._go_down(socket.why)

    def _go_down(self, why: str) -> None:
        if self.connected:
            self.connected, self.since = False, self._clock.now()
            self.outages += 1
            # What people say to the robot meanwhile the platform does not deliver again.
            log.warning("stream_down", channel=self._channel, why=why)
        self._why = why

    def _go_up(self) -> None:
        if not self.connected:
            now = self._clock.now()
            log.info("stream_up", channel=self._channel, gap_seconds=round((now - self.since).total_seconds(), 1))
            self.connected, self.since = True, now

    async def _connect(self) -> StreamSocket:
        while True:
            await self._pause()
            try:
                return await self._dial()
            except Refused as refused:
                self._failures += 1
                if all(socket.why == "silent" for socket in self._sockets):
                    self._go_down(refused.code)
                log.warning("stream_not_opened", channel=self._channel, code=refused.code, failures=self._failures)

    def _plan_pause(self, socket: StreamSocket) -> None:
        """After a frame was heard everything begins anew; a link that only dropped is not opened in a tight circle."""
        if not socket.heard and socket.why != "silent":
            self._failures += 1
        else:
            self._failures = 1 if socket.why == "closed" else 0

    async def _pause(self) -> None:
        if not self._failures:
            return
        pause = min(self.timing.first_pause * 2.0 ** min(self._failures - 1, 10), self.timing.longest_pause)
        await self._clock.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - jitter, no secret

    async def _dial(self) -> StreamSocket:
        url = await self._ticketed()
        try:
            within = timedelta(seconds=self.timing.open_within)
            opened = await self._http.websocket(url, max_bytes=MAX_FRAME_BYTES, within=within)
        except HttpError as error:
            raise Refused("not_reached") from error
        socket = StreamSocket(self._channel, opened, self._desk.answer, self.timing)
        self._sockets.add(socket)
        self._go_up()
        return socket

    async def _ticketed(self) -> URL:
        """Ask for a ticket; it is good for one connection within 90 s, so each try has its own."""
        settings = self._settings
        payload = {
            "clientId": settings.client_id,
            "clientSecret": settings.client_secret.reveal(),
            "subscriptions": SUBSCRIPTIONS,
            "ua": _AGENT,
            "localIp": _LOCAL,
        }
        try:
            answer = await self._api.bare(_OPEN, payload)
        except HttpError as error:
            raise Refused(type(error).__name__.lower()) from error
        code, fields = code_of(answer), answer.json()
        if code != "" or fields is None:
            if answer.status in (400, 401, 403):
                log.error("channel_needs_admin", channel=self._channel, code=code or answer.status)
            raise Refused(code or f"status_{answer.status}")
        ticket = fields.get("ticket")
        url = find_stream_url(fields.get("endpoint"), settings)
        if url is None:
            log.error("stream_host_refused", channel=self._channel)
            raise Refused("host")
        if not isinstance(ticket, str) or not 0 < len(ticket) <= _LONGEST_TICKET:
            raise Refused("ticket")
        return url.update_query(ticket=ticket)
