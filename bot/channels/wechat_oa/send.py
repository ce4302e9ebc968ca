"""Sending of an Official Account: customer-service and template messages over one token."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import timedelta

import structlog

from bot.channel import SendReceipt, SendStatus
from bot.channels.wechat_oa.answers import TEXT_BYTES
from bot.channels.wechat_oa.outcomes import ADMIN_NEEDED, receipt_of
from bot.channels.wechat_oa.settings import Settings
from bot.cutting import cut_text
from bot.httpclient import MAX_ANSWER_BYTES, Answer, HttpClient, NotSent, Unanswered, Upload
from bot.platform_result import is_token_refused, read_result, read_token
from bot.tokens import Token, TokenError, TokenKeeper, TokenStore
from crm_core.clock import Clock
from crm_core.messages import Body, Kind, OutboundMessage

log = structlog.get_logger(__name__)

_NEWS_ARTICLES = 1
_KEYED_ATTEMPTS = 6
"""With the pauses below the last repeat of a template message leaves within 2 min of the first one: its key
holds for 10 min only."""
_ADMIN_PAUSE = timedelta(minutes=10)


class Sender:
    """What leaves an account by API; one token for all of it."""

    def __init__(
        self, name: str, settings: Settings, http: HttpClient, *, clock: Clock, tokens: TokenStore | None = None
    ) -> None:
        self._name = name
        self._settings = settings
        self._http = http
        self._clock = clock
        self.keeper = TokenKeeper(f"wechat_oa:{settings.app_id}", self._fetch_token, clock, store=tokens)

    async def send(self, message: OutboundMessage) -> SendReceipt:
        """Send one message; never raises for what the platform or the network does."""
        path, write = _WAYS.get(message.body.kind, _CUSTOM)
        payload = write(message)
        if payload is None:
            return SendReceipt(SendStatus.REFUSED, "kind_unsupported")
        try:
            answer = await self.request("post", path, payload=payload)
        except TokenError as error:
            return self.no_token(error)
        except NotSent:
            return SendReceipt(SendStatus.RETRY, "not_sent")
        except Unanswered:
            return self._unknown(message, "no_answer")
        result = read_result(answer)
        if result is None:
            return self._unknown(message, "unreadable_answer")
        self.alert(result.errcode)
        return receipt_of(result, self._clock.now())

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        payload: object = None,
        upload: Upload | None = None,
        max_bytes: int = MAX_ANSWER_BYTES,
    ) -> Answer:
        """Call the API with the token, replaced once if it is refused.

        Raises: TokenError; NotSent; Unanswered.
        """
        url = self._settings.api_base + path

        async def attempt(token: str) -> Answer:
            query = {**(params or {}), "access_token": token}
            if method == "get":
                return await self._http.get(url, params=query, max_bytes=max_bytes)
            return await self._http.post(url, payload, params=query, upload=upload)

        return await self.keeper.call(attempt, is_token_refused)

    async def _fetch_token(self, force: bool) -> Token:
        payload = {
            "grant_type": "client_credential",
            "appid": self._settings.app_id,
            "secret": self._settings.app_secret.reveal(),
            "force_refresh": force,
        }
        answer = await self._http.post(f"{self._settings.api_base}/cgi-bin/stable_token", payload)
        return read_token(answer, self._clock.now(), ADMIN_NEEDED)

    def alert(self, errcode: int) -> None:
        """Write into the log what only an admin can mend."""
        if errcode in ADMIN_NEEDED:
            log.error("channel_needs_admin", channel=self._name, errcode=errcode)

    def no_token(self, error: TokenError) -> SendReceipt:
        """Say what becomes of a send for which no token could be had."""
        if not error.for_admin:
            return SendReceipt(SendStatus.RETRY, f"token_{error.code}")
        log.error("channel_needs_admin", channel=self._name, code=error.code)
        at = self._clock.now() + _ADMIN_PAUSE
        return SendReceipt(SendStatus.RETRY, f"needs_admin_{error.code}", retry_at=at, pause_until=at)

    def _unknown(self, message: OutboundMessage, reason: str) -> SendReceipt:
        if message.body.kind is not Kind.TEMPLATE or message.attempt >= _KEYED_ATTEMPTS:
            return SendReceipt(SendStatus.UNKNOWN, reason)
        # The platform knows the key of a template message, so the same call again cannot send it twice.
        pause = timedelta(seconds=2**message.attempt)
        return SendReceipt(SendStatus.RETRY, reason, retry_at=self._clock.now() + pause)


def customer_payload(message: OutboundMessage) -> dict[str, object] | None:
    """Give the customer-service message of a body; None if it has nothing such a message can hold."""
    content = _customer_content(message.body)
    if content is None:
        return None
    word, inner = content
    return {"touser": message.address.external_id, "msgtype": word, word: inner}


def _customer_content(body: Body) -> tuple[str, dict[str, object]] | None:
    if body.kind is Kind.IMAGE and body.media_id:
        return "image", {"media_id": body.media_id}
    if body.kind is Kind.VOICE and body.media_id:
        return "voice", {"media_id": body.media_id}
    if body.kind is Kind.NEWS and body.articles:
        articles = [
            {"title": one.title, "description": one.description, "url": one.url, "picurl": one.picture_url}
            for one in body.articles[:_NEWS_ARTICLES]
        ]
        return "news", {"articles": articles}
    return ("text", {"content": cut_text(body.text, TEXT_BYTES)}) if body.text else None


def template_payload(message: OutboundMessage) -> dict[str, object] | None:
    """Give the template message of a body; `client_msg_id` makes a repeat within 10 min harmless."""
    body = message.body
    if not body.template_id:
        return None
    payload: dict[str, object] = {
        "touser": message.address.external_id,
        "template_id": body.template_id,
        "client_msg_id": hashlib.sha256(message.key.encode()).hexdigest()[:32],
        "data": {name: {"value": value} for name, value in body.template_data.items()},
    }
    return payload | {"url": body.url} if body.url else payload


def notice_payload(message: OutboundMessage) -> dict[str, object] | None:
    """Give the subscription notice of a body; `url` is a web page, or a page of a mini program as `APPID/PAGE`."""
    body = message.body
    if not body.template_id:
        return None
    payload: dict[str, object] = {
        "touser": message.address.external_id,
        "template_id": body.template_id,
        "data": {name: {"value": value} for name, value in body.template_data.items()},
    }
    if body.url.startswith(("https://", "http://")):
        payload["page"] = body.url
    elif body.url:
        app_id, _, page = body.url.partition("/")
        payload["miniprogram"] = {"appid": app_id, "pagepath": page}
    return payload


_Way = tuple[str, Callable[[OutboundMessage], dict[str, object] | None]]
_CUSTOM: _Way = ("/cgi-bin/message/custom/send", customer_payload)
_WAYS: Mapping[Kind, _Way] = {
    Kind.TEMPLATE: ("/cgi-bin/message/template/send", template_payload),
    Kind.NOTICE: ("/cgi-bin/message/subscribe/bizsend", notice_payload),
}
