"""The simulated customer-service account in one object: customers come and write, agents answer, events are pushed.

A push only says that there is something; the product has to fetch it with `sync_msg`.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bot.simulator.accounts import SimulatorOptions, WeComCorp
from bot.simulator.calls import Handler
from bot.simulator.clock import SimClock
from bot.simulator.documents import Document, Fields
from bot.simulator.envelope import Envelope
from bot.simulator.pusher import Pusher
from bot.simulator.records import ChatEntry, Records
from bot.simulator.replies import NOTHING
from bot.simulator.tasks import Tasks
from bot.simulator.wecom.documents import HANDSHAKE_SECONDS, make_document, make_handshake
from bot.simulator.wecom.limits import Limits
from bot.simulator.wecom.tokens import Tokens
from bot.simulator.wecom_kf.api import KfApi
from bot.simulator.wecom_kf.state import (
    ENDED,
    PLATFORM,
    QUICK_CODE_SECONDS,
    SERVED,
    SLOW_CODE_SECONDS,
    WINDOW_SECONDS,
    KfState,
)

ARMED, RESTING = 1, 2
"""What a servicer's status change says: takes customers, or rests."""
TAKEN_OVER, HANDED_ON, FINISHED, REOPENED = 1, 2, 3, 4
"""What happened to a session."""


@dataclass(slots=True)
class KfPush:
    """One event push with its attempts."""

    token: str
    statuses: list[int | None] = field(default_factory=list)
    body: bytes = b""

    @property
    def accepted(self) -> bool:
        """Tell whether it was answered with 200."""
        return bool(self.statuses) and self.statuses[-1] == 200


class KfPlatform:
    """Customers of one account, its events and its API."""

    def __init__(
        self,
        corp: WeComCorp,
        options: SimulatorOptions,
        clock: SimClock,
        records: Records,
        *,
        tasks: Tasks,
        tokens: Tokens,
        limits: Limits,
    ) -> None:
        self.corp = corp
        self.pusher = Pusher(options, clock, write=self._write, read=lambda *_: NOTHING)
        self.pushes_events = True  # False: the platform loses every event, so that only a poll finds what came
        self.state = KfState(corp, options, clock, records, tokens, limits)
        self.state.emit = self.push_later
        self.api = KfApi(self.state)
        self._tasks = tasks

    @property
    def callback_url(self) -> str:
        """Where pushes go; empty: they are only noted."""
        return self.pusher.callback_url

    @callback_url.setter
    def callback_url(self, url: str) -> None:
        self.pusher.callback_url = url

    def routes(self) -> dict[str, Handler]:
        """Name all paths of the API."""
        return self.api.routes()

    def open(self, session: aiohttp.ClientSession) -> None:
        """Give the platform its way out."""
        self.pusher.session = session

    def make_person(self) -> str:
        """Make up the id of a new customer."""
        return f"wmSim{secrets.token_urlsafe(27)}"[:32]

    async def handshake(self) -> bool:
        """Verify the callback address, as saving it in the console does."""
        query, expected = make_handshake(self._envelope(), self.state.clock.stamp())
        return await self.pusher.verify(query, expected, within=HANDSHAKE_SECONDS)

    async def customer_enters(self, person: str, scene: str = "", scene_param: str = "", *, ago_seconds: float = 0.0) -> KfPush:
        """Open the chat; gives a welcome code to somebody who was not here within 48 hours."""
        state = self.state
        customer, now = state.customer(person), state.clock.seconds()
        last = max(customer.entered_at or 0.0, customer.wrote_at or 0.0)
        event: dict[str, Any] = {"event_type": "enter_session", "scene": scene, "scene_param": scene_param}
        if now - last >= WINDOW_SECONDS:
            event["welcome_code"] = state.make_code(person, QUICK_CODE_SECONDS - ago_seconds, "text", "msgmenu")
        customer.entered_at = now
        return await self._event(person, event, ago_seconds=ago_seconds)

    async def customer_sends(
        self, person: str, text: str = "", *, ago_seconds: float = 0.0, push: bool = True, **fields: Any
    ) -> KfPush:
        """Write a text, or anything else: `msgtype="image", image={...}`."""
        self.state.wrote(person, ago_seconds=ago_seconds)
        item = {"origin": 3, "msgtype": "text", "text": {"content": text}} if not fields else {"origin": 3, **fields}
        msgid = self._append(person, item, ago_seconds=ago_seconds)
        kind = str(item["msgtype"])
        self.state.records.wrote(PLATFORM, person, kind, text, msgid, item)
        return await self._push() if push else KfPush("")

    async def crowd_sends(self, people: Sequence[str], text: str) -> KfPush:
        """Let each of many customers write the same, and tell of it once."""
        for person in people:
            await self.customer_sends(person, text, push=False)
        return await self._push()

    async def agent_sends(self, person: str, text: str, servicer: str = "kefu-li") -> KfPush:
        """Let a human agent answer in the WeCom client."""
        item = {"origin": 5, "servicer_userid": servicer, "msgtype": "text", "text": {"content": text}}
        self._append(person, item)
        return await self._push()

    async def agent_takes_over(self, person: str, servicer: str = "kefu-li") -> KfPush:
        """Give the customer to a human agent."""
        customer = self.state.customer(person)
        customer.state, customer.servicer = SERVED, servicer
        code = self.state.make_code(person, SLOW_CODE_SECONDS, "text")
        event = {"change_type": TAKEN_OVER, "old_servicer_userid": "", "new_servicer_userid": servicer, "msg_code": code}
        return await self._event(person, {"event_type": "session_status_change", **event})

    async def end_session(self, person: str, servicer: str = "kefu-li") -> KfPush:
        """End the session; a last message may be sent with the code."""
        customer = self.state.customer(person)
        customer.state, customer.servicer = ENDED, ""
        code = self.state.make_code(person, QUICK_CODE_SECONDS, "text", "msgmenu")
        event = {"change_type": FINISHED, "old_servicer_userid": servicer, "new_servicer_userid": "", "msg_code": code}
        return await self._event(person, {"event_type": "session_status_change", **event})

    async def servicer_changes(self, servicer: str, status: int = RESTING) -> KfPush:
        """Let an agent stop or begin to take customers; concerns no customer."""
        item = {"event_type": "servicer_status_change", "servicer_userid": servicer, "status": status}
        return await self._event("", item)

    async def customer_recalls(self, person: str, msgid: str) -> KfPush:
        """Take a message back."""
        return await self._event(person, {"event_type": "user_recall_msg", "recall_msgid": msgid})

    async def customer_switches(self, person: str, reject: bool) -> KfPush:
        """Refuse or allow messages again."""
        item = {"event_type": "reject_customer_msg_switch_change", "reject_switch": int(reject)}
        return await self._event(person, item)

    def fail_next_send(self, fail_type: int = 4) -> None:
        """Accept the next message, not deliver it, and tell so by an event later."""
        self.state.fail_types.append(fail_type)

    async def push_event(self) -> KfPush:
        """Push an event although nothing new may be there."""
        return await self._push()

    def chat(self, person: str) -> list[ChatEntry]:
        """List a customer's whole chat."""
        return self.state.records.chat(PLATFORM, person)

    def received(self, person: str) -> list[ChatEntry]:
        """List what a customer received."""
        return self.state.records.received(PLATFORM, person)

    def doubles(self) -> dict[str, int]:
        """Tell who received the same message more than once."""
        return self.state.records.find_doubles(PLATFORM)

    def _append(self, person: str, item: dict[str, Any], *, ago_seconds: float = 0.0) -> str:
        head = {"open_kfid": self.corp.open_kfid, "external_userid": person}
        return self.state.append({**head, **item}, ago_seconds=ago_seconds)

    async def _event(self, person: str, event: dict[str, Any], *, ago_seconds: float = 0.0) -> KfPush:
        # The account and the customer stand inside the event, not on the item.
        inner = {"open_kfid": self.corp.open_kfid, **({"external_userid": person} if person else {}), **event}
        self.state.append({"origin": 4, "msgtype": "event", "event": inner}, ago_seconds=ago_seconds)
        return await self._push()

    async def _push(self) -> KfPush:
        if not self.callback_url or not self.pushes_events:
            return KfPush("")
        token = self.state.make_event_token()
        fields: Fields = {
            "ToUserName": self.corp.corp_id,
            "CreateTime": int(self.state.clock.stamp()),
            "MsgType": "event",
            "Event": "kf_msg_or_event",
            "Token": token,
            "OpenKfId": self.corp.open_kfid,
        }
        delivery = await self.pusher.push(fields)
        push = KfPush(token, delivery.statuses, delivery.attempts[-1].body)
        if push.accepted and push.body:
            self.state.records.complain("kf event", "the answer to an event is not empty")
        return push

    def push_later(self) -> None:
        """Push an event in the background."""
        self._tasks.spawn(self._push(), "push kf_msg_or_event")

    def _write(self, fields: Fields, stamp: float) -> Document:
        return make_document(self._envelope(), fields, stamp)

    def _envelope(self) -> Envelope:
        return Envelope(self.corp.kf_token, self.corp.kf_aes_key, self.corp.corp_id)
