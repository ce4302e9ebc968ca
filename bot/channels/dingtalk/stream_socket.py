"""One WebSocket of a Stream: reads frames, has them answered on the very socket they came on, notices when it is over."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp
import structlog

from bot.channel import BadRequest
from bot.channels.dingtalk.stream_frames import DISCONNECT, FAILED, PING, SYSTEM, Frame, acknowledge, read_frame

log = structlog.get_logger(__name__)

MAX_FRAME_BYTES = 1024 * 1024
AT_ONCE = 64
"""Frames worked on at once; more wait in the network's buffers."""
BAD_FRAMES = 50
"""So many unreadable ones are no accident: the socket is closed."""
SEND_SECONDS = 5.0
CLOSE_SECONDS = 0.3
Answer = Callable[[Frame], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Timing:
    """The times of a Stream, in seconds."""

    watch: float = 60.0
    """Without a frame for so long a link counts as dead: the WebSocket's own ping does not notice."""
    silence: float = 11.0
    """A socket that was replaced goes once it is silent; the platform closes after 10."""
    farewell: float = 60.0
    """The longest a replaced socket may go on talking."""
    first_pause: float = 1.0
    longest_pause: float = 60.0
    open_within: float = 10.0


class StreamSocket:
    """One connection. `leaving` is set when another one is needed; it is still read until that stands."""

    def __init__(self, channel: str, socket: aiohttp.ClientWebSocketResponse, answer: Answer, timing: Timing) -> None:
        self.leaving = asyncio.Event()
        self.why = ""
        self.heard = False
        """Whether a frame came that was not a farewell."""
        self.followed = False
        """Whether another socket stands by now."""
        self._channel = channel
        self._socket = socket
        self._answer = answer
        self._timing = timing
        self._places = asyncio.Semaphore(AT_ONCE)
        self._bad = 0

    async def serve(self) -> None:
        """Read until the socket is over, and let end what it began."""
        try:
            async with asyncio.TaskGroup() as group:
                await self._read(group)
        finally:
            self._leave("closed")
            await self._close()

    async def _read(self, group: asyncio.TaskGroup) -> None:
        loop = asyncio.get_running_loop()
        ends_at: float | None = None
        while True:
            if self.followed and ends_at is None:
                ends_at = loop.time() + self._timing.farewell
            if ends_at is not None and loop.time() > ends_at:
                return
            try:
                async with asyncio.timeout(self._timing.silence if self.leaving.is_set() else self._timing.watch):
                    message = await self._socket.receive()
            except TimeoutError:
                if self.followed:
                    return
                # Nobody stands in for it yet: better a doubtful link than none.
                self._leave("silent")
                continue
            if message.type is aiohttp.WSMsgType.TEXT:
                await self._take(message.data, group)
            elif message.type is aiohttp.WSMsgType.BINARY:
                self._count_bad("binary")
            else:  # closed, or broken
                return
            if self._bad > BAD_FRAMES:
                return

    async def _take(self, raw: str, group: asyncio.TaskGroup) -> None:
        try:
            frame = read_frame(raw)
        except BadRequest as error:
            self._count_bad(str(error))
            return
        if frame.type == SYSTEM:
            await self._system(frame)
            return
        self.heard = True
        await self._places.acquire()
        group.create_task(self._work(frame))

    def _count_bad(self, why: str) -> None:
        self._bad += 1
        log.warning("stream_frame_unreadable", channel=self._channel, why=why, count=self._bad)

    async def _system(self, frame: Frame) -> None:
        if frame.topic == DISCONNECT:
            self._leave("disconnect")
            return
        self.heard = True
        if frame.topic != PING:
            log.info("stream_system_frame", channel=self._channel, topic=frame.topic[:64])
        await self._say(acknowledge(frame, frame.data))

    async def _work(self, frame: Frame) -> None:
        try:
            await self._say(await self._answer(frame))
        except Exception:
            # A fault of ours in one frame must not end the socket, and with it what others are saying.
            log.exception("stream_frame_failed", channel=self._channel)
            await self._say(acknowledge(frame, "{}", code=FAILED, message="failed"))
        finally:
            self._places.release()

    async def _say(self, acknowledgement: str) -> None:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._socket.send_str(acknowledgement)
        except (aiohttp.ClientError, ConnectionError, TimeoutError):
            # Never on another socket: the platform delivers an event again, and the record knows it.
            log.warning("stream_acknowledgement_lost", channel=self._channel)

    def _leave(self, why: str) -> None:
        if not self.leaving.is_set():
            self.why = why
            log.info("stream_leaving", channel=self._channel, why=why)
            self.leaving.set()

    async def _close(self) -> None:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._socket.close()
        except (aiohttp.ClientError, ConnectionError, TimeoutError):
            log.debug("stream_close_failed", channel=self._channel)
