"""What is done with the frames of a Stream: recorded first, acknowledged then.

The platform delivers events until they are acknowledged, but robot messages and presses once only. What of these cannot
be made durable at once is kept in memory, within limits, and tried again; what does not fit is counted as lost.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from datetime import timedelta

import structlog

from bot.channel import BadRequest, Inlet, Received
from bot.channels.dingtalk.answers import card_answer
from bot.channels.dingtalk.ledger import CallLedger
from bot.channels.dingtalk.messages import read_card_action, read_robot_message, read_stream_event
from bot.channels.dingtalk.outcomes import PUSHES_OVER
from bot.channels.dingtalk.settings import Settings
from bot.channels.dingtalk.stream_frames import (
    BAD,
    CALLBACK,
    CARD_TOPIC,
    EVENT,
    FAILED,
    NOT_FOUND,
    ROBOT_TOPIC,
    Frame,
    acknowledge,
)
from crm_core import inbox
from crm_core.clock import Clock
from crm_core.errors import CrmError, Unavailable
from crm_core.messages import Body, InboundMessage
from crm_core.ports import Core

log = structlog.get_logger(__name__)

NOTHING_PASSIVE = timedelta(0)
CARD_WITHIN = timedelta(seconds=1.8)
"""The platform waits 2 s for the answer to a press."""
KEPT = 1000
KEPT_BYTES = 16 * 1024 * 1024
AGAIN_SECONDS = 1.0
TRIES = 5
"""Of a message that fails for another reason than a store that is away."""
STORE_SECONDS = 2.0


def note_over_quota(channel: str, ledger: CallLedger, message: InboundMessage) -> None:
    """Hear that a message came of which the platform tells nothing, because the month's pushes are used up."""
    if "error_code" not in message.data:
        return
    log.error("channel_needs_admin", channel=channel, code=message.data["error_code"])
    if str(message.data["error_code"]) == PUSHES_OVER:
        ledger.exhausted()


@dataclass(slots=True)
class _Kept:
    message: InboundMessage
    size: int
    failures: int = 0


class Desk:
    """Answers the frames of every connection of one channel."""

    def __init__(self, channel: str, settings: Settings, inlet: Inlet, clock: Clock, ledger: CallLedger) -> None:
        self.lost = 0
        self._channel = channel
        self._settings = settings
        self._inlet = inlet
        self._clock = clock
        self._ledger = ledger
        self._kept: deque[_Kept] = deque()
        self._kept_bytes = 0

    @property
    def waiting(self) -> int:
        """How many messages are kept in memory alone."""
        return len(self._kept)

    async def answer(self, frame: Frame) -> str:
        """Work on one frame and give its acknowledgement; an unknown one is acknowledged too."""
        if frame.type not in (EVENT, CALLBACK):
            return acknowledge(frame, "{}", code=NOT_FOUND, message="type not found")
        self._ledger.count("stream_push")
        try:
            if frame.type == EVENT:
                return await self._event(frame)
            if frame.topic == ROBOT_TOPIC:
                return await self._robot(frame)
            if frame.topic == CARD_TOPIC:
                return await self._card(frame)
        except BadRequest as error:
            # Answered once and not asked for again: it would not get better.
            log.warning("stream_frame_refused", channel=self._channel, why=str(error))
            return acknowledge(frame, "{}", code=BAD, message="bad data")
        return acknowledge(frame, "{}", code=NOT_FOUND, message="topic not found")

    async def _event(self, frame: Frame) -> str:
        message = read_stream_event(self._channel, self._settings, frame.headers, frame.tree(), now=self._clock.now())
        try:
            await self._inlet.take(self._channel, Received((message,), reply_deadline=NOTHING_PASSIVE))
        except Exception as error:  # noqa: BLE001 - whatever it is, the platform is asked to come again
            self._note(error)
            return acknowledge(frame, {"status": "LATER", "message": "not durable"})
        return acknowledge(frame, {"status": "SUCCESS", "message": "success"})

    async def _robot(self, frame: Frame) -> str:
        tree = frame.tree()
        if tree.get("robotCode", self._settings.robot) != self._settings.robot:
            raise BadRequest("robotCode")
        message = read_robot_message(self._channel, self._settings, tree)
        if message is None:
            return acknowledge(frame, {"response": None})
        note_over_quota(self._channel, self._ledger, message)
        _, durable = await self._take(message, len(frame.data), NOTHING_PASSIVE)
        if not durable:
            return acknowledge(frame, {"response": None}, code=FAILED, message="not durable")
        return acknowledge(frame, {"response": None})

    async def _card(self, frame: Frame) -> str:
        message = read_card_action(
            self._channel, self._settings, frame.tree(), timestamp=frame.message_id, now=self._clock.now()
        )
        reply, durable = await self._take(message, len(frame.data), CARD_WITHIN)
        if not durable:
            return acknowledge(frame, {"response": {}}, code=FAILED, message="not durable")
        return acknowledge(frame, {"response": card_answer(reply)})

    async def _take(self, message: InboundMessage, size: int, within: timedelta) -> tuple[Body | None, bool]:
        """Give a message in, or keep it; tells the answer and whether it is durable."""
        try:
            return await self._inlet.take(self._channel, Received((message,), reply_deadline=within)), True
        except asyncio.CancelledError:
            self._keep(message, size)
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody delivers this again
            self._note(error)
            self._keep(message, size)
            return None, False

    def _note(self, error: Exception) -> None:
        if isinstance(error, (Unavailable, TimeoutError)):
            log.warning("not_durable", channel=self._channel)
        else:
            log.error("stream_frame_failed", channel=self._channel, exc_info=error)

    def _keep(self, message: InboundMessage, size: int) -> None:
        if len(self._kept) >= KEPT or self._kept_bytes + size > KEPT_BYTES:
            self._lose()
            return
        self._kept.append(_Kept(message, size))
        self._kept_bytes += size

    def _lose(self) -> None:
        self.lost += 1
        log.error("stream_message_lost", channel=self._channel, lost=self.lost)

    async def keep_trying(self) -> None:
        """Give in what was kept, oldest first, until cancelled."""
        while True:
            await self._clock.sleep(AGAIN_SECONDS)
            await self._try_kept()

    async def _try_kept(self) -> None:
        for _ in range(len(self._kept)):
            first = self._kept[0]
            try:
                await self._inlet.take(self._channel, Received((first.message,), reply_deadline=NOTHING_PASSIVE))
            except (Unavailable, TimeoutError):
                return
            except Exception as error:  # noqa: BLE001 - one bad message must not hold up the others
                self._note(error)
                first.failures += 1
                if first.failures < TRIES:
                    self._kept.rotate(-1)
                    continue
                self._lose()
            self._kept.popleft()
            self._kept_bytes -= first.size

    async def settle(self, core: Core) -> None:
        """Record what is still kept, at the stop: the next start works on it."""
        while self._kept:
            try:
                async with asyncio.timeout(STORE_SECONDS):
                    await core.db.run(inbox.record(core, self._kept[0].message))
            except (CrmError, TimeoutError):
                break
            self._kept.popleft()
        for _ in range(len(self._kept)):
            self._lose()
        self._kept.clear()
        self._kept_bytes = 0
