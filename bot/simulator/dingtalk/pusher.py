"""Carries robot messages, events and pressed buttons to callbacks, and reads what comes back.

Robot messages are sent once and never repeated. Events expect the encrypted word success.
Source: protocols.md sections 4.1, 4.4 and, for cards, 4.5.
"""

import json
import secrets
import time
from dataclasses import dataclass, replace

import aiohttp

from bot.simulator.accounts import DingTalkApp, SimulatorOptions
from bot.simulator.calls import Refused
from bot.simulator.clock import SimClock
from bot.simulator.dingtalk.messages import read_webhook
from bot.simulator.envelope import Envelope, EnvelopeError, hmac_base64, robot_sign
from bot.simulator.records import Json

NO_CALLBACK = "no callback"


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
    via: str = "http"  # or stream

    @property
    def message_id(self) -> str:
        """The msgId, empty for events."""
        return str(self.body.get("msgId", ""))

    def explained(self, problem: str) -> "Push":
        """Give the same push with a problem, or without."""
        return replace(self, problem=problem)


class Pusher:
    """Sends to one callback address."""

    def __init__(self, app: DingTalkApp, options: SimulatorOptions, clock: SimClock) -> None:
        self.app = app
        self.callback_url = ""
        self.own_events_url = ""  # empty: events go where robot messages go
        self.session: aiohttp.ClientSession | None = None
        self._options = options
        self._clock = clock

    @property
    def events_url(self) -> str:
        """Where events go."""
        return self.own_events_url or self.callback_url

    async def push_message(self, body: Json) -> Push:
        """Send a robot message with its header sign."""
        timestamp = str(int(self._clock.stamp() * 1000))
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "timestamp": timestamp,
            "sign": robot_sign(timestamp, self.app.client_secret),
        }
        data = json.dumps(body, ensure_ascii=False).encode()
        push = await self._post(self.callback_url, body, data, headers, {}, self._options.push_timeout_seconds)
        return _read_message(push)

    async def push_card(self, url: str, api_secret: str, body: Json, timeout: float) -> Push:
        """Send a pressed button, signed over the timestamp alone; the answer is left to the card."""
        timestamp = str(int(self._clock.stamp() * 1000))
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "x-ddpaas-signature-timestamp": timestamp,
            "x-ddpaas-signature": hmac_base64(api_secret, timestamp),
        }
        data = json.dumps(body, ensure_ascii=False).encode()
        return await self._post(url, body, data, headers, {}, timeout)

    async def push_event(self, body: Json, url: str | None = None) -> Push:
        """Send an event of the subscription, encrypted; `text` becomes the decrypted answer."""
        envelope = Envelope(self.app.event_token, self.app.event_aes_key, self.app.client_id)
        timestamp, nonce = str(int(self._clock.stamp() * 1000)), secrets.token_urlsafe(6)
        encrypted = envelope.encrypt(json.dumps(body, ensure_ascii=False).encode())
        sign = envelope.sign(timestamp, nonce, encrypted)
        query = {"msg_signature": sign, "signature": sign, "timestamp": timestamp, "nonce": nonce}
        data = json.dumps({"encrypt": encrypted}).encode()
        headers = {"Content-Type": "application/json"}
        push = await self._post(url or self.events_url, body, data, headers, query, self._options.event_timeout_seconds)
        return _read_event(push, envelope)

    async def _post(
        self, url: str, body: Json, data: bytes, headers: dict[str, str], query: dict[str, str], timeout: float
    ) -> Push:
        if self.session is None:
            raise RuntimeError("the simulator is not started")
        limit = aiohttp.ClientTimeout(total=timeout)
        started = time.monotonic()
        try:
            async with self.session.post(
                url, params=query, data=data, headers=headers, timeout=limit, allow_redirects=False
            ) as response:
                return Push(body, response.status, await response.read(), time.monotonic() - started)
        except (aiohttp.ClientError, TimeoutError) as error:
            return Push(body, None, b"", time.monotonic() - started, problem=type(error).__name__)


def _read_message(push: Push) -> Push:
    if push.status is None:
        return push
    if push.status != 200:
        return push.explained(f"status {push.status}")
    if not push.answer.strip():
        return push
    try:
        fields = json.loads(push.answer)
    except ValueError:
        return push.explained("the answer is no JSON")
    if not isinstance(fields, dict) or fields.get("msgtype") in (None, "empty"):
        return push
    try:
        kind, text = read_webhook(fields)
    except Refused as refusal:
        return push.explained(str(refusal.answer))
    return replace(push, kind=kind, text=text)


def _read_event(push: Push, envelope: Envelope) -> Push:
    if push.status != 200:
        return push if push.status is None else push.explained(f"status {push.status}")
    try:
        fields = json.loads(push.answer)
        encrypted, timestamp, nonce = str(fields["encrypt"]), str(fields["timeStamp"]), str(fields["nonce"])
        if envelope.sign(timestamp, nonce, encrypted) != fields["msg_signature"]:
            return push.explained("wrong msg_signature")
        text = envelope.decrypt(encrypted).decode()
    except (ValueError, KeyError, TypeError, EnvelopeError) as error:
        return push.explained(f"{type(error).__name__}: {error}")
    return replace(push, text=text, problem="" if text == "success" else "the answer is not success")
