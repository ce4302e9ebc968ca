"""Sending of a customer-service account: messages within the customer's window, and the one message an event allows.

Every send carries a `msgid` made from the message itself, so that a repeat cannot arrive twice. An accepted message is not
delivered yet: the event msg_send_fail takes it back.
"""

import hashlib
import secrets
from datetime import datetime, timedelta

import structlog

from bot.channel import SendReceipt, SendStatus
from bot.channels.wecom_kf.calls import KF, KfCalls
from bot.channels.wecom_kf.outcomes import FOR_ADMIN, SESSION_REFUSED, is_unlisted, receipt_of, speaks_of_our_key
from bot.channels.wecom_kf.settings import Settings
from bot.cutting import cut_text
from bot.httpclient import HttpError, NotSent
from bot.platform_result import Result
from bot.tokens import TokenError
from crm_core.clock import Clock
from crm_core.messages import Body, Kind, OutboundMessage

log = structlog.get_logger(__name__)

TEXT_BYTES = 2048
_TITLE_BYTES = 128
_DESCRIPTION_BYTES = 512
_ADMIN_PAUSE = timedelta(minutes=10)
_REMEMBERED = 20_000
"""Sends whose key is remembered, for the event that takes one back before it was settled."""
_MEDIA = {Kind.IMAGE: "image", Kind.VOICE: "voice", Kind.VIDEO: "video", Kind.FILE: "file"}


class Sender:
    """What leaves one account."""

    def __init__(self, name: str, settings: Settings, calls: KfCalls, clock: Clock) -> None:
        self._name = name
        self._settings = settings
        self._calls = calls
        self._clock = clock
        self._keys: dict[str, str] = {}
        self._in_doubt: set[str] = set()

    def key_of(self, msgid: str) -> str:
        """Tell the key of a message sent lately with this msgid; "" when it is not known (any more)."""
        return self._keys.get(msgid, "")

    async def send(self, message: OutboundMessage) -> SendReceipt:
        """Send one message; never raises for what the platform or the network does."""
        now = self._clock.now()
        payload = self._payload(message)
        if payload is None:
            return SendReceipt(SendStatus.REFUSED, "kind_unsupported")
        msgid = msgid_of(message)
        self._remember(msgid, message.key)
        path = f"{KF}/send_msg_on_event" if "code" in payload else f"{KF}/send_msg"
        try:
            result = await self._post(path, payload, msgid, person=message.address.external_id)
            if message.attempt == 1 and result and speaks_of_our_key(result) and msgid not in self._in_doubt:
                # Never tried before, so another database of this account used the id.
                msgid = secrets.token_hex(16)
                self._remember(msgid, message.key)
                result = await self._post(path, payload, msgid, person=message.address.external_id)
        except TokenError as error:
            return self._no_token(error, now)
        except NotSent:
            return SendReceipt(SendStatus.RETRY, "not_sent")
        except HttpError:
            return self._unanswered(msgid, "no_answer")
        if result is None:
            return self._unanswered(msgid, "unreadable_answer")
        return self._receipt(message, result, msgid)

    def _payload(self, message: OutboundMessage) -> dict[str, object] | None:
        content = body_content(message.body)
        if content is None:
            return None
        word, inner = content
        code = message.reply_data.get("code")
        if code:
            # A code allows text alone (and menus); the words say the rest.
            said = cut_text(message.body.text, TEXT_BYTES)
            return {"code": code, "msgtype": "text", "text": {"content": said}} if said else None
        head = {"touser": message.address.external_id, "open_kfid": self._settings.open_kfid}
        return {**head, "msgtype": word, word: inner}

    async def _post(self, path: str, payload: dict[str, object], msgid: str, *, person: str) -> Result | None:
        full = {**payload, "msgid": msgid}
        result = await self._calls.post(path, full)
        refused = result is not None and result.errcode in SESSION_REFUSED
        if refused and "touser" in payload and await self._calls.give_to_assistant(person):
            return await self._calls.post(path, full)
        return result

    def _receipt(self, message: OutboundMessage, result: Result, msgid: str) -> SendReceipt:
        receipt = receipt_of(result, self._clock.now(), attempt=message.attempt)
        if result.errcode in FOR_ADMIN:
            log.error("channel_needs_admin", channel=self._name, errcode=result.errcode)
        if receipt.status is SendStatus.SENT:
            told = receipt.external_id or msgid
            self._remember(told, message.key)
            receipt = SendReceipt(SendStatus.SENT, external_id=told)
        elif speaks_of_our_key(result) or (msgid in self._in_doubt and self._may_have_arrived(message, receipt)):
            receipt = SendReceipt(SendStatus.SENT, "repeated_key", external_id=msgid)
        if receipt.status is not SendStatus.RETRY:
            self._in_doubt.discard(msgid)
        return receipt

    def _may_have_arrived(self, message: OutboundMessage, receipt: SendReceipt) -> bool:
        # After a send without an answer, a refusal that nobody lists is the one of a repeated msgid or a used code.
        return is_unlisted(receipt) or ("code" in message.reply_data and receipt.reason == "bad_argument")

    def _unanswered(self, msgid: str, reason: str) -> SendReceipt:
        if len(self._in_doubt) < _REMEMBERED:
            self._in_doubt.add(msgid)
        return SendReceipt(SendStatus.UNKNOWN, reason)

    def _no_token(self, error: TokenError, now: datetime) -> SendReceipt:
        if not error.for_admin:
            return SendReceipt(SendStatus.RETRY, f"token_{error.code}")
        log.error("channel_needs_admin", channel=self._name, code=error.code)
        at = now + _ADMIN_PAUSE
        return SendReceipt(SendStatus.RETRY, f"needs_admin_{error.code}", retry_at=at, pause_until=at)

    def _remember(self, msgid: str, key: str) -> None:
        self._keys[msgid] = key
        if len(self._keys) > _REMEMBERED:
            del self._keys[next(iter(self._keys))]


def msgid_of(message: OutboundMessage) -> str:
    """Give the platform's id of a message: the same for every try, another one for other words or another person."""
    parts = (message.key, message.address.channel, message.address.external_id, repr(message.body))
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


def body_content(body: Body) -> tuple[str, dict[str, object]] | None:
    """Give msgtype and content of a body; None if it has nothing such a message can hold."""
    if body.kind in _MEDIA and body.media_id:
        return _MEDIA[body.kind], {"media_id": body.media_id}
    if body.kind is Kind.NEWS and body.articles:
        return _link(body)
    if body.kind is Kind.LINK and body.url and body.media_id:
        title = cut_text(body.text or body.url, _TITLE_BYTES)
        return "link", {"title": title, "url": body.url, "thumb_media_id": body.media_id}
    said = f"{body.text}\n{body.url}".strip() if body.kind is Kind.LINK else body.text
    return ("text", {"content": cut_text(said, TEXT_BYTES)}) if said else None


def _link(body: Body) -> tuple[str, dict[str, object]]:
    one = body.articles[0]
    if body.media_id and one.url:
        told: dict[str, object] = {"title": cut_text(one.title, _TITLE_BYTES), "url": one.url, "thumb_media_id": body.media_id}
        return "link", {**told, "desc": cut_text(one.description, _DESCRIPTION_BYTES)} if one.description else told
    # A link needs a picture that was uploaded; without one the words and the address say the same.
    lines = [line for article in body.articles for line in (article.title, article.description, article.url) if line]
    return "text", {"content": cut_text("\n".join(lines), TEXT_BYTES)}
