"""Carries robot messages and events to the callback, and reads what comes back.

Robot messages are sent once and never repeated. Events expect the encrypted word success.
"""

import json
import secrets
import time
from dataclasses import dataclass

import aiohttp

from bot.simulator.accounts import DingTalkApp, SimulatorOptions
from bot.simulator.calls import Refused
from bot.simulator.clock import SimClock
from bot.simulator.dingtalk.messages import read_webhook
from bot.simulator.envelope import Envelope, EnvelopeError, robot_sign
from bot.simulator.records import Json


@dataclass(frozen=True, slots=True)
class Push:
    """One push and what came back."""

    body: Json
    status: int | None  # None: no answer in time, or no connection
    answer: bytes
    seconds: float
    kind: str = "none"  # msgtype of a message in the answer, or none
    text: str = ""
    problem: str = ""

    @property
    def message_id(self) -> str:
        """The msgId, empty for events."""
        return str(self.body.get("msgId", ""))


class Pusher:
    """Sends to one callback address."""

    def __init__(self, app: DingTalkApp, options: SimulatorOptions, clock: SimClock) -> None:
        self.app = app
        self.callback_url = ""
        self.session: aiohttp.ClientSession | None = None
        self._options = options
        self._clock = clock

    async def push_message(self, body: Json) -> Push:
        """Send a robot message with its header sign."""
        timestamp = str(int(self._clock.stamp() * 1000))
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "timestamp": timestamp,
            "sign": robot_sign(timestamp, self.app.client_secret),
        }
        data = json.dumps(body, ensure_ascii=False).encode()
        push = await self._post(body, data, headers, {}, self._options.push_timeout_seconds)
        return _read_message(push)

    async def push_event(self, body: Json) -> Push:
        """Send an event of the subscription, encrypted; `text` becomes the decrypted answer."""
        envelope = Envelope(self.app.event_token, self.app.event_aes_key, self.app.client_id)
        timestamp, nonce = str(int(self._clock.stamp() * 1000)), secrets.token_urlsafe(6)
        encrypted = envelope.encrypt(json.dumps(body, ensure_ascii=False).encode())
        sign = envelope.sign(timestamp, nonce, encrypted)
        query = {"msg_signature": sign, "signature": sign, "timestamp": timestamp, "nonce": nonce}
        data = json.dumps({"encrypt": encrypted}).encode()
        headers = {"Content-Type": "application/json"}
        push = await self._post(body, data, headers, query, self._options.event_timeout_seconds)
        return _read_event(push, envelope)

    async def _post(self, body: Json, data: bytes, headers: dict[str, str], query: dict[str, str], timeout: float) -> Push:
        if self.session is None:
            raise RuntimeError("the simulator is not started")
        limit = aiohttp.ClientTimeout(total=timeout)
        started = time.monotonic()
        try:
            async with self.session.post(
                self.callback_url, params=query, data=data, headers=headers, timeout=limit, allow_redirects=False
            ) as response:
                return Push(body, response.status, await response.read(), time.monotonic() - started)
        except (aiohttp.ClientError, TimeoutError) as error:
            return Push(body, None, b"", time.monotonic() - started, problem=type(error).__name__)


def _read_message(push: Push) -> Push:
    if push.status is None:
        return push
    if push.status != 200:
        return _with(push, problem=f"status {push.status}")
    if not push.answer.strip():
        return push
    try:
        fields = json.loads(push.answer)
    except ValueError:
        return _with(push, problem="the answer is no JSON")
    if not isinstance(fields, dict) or fields.get("msgtype") in (None, "empty"):
        return push
    try:
        kind, text = read_webhook(fields)
    except Refused as refusal:
        return _with(push, problem=str(refusal.answer))
    return _with(push, kind=kind, text=text)


def _read_event(push: Push, envelope: Envelope) -> Push:
    if push.status != 200:
        return push if push.status is None else _with(push, problem=f"status {push.status}")
    try:
        fields = json.loads(push.answer)
        encrypted, timestamp, nonce = str(fields["encrypt"]), str(fields["timeStamp"]), str(fields["nonce"])
        if envelope.sign(timestamp, nonce, encrypted) != fields["msg_signature"]:
            return _with(push, problem="wrong msg_signature")
        text = envelope.decrypt(encrypted).decode()
    except (ValueError, KeyError, TypeError, EnvelopeError) as error:
        return _with(push, problem=f"{type(error).__name__}: {error}")
    return _with(push, text=text, problem="" if text == "success" else "the answer is not success")


def _with(push: Push, *, kind: str = "none", text: str = "", problem: str = "") -> Push:
    return Push(push.body, push.status, push.answer, push.seconds, kind, text, problem)
