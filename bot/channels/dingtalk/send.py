"""Sending of a DingTalk robot: into a conversation by its reply address while that holds, else by the OpenAPI."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog
from yarl import URL

from bot.channel import SendReceipt, SendStatus
from bot.channels.dingtalk import cards
from bot.channels.dingtalk.answers import robot_message, webhook_message
from bot.channels.dingtalk.api import Api, receipt_of_failure
from bot.channels.dingtalk.cards import Cards
from bot.channels.dingtalk.custom_robots import PREFIX, CustomRobots
from bot.channels.dingtalk.outcomes import TOO_MANY, code_of, receipt_of, receipts_of_batch
from bot.channels.dingtalk.session_hosts import find_session_url
from bot.channels.dingtalk.settings import Settings
from bot.channels.dingtalk.tracks import read_track
from bot.httpclient import Answer, HttpClient, HttpError, NotSent, Unanswered
from bot.tokens import TokenError
from crm_core.clock import Clock
from crm_core.messages import Body, OutboundMessage

log = structlog.get_logger(__name__)

PAGE = 20
"""People in one one-to-one call (the page of the platform says 20; its error text says 100)."""
_ONE_TO_ONE = "/v1.0/robot/oToMessages/batchSend"
_GROUP = "/v1.0/robot/groupMessages/send"


class Sender:
    """What leaves a robot."""

    def __init__(self, name: str, settings: Settings, http: HttpClient, api: Api, *, clock: Clock) -> None:
        self._name = name
        self._settings = settings
        self._http = http
        self._clock = clock
        self._api = api
        self.cards = Cards(name, settings, api, clock)
        self.robots = CustomRobots(settings.custom_robots, http, clock=clock, ledger=api.ledger)

    async def send(self, messages: Sequence[OutboundMessage]) -> list[SendReceipt]:
        """Send messages of one body; those to single people go together, up to a page a call."""
        receipts: dict[int, SendReceipt] = {}
        people: list[int] = []
        for index, message in enumerate(messages):
            direct = await self._send_alone(message)
            if direct is None:
                people.append(index)
            else:
                receipts[index] = direct
        for start in range(0, len(people), PAGE):
            page = people[start : start + PAGE]
            sent = await self._to_people(messages[0].body, [messages[index].address.external_id for index in page])
            receipts.update(zip(page, sent, strict=True))
        return [receipts[index] for index in range(len(messages))]

    async def _send_alone(self, message: OutboundMessage) -> SendReceipt | None:
        """Send what goes to one place by a call of its own; None for what is left to a page of people."""
        address = message.address
        if address.external_id.startswith(PREFIX):
            return await self.robots.send(message)
        carded = await self._as_card(message)
        if carded is not None:
            return carded
        replied = await self._reply(message)
        if replied is None and address.conversation:
            return await self._to_group(message)
        return replied

    async def _as_card(self, message: OutboundMessage) -> SendReceipt | None:
        """Send by a card, or change the one whose press is answered; None when it is to go as words."""
        track = message.reply_data.get("out_track_id")
        if isinstance(track, str) and read_track(track):
            return await self.cards.update(track, message.body)
        return await self.cards.deliver(message) if cards.fits(self._settings, message.body) else None

    async def _reply(self, message: OutboundMessage) -> SendReceipt | None:
        """Answer at the reply address of the message that is answered; None if that is not possible or was refused."""
        url = session_url(message, self._settings.session_hosts, self._clock.now())
        at_user = message.address.external_id if message.address.conversation else ""
        payload = webhook_message(message.body, at_user=at_user)
        if url is None or payload is None:
            return None
        self._api.ledger.count("robot/sendBySession")
        try:
            answer = await self._http.post(url, payload)
        except NotSent:
            return None
        except Unanswered:
            return SendReceipt(SendStatus.UNKNOWN, "no_answer")
        code = code_of(answer)
        if code is None:
            return SendReceipt(SendStatus.UNKNOWN, "unreadable_answer")
        # The code of an expired address is documented nowhere, so every refusal falls back to the OpenAPI.
        return receipt_of("", self._clock.now()) if not code else None

    async def _to_group(self, message: OutboundMessage) -> SendReceipt:
        content = robot_message(message.body)
        if content is None:
            return SendReceipt(SendStatus.REFUSED, "kind_unsupported")
        payload = {"robotCode": self._settings.robot, "openConversationId": message.address.conversation, **content}
        answer = await self._post(_GROUP, payload)
        return answer if isinstance(answer, SendReceipt) else self._settle(answer)

    async def _to_people(self, body: Body, users: list[str]) -> list[SendReceipt]:
        content = robot_message(body)
        if content is None:
            return [SendReceipt(SendStatus.REFUSED, "kind_unsupported")] * len(users)
        # Twice the same person in one call is once to the platform, so it is named once.
        payload = {"robotCode": self._settings.robot, "userIds": list(dict.fromkeys(users)), **content}
        answer = await self._post(_ONE_TO_ONE, payload)
        if isinstance(answer, SendReceipt):
            return [answer] * len(users)
        code = code_of(answer)
        if code in TOO_MANY and len(users) > 1:
            half = len(users) // 2
            return await self._to_people(body, users[:half]) + await self._to_people(body, users[half:])
        if code:
            return [self._settle(answer)] * len(users)
        fields = answer.json()
        if code is None or fields is None:
            return [SendReceipt(SendStatus.UNKNOWN, "unreadable_answer")] * len(users)
        return receipts_of_batch(fields, users, self._clock.now())

    def _settle(self, answer: Answer) -> SendReceipt:
        code, fields = code_of(answer), answer.json()
        if code is None or fields is None:
            return SendReceipt(SendStatus.UNKNOWN, "unreadable_answer")
        return receipt_of(code, self._clock.now(), external_id=str(fields.get("processQueryKey") or ""))

    async def _post(self, path: str, payload: Mapping[str, object]) -> Answer | SendReceipt:
        try:
            return await self._api.post(path, payload)
        except (TokenError, HttpError) as error:
            return receipt_of_failure(error, channel=self._name, now=self._clock.now())


def session_url(message: OutboundMessage, hosts: tuple[str, ...], now: datetime) -> URL | None:
    """Give the reply address of the answered message if it may still be used for this one.

    An answer meant for one person never goes out through the address of a group.
    """
    data = message.reply_data
    url = find_session_url(data.get("session_webhook"), hosts)
    expires_at = data.get("session_webhook_expires_at")
    if url is None or not isinstance(expires_at, str) or datetime.fromisoformat(expires_at) <= now:
        return None
    came_from = data.get("conversation_id") if data.get("conversation_type") == "group" else ""
    return url if came_from == message.address.conversation else None
