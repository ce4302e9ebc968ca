"""Custom group robots (自定义机器人): they only speak, into one group each; addressed as `robot:NAME`.

The platform takes 20 messages a minute and robot and then blocks that robot for 10 minutes. So each has a limit of its
own: one that must wait holds up neither the others nor the application's messages.
"""

import hashlib
from datetime import timedelta

import structlog

from bot.channel import SendRate, SendReceipt, SendStatus
from bot.channels.dingtalk.answers import webhook_message
from bot.channels.dingtalk.ledger import CallLedger
from bot.channels.dingtalk.messages import ROBOT_PREFIX
from bot.channels.dingtalk.outcomes import BLOCKED, GROUP_TOO_FAST, code_of, receipt_of
from bot.channels.dingtalk.pace import Pace
from bot.channels.dingtalk.settings import CustomRobot
from bot.crypto import sign_dingtalk
from bot.httpclient import Answer, HttpClient, NotSent, Unanswered
from bot.limits import Turn
from crm_core.clock import Clock
from crm_core.errors import CrmError
from crm_core.messages import OutboundMessage
from crm_core.ports import StateStore

log = structlog.get_logger(__name__)

PREFIX = ROBOT_PREFIX
RATE = SendRate(20, 60.0)
PATIENCE_SECONDS = 1.0
"""How long a message waits for its turn; then it makes room for the others and comes again."""
_SAFETY = "310000"
"""One code for four faults; the text tells which."""
_TIME = "robot_time"


class _Voice:
    """When one robot may speak: at its pace, and not while the platform has shut it out."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pace = Pace(RATE, clock)
        self._state: StateStore | None = None
        self._key = ""
        self._blocked_until = 0.0

    def attach(self, key: str, state: StateStore) -> None:
        """Count together with every process that shares the store."""
        self._state, self._key = state, f"{key}:blocked"
        self._pace.attach(key, state)

    async def begin(self) -> Turn | timedelta:
        """Take a turn, or tell how long there is none."""
        blocked = self._blocked_until - self._clock.monotonic()
        if blocked > 0:
            return timedelta(seconds=blocked)
        if self._state is None:
            return await self._pace.begin(0.0)
        if await self._state.get(self._key):
            return timedelta(minutes=1)
        return await self._pace.begin(PATIENCE_SECONDS)

    async def end(self, turn: Turn) -> None:
        """Note that the answer has come."""
        self._pace.end(turn)
        await self._pace.tell()

    async def block(self) -> None:
        """Hear from the platform that this robot is shut out."""
        self._blocked_until = self._clock.monotonic() + BLOCKED.total_seconds()
        if self._state is not None:
            await self._state.set(self._key, "1", lasts=BLOCKED)


class CustomRobots:
    """The custom robots of one channel."""

    def __init__(self, robots: tuple[CustomRobot, ...], http: HttpClient, *, clock: Clock, ledger: CallLedger) -> None:
        self._robots = {robot.name: robot for robot in robots}
        self._http = http
        self._clock = clock
        self._ledger = ledger
        self._voices = {name: _Voice(clock) for name in self._robots}
        self._channel = ""

    def attach(self, channel: str, state: StateStore) -> None:
        """Tell where the minute is counted for every process together."""
        self._channel = channel
        for name, voice in self._voices.items():
            voice.attach(f"{channel}:robot:{hashlib.sha256(name.encode()).hexdigest()[:16]}", state)

    async def send(self, message: OutboundMessage) -> SendReceipt:
        """Send one message; `msgUuid` lets the platform know a repeat, so an unanswered send may be made again."""
        robot = self._robots.get(message.address.external_id.removeprefix(PREFIX))
        if robot is None:
            return SendReceipt(SendStatus.REFUSED, "channel_gone")
        content = webhook_message(message.body)
        if content is None:
            return SendReceipt(SendStatus.REFUSED, "kind_unsupported")
        payload = {**content, "msgUuid": hashlib.sha256(message.key.encode()).hexdigest()[:32]}
        answer = await self._speak(robot, payload)
        if isinstance(answer, Answer) and _fault(answer) == _TIME:
            # Signed anew with the time of now: the first one may have waited in a queue.
            answer = await self._speak(robot, payload)
        return await self._settle(robot, answer) if isinstance(answer, Answer) else answer

    async def _speak(self, robot: CustomRobot, payload: object) -> Answer | SendReceipt:
        voice = self._voices[robot.name]
        try:
            turn = await voice.begin()
        except CrmError:  # the store is away: the others might speak at the same time
            return SendReceipt(SendStatus.RETRY, "not_counted")
        if isinstance(turn, timedelta):
            return SendReceipt(SendStatus.RETRY, "robot_rate", retry_at=self._clock.now() + turn)
        params = {}
        if robot.secret:
            timestamp = str(int(self._clock.now().timestamp() * 1000))
            params = {"timestamp": timestamp, "sign": sign_dingtalk(timestamp, robot.secret)}
        self._ledger.count_beside("robot/send")
        try:
            return await self._http.post(robot.url.reveal(), payload, params=params)
        except NotSent:
            return SendReceipt(SendStatus.RETRY, "not_sent")
        except Unanswered:
            return SendReceipt(SendStatus.RETRY, "no_answer")
        finally:
            await voice.end(turn)

    async def _settle(self, robot: CustomRobot, answer: Answer) -> SendReceipt:
        code, now = code_of(answer), self._clock.now()
        if code is None:
            return SendReceipt(SendStatus.RETRY, "unreadable_answer")
        if code in GROUP_TOO_FAST:
            log.warning("custom_robot_blocked", channel=self._channel, robot=robot.name)
            await self._voices[robot.name].block()
            return SendReceipt(SendStatus.RETRY, "group_blocked", retry_at=now + BLOCKED)
        fault = _fault(answer)
        if fault:
            log.error("channel_needs_admin", channel=self._channel, robot=robot.name, code=fault)
            return SendReceipt(SendStatus.REFUSED, fault)
        return receipt_of(code, now)


def _fault(answer: Answer) -> str:
    """Tell which of the robot's safety settings refused; empty for none of them."""
    if code_of(answer) != _SAFETY:
        return ""
    words = str((answer.json() or {}).get("errmsg", "")).lower()
    if "timestamp" in words:
        return _TIME
    if "keyword" in words or "关键词" in words:
        return "robot_keywords"
    if "sign" in words or "签名" in words:
        return "robot_sign"
    return "robot_ip" if "ip" in words or "白名单" in words else "robot_safety"
