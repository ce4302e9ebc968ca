"""The WebSocket connections of the Stream: what is sent over them, and what may go wrong with them.

A closing connection has got its disconnect frame, is silent and ends. A frozen one reads and writes nothing, though
pushes still go to it. A zombie answers WebSocket pings, but the gateway has forgotten it: no frame comes any more.
"""

import asyncio
import random
import time
import uuid
from collections.abc import Iterable

from aiohttp import WSMessage, WSMsgType, web

from bot.simulator.dingtalk import frames
from bot.simulator.dingtalk.connection import Condition, Connection, Outcome
from bot.simulator.dingtalk.frames import Ack, Frame
from bot.simulator.dingtalk.knobs import Knobs
from bot.simulator.dingtalk.state import DingTalkState
from bot.simulator.dingtalk.tickets import CONNECT, CONNECT_AGAIN, TicketDesk
from bot.simulator.server import SocketHandler

TICK_SECONDS = 0.05  # how often a connection looks at the clock
WRITE_SECONDS = 5.0
NO_CONNECTION = "no connection"
LOST = "lost on the way"
NO_ACK = "no ack"
FRAME_BYTES = 4 * 2**20
ENDING = frozenset({WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR})


class Connections:
    """All connections of one application, and the knobs on them."""

    def __init__(self, state: DingTalkState, knobs: Knobs, desk: TicketDesk, seed: int = 11) -> None:
        self.open: list[Connection] = []
        self.opened_count = 0
        self._state = state
        self._knobs = knobs
        self._desk = desk
        self._random = random.Random(seed)

    def sockets(self) -> dict[str, SocketHandler]:
        """Name the WebSocket paths."""
        return {CONNECT: self.serve, CONNECT_AGAIN: self.serve}

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Admit a client with a ticket and talk to it until one side ends."""
        subscriptions = self._desk.redeem(request.query.get("ticket", ""), request.path)
        if subscriptions is None:
            return web.Response(status=401, text="invalid ticket")
        socket = web.WebSocketResponse(max_msg_size=FRAME_BYTES, timeout=1.0)
        await socket.prepare(request)
        connection = Connection(socket, request, subscriptions)
        self.open.append(connection)
        self.opened_count += 1
        try:
            await self._converse(connection)
        finally:
            self.open.remove(connection)
            connection.end()
        return socket

    def choose(self, frame: Frame) -> Connection | None:
        """Choose one of the connections that take a frame, at random."""
        usable = [connection for connection in self.open if connection.takes(frame)]
        return self._random.choice(usable) if usable else None

    async def push(self, frame: Frame, seconds: float, connection: Connection | None = None) -> Outcome:
        """Send a frame over one connection, chosen at random if none is named, and wait for its ack."""
        started = time.monotonic()
        chosen = connection or self.choose(frame)
        if chosen is None:
            return Outcome(None, 0.0, problem=NO_CONNECTION)
        future, sent = chosen.expect(frame), False
        try:
            async with asyncio.timeout(seconds):
                sent = await self._send(chosen, frame)
                ack = await future
        except (TimeoutError, OSError):
            return Outcome(None, time.monotonic() - started, chosen.id, NO_ACK if sent else LOST)
        if ack is None:
            return Outcome(None, time.monotonic() - started, chosen.id, LOST)
        return Outcome(ack, time.monotonic() - started, chosen.id, ack.problem or frames.judge(frame, ack))

    async def ping(self, connection: Connection | None = None) -> Outcome:
        """Send a ping and wait for its echo."""
        return await self.push(_make_ping(), self._knobs.ack_seconds, connection)

    async def send_raw(self, text: str) -> None:
        """Send what is no frame to every client."""
        for connection in self._usable():
            await connection.socket.send_str(text)

    async def disconnect(self, which: Iterable[Connection] | None = None, *, named: bool = False) -> None:
        """Announce the end: from now on silent, closed after the time of silence; `named` adds a messageId."""
        message_id = str(uuid.uuid4()) if named else ""
        frame = Frame(frames.SYSTEM, frames.DISCONNECT, frames.pack({"reason": "connection is expired"}), message_id)
        for connection in list(self._usable() if which is None else which):
            await self._send(connection, frame)
            connection.condition = Condition.CLOSING
            connection.closes_at = self._state.clock.seconds() + self._knobs.silence_seconds

    async def redirect(self) -> None:
        """Announce the end and send everybody to another endpoint."""
        self._desk.move()
        await self.disconnect()

    def freeze(self, which: Iterable[Connection] | None = None) -> None:
        """Let connections stay open and carry nothing at all."""
        self._mark(which, Condition.FROZEN)

    def thaw(self) -> None:
        """Let frozen connections and zombies live again."""
        for connection in self.open:
            if connection.condition in (Condition.FROZEN, Condition.ZOMBIE):
                connection.condition = Condition.OPEN

    def forget(self, which: Iterable[Connection] | None = None) -> None:
        """Make connections zombies: alive for WebSocket pings, unknown to the gateway."""
        self._mark(which, Condition.ZOMBIE)

    def drop(self, which: Iterable[Connection] | None = None) -> None:
        """Break connections without a word."""
        for connection in list(self.open if which is None else which):
            if connection.request.transport is not None:
                connection.request.transport.abort()

    def has_subscriber(self, frame: Frame) -> bool:
        """Tell whether some connection takes such a frame."""
        return any(connection.takes(frame) for connection in self.open)

    def _usable(self) -> list[Connection]:
        return [connection for connection in self.open if connection.condition is Condition.OPEN]

    def _mark(self, which: Iterable[Connection] | None, condition: Condition) -> None:
        for connection in list(self._usable() if which is None else which):
            connection.condition = condition

    async def _send(self, connection: Connection, frame: Frame) -> bool:
        if connection.condition is not Condition.OPEN:
            return False
        stamp = int(self._state.clock.stamp() * 1000)
        text = frames.write(frame, connection.id, f"app-{self._state.app.client_id}", stamp, self._knobs)
        connection.frames.append(frame)
        async with asyncio.timeout(WRITE_SECONDS):
            await connection.socket.send_str(text)
        return True

    async def _converse(self, connection: Connection) -> None:
        while not connection.is_gone:
            if connection.closes_at is not None and self._state.clock.seconds() >= connection.closes_at:
                await connection.socket.close()
                return
            if connection.condition is Condition.FROZEN:
                await asyncio.sleep(TICK_SECONDS)
                continue
            await self._ping_in_time(connection)
            try:
                message = await connection.socket.receive(timeout=TICK_SECONDS)
            except TimeoutError:
                continue
            if message.type in ENDING:
                return
            self._take(connection, message)

    async def _ping_in_time(self, connection: Connection) -> None:
        seconds, now = self._knobs.ping_seconds, time.monotonic()
        if seconds is None or now < connection.pings_at + seconds:
            return
        connection.pings_at = now
        frame = _make_ping()
        connection.expect(frame)
        try:
            await self._send(connection, frame)
        except (TimeoutError, OSError):
            return  # the next look finds the connection gone

    def _take(self, connection: Connection, message: WSMessage) -> None:
        if connection.condition is Condition.ZOMBIE:
            return
        if message.type is not WSMsgType.TEXT:
            self._state.records.complain("stream ack", "the ack is no text frame")
            return
        ack = frames.read_ack(message.data)
        connection.acks.append(ack)
        frame, future = connection.waiting.pop(ack.message_id, (None, None))
        problem = self._explain(connection, ack) if frame is None else ack.problem or frames.judge(frame, ack)
        if problem:
            self._state.records.complain("stream ack", problem)
        if future is not None:
            connection.answered.append(ack.message_id)
            if not future.done():
                future.set_result(ack)

    def _explain(self, connection: Connection, ack: Ack) -> str:
        """Say why an ack belongs to no frame that waits on its connection."""
        sent = {frame.message_id for frame in connection.frames if frame.topic == frames.DISCONNECT}
        if ack.message_id in sent or (not ack.message_id and sent):
            return "a disconnect wants no ack"
        if not ack.message_id or ack.problem:
            return ack.problem
        if ack.message_id in connection.answered:
            return "the frame was acked before"
        if any(ack.message_id in other.waiting for other in self.open):
            return "the ack came over another connection than its frame"
        return "the ack names an unknown messageId"


def _make_ping() -> Frame:
    data = frames.pack({"opaque": uuid.uuid4().hex})
    return Frame(frames.SYSTEM, frames.PING, data, str(uuid.uuid4()))
