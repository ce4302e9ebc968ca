"""One connection of the Stream: a client's socket, what was sent over it, and the acks it still owes."""

import asyncio
import time
import uuid
from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web

from bot.simulator.dingtalk import frames
from bot.simulator.dingtalk.frames import Ack, Frame
from bot.simulator.dingtalk.tickets import Subscriptions

REMEMBERED = 10_000


class Condition(StrEnum):
    """What a connection is good for."""

    OPEN = "open"
    CLOSING = "closing"
    FROZEN = "frozen"
    ZOMBIE = "zombie"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one frame."""

    ack: Ack | None  # None: no ack in time
    seconds: float
    connection_id: str = ""
    problem: str = ""


class Connection:
    """One client's socket."""

    def __init__(self, socket: web.WebSocketResponse, request: web.BaseRequest, subscriptions: Subscriptions) -> None:
        self.id = str(uuid.uuid4())
        self.socket = socket
        self.request = request
        self.path = request.path
        self.subscriptions = subscriptions
        self.condition = Condition.OPEN
        self.closes_at: float | None = None
        self.pings_at = time.monotonic()
        self.frames: deque[Frame] = deque(maxlen=1000)
        self.acks: deque[Ack] = deque(maxlen=1000)
        self.waiting: dict[str, tuple[Frame, asyncio.Future[Ack | None]]] = {}
        self.answered: deque[str] = deque(maxlen=REMEMBERED)

    def takes(self, frame: Frame) -> bool:
        """Tell whether the gateway would choose this connection for a frame."""
        usable = self.condition in (Condition.OPEN, Condition.FROZEN)
        return usable and (frame.kind == frames.SYSTEM or frame.subscription in self.subscriptions)

    @property
    def is_gone(self) -> bool:
        """Tell whether the other end has left."""
        transport = self.request.transport
        return self.socket.closed or transport is None or transport.is_closing()

    def expect(self, frame: Frame) -> asyncio.Future[Ack | None]:
        """Wait for the ack of a frame from now on."""
        future: asyncio.Future[Ack | None] = asyncio.get_running_loop().create_future()
        self.waiting[frame.message_id] = frame, future
        while len(self.waiting) > REMEMBERED:
            self.waiting.pop(next(iter(self.waiting)))
        return future

    def end(self) -> None:
        """Let go of those who wait."""
        self.condition = Condition.CLOSED
        for _, future in self.waiting.values():
            if not future.done():
                future.set_result(None)
        self.waiting.clear()
