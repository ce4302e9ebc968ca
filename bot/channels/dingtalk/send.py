"""Sending of a DingTalk robot: into a conversation by its reply address while that holds, else by the OpenAPI."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from yarl import URL

from bot.channel import SendReceipt, SendStatus
from bot.channels.dingtalk.answers import robot_message, webhook_message
from bot.channels.dingtalk.custom_robots import PREFIX, find_robot, send_to_group
from bot.channels.dingtalk.outcomes import (
    TOO_MANY,
    code_of,
    is_token_refused,
    needs_admin,
    receipt_of,
    receipts_of_batch,
)
from bot.channels.dingtalk.session_hosts import find_session_url
from bot.channels.dingtalk.settings import Settings
from bot.httpclient import Answer, HttpClient, NotSent, Unanswered
from bot.tokens import Token, TokenError, TokenKeeper, TokenStore
from crm_core.clock import Clock
from crm_core.messages import Body, OutboundMessage

log = structlog.get_logger(__name__)

PAGE = 20
"""People in one one-to-one call (the page of the platform says 20; its error text says 100)."""
_ONE_TO_ONE = "/v1.0/robot/oToMessages/batchSend"
_GROUP = "/v1.0/robot/groupMessages/send"
_ADMIN_PAUSE = timedelta(minutes=10)
_NOT_SENT = SendReceipt(SendStatus.RETRY, "not_sent")


class Sender:
    """What leaves a robot; one token for all of it."""

    def __init__(
        self, name: str, settings: Settings, http: HttpClient, *, clock: Clock, tokens: TokenStore | None = None
    ) -> None:
        self._name = name
        self._settings = settings
        self._http = http
        self._clock = clock
        self.keeper = TokenKeeper(f"dingtalk:{settings.client_id}", self._fetch_token, clock, store=tokens)

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
            robot = find_robot(self._settings.custom_robots, address.external_id)
            if robot is None:
                return SendReceipt(SendStatus.REFUSED, "channel_gone")
            return await send_to_group(robot, message, self._http, clock=self._clock)
        replied = await self._reply(message)
        if replied is None and address.conversation:
            return await self._to_group(message)
        return replied

    async def _reply(self, message: OutboundMessage) -> SendReceipt | None:
        """Answer at the reply address of the message that is answered; None if that is not possible or was refused."""
        url = session_url(message, self._settings.session_hosts, self._clock.now())
        at_user = message.address.external_id if message.address.conversation else ""
        payload = webhook_message(message.body, at_user=at_user)
        if url is None or payload is None:
            return None
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
        if needs_admin(code):
            log.error("channel_needs_admin", channel=self._name, code=code)
        return receipt_of(code, self._clock.now(), external_id=str(fields.get("processQueryKey") or ""))

    async def _post(self, path: str, payload: Mapping[str, object]) -> Answer | SendReceipt:
        async def attempt(token: str) -> Answer:
            headers = {"x-acs-dingtalk-access-token": token}
            return await self._http.post(self._settings.api_base + path, payload, headers=headers)

        try:
            return await self.keeper.call(attempt, is_token_refused)
        except TokenError as error:
            return self._no_token(error)
        except NotSent:
            return _NOT_SENT
        except Unanswered:
            return SendReceipt(SendStatus.UNKNOWN, "no_answer")

    def _no_token(self, error: TokenError) -> SendReceipt:
        if not error.for_admin:
            return SendReceipt(SendStatus.RETRY, f"token_{error.code}")
        log.error("channel_needs_admin", channel=self._name, code=error.code)
        at = self._clock.now() + _ADMIN_PAUSE
        return SendReceipt(SendStatus.RETRY, f"needs_admin_{error.code}", retry_at=at, pause_until=at)

    async def _fetch_token(self, force: bool) -> Token:
        # This platform has no forced refresh; `force` asks the same again.
        settings = self._settings
        payload = {"appKey": settings.client_id, "appSecret": settings.client_secret.reveal()}
        answer = await self._http.post(f"{settings.api_base}/v1.0/oauth2/accessToken", payload)
        code, fields = code_of(answer), answer.json()
        if code is None or fields is None:
            raise TokenError("unreadable_answer")
        value, lasts = fields.get("accessToken"), fields.get("expireIn")
        if code or not value or not isinstance(value, str) or not isinstance(lasts, int):
            raise TokenError(code or "unreadable_answer", for_admin=answer.status in (400, 401, 403))
        return Token(value, self._clock.now() + timedelta(seconds=lasts))


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
