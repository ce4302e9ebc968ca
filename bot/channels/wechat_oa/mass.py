"""Mass sending: one call to a list of people, to a tag or to all, under a key that the platform knows for a day.

To a list it needs two people at least and a service account. One person alone, and everybody of a subscription account,
are reached by a tag made for this one call; whatever was begun and cut off is done again under the same names.
"""

from collections.abc import Mapping
from typing import Any

from bot.channel import SendReceipt, SendStatus
from bot.channels.wechat_oa.answers import TEXT_BYTES
from bot.channels.wechat_oa.api import TAGGED_PAGE, ApiRefused, WechatApi
from bot.channels.wechat_oa.outcomes import mass_receipt_of
from bot.channels.wechat_oa.send import Sender
from bot.cutting import cut_text
from bot.httpclient import NotSent, Unanswered
from bot.platform_result import Result, read_result
from bot.tokens import TokenError
from crm_core.clock import Clock
from crm_core.messages import Body, Kind, OutboundMessage

KEY_BYTES = 64
"""Longest clientmsgid. Source: mass-send page, protocols.md section 2.2."""
LEAST_LISTED = 2
TAG_PREFIX = "gx-"
TAGS_KEPT = 5
"""Newest tags of earlier calls that are left alone: the platform may still be sending to them."""


class MassSender:
    """The mass calls of one account."""

    def __init__(self, sender: Sender, clock: Clock, *, lists: bool = True) -> None:
        self._sender = sender
        self._api = WechatApi(sender)
        self._clock = clock
        self._lists = lists
        self._tagged: dict[str, int] = {}
        """People tagged already, by key: a call that was cut off goes on from there."""

    async def send(self, message: OutboundMessage) -> SendReceipt:
        """Send one chunk; never raises for what the platform or the network does."""
        content = mass_content(message.body)
        if content is None:
            return SendReceipt(SendStatus.REFUSED, "kind_unsupported")
        by_list = self._lists and len(message.audience) >= LEAST_LISTED
        try:
            target = {"touser": list(message.audience)} if by_list else await self._make_target(message)
        except (ApiRefused, TokenError, NotSent, Unanswered) as error:
            return self._not_begun(error)
        path = "/cgi-bin/message/mass/send" if by_list else "/cgi-bin/message/mass/sendall"
        payload = {**target, **content, "clientmsgid": message.key[:KEY_BYTES], "send_ignore_reprint": 0}
        try:
            result = read_result(await self._sender.request("post", path, payload=payload))
        except TokenError as error:
            return self._sender.no_token(error)
        except NotSent:
            return SendReceipt(SendStatus.RETRY, "not_sent")
        except Unanswered:
            return SendReceipt(SendStatus.UNKNOWN, "no_answer")
        return SendReceipt(SendStatus.UNKNOWN, "unreadable_answer") if result is None else self._receipt(result)

    async def preview(self, openid: str, body: Body) -> None:
        """Send one person a preview (100 a day). Raises: ApiRefused, TokenError, NotSent, Unanswered."""
        await self._call("preview", {"touser": openid, **(mass_content(body) or {})})

    async def send_to_tag(self, tag_id: int | None, body: Body, key: str) -> str:
        """Send to all who carry a tag, or (None) to everybody; gives the number of the message. Raises: as `preview`."""
        chosen: dict[str, Any] = {"is_to_all": True} if tag_id is None else {"is_to_all": False, "tag_id": tag_id}
        fields = await self._call("sendall", {"filter": chosen, **(mass_content(body) or {}), "clientmsgid": key[:KEY_BYTES]})
        return str(fields.get("msg_id") or "")

    async def status(self, message_id: str) -> str:
        """Tell how far a mass message is: SEND_SUCCESS, SENDING, SEND_FAIL, DELETE. Raises: as `preview`."""
        return str((await self._call("get", {"msg_id": message_id})).get("msg_status") or "")

    async def delete(self, message_id: str, *, article: int = 0) -> None:
        """Take back an article or video that was sent; the chat keeps its card. Raises: as `preview`."""
        number = int(message_id) if message_id.isdecimal() else message_id
        await self._call("delete", {"msg_id": number, "article_idx": article})

    async def speed(self, wanted: int | None = None) -> tuple[int, int]:
        """Tell (speed, ten thousands a minute), after setting it if wanted: 0 fastest to 4. Raises: as `preview`."""
        if wanted is not None:
            await self._call("speed/set", {"speed": wanted})
        fields = await self._call("speed/get", {})
        return int(fields.get("speed", 0)), int(fields.get("realspeed", 0))

    async def _call(self, name: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        path = f"/cgi-bin/message/mass/{name}"
        result = read_result(await self._sender.request("post", path, payload=payload))
        # 45065: the same key was sent before, and the answer carries what came of it.
        if result is None or result.errcode not in (0, 45065):
            raise ApiRefused(path, result.errcode if result else None)
        return result.fields

    async def _make_target(self, message: OutboundMessage) -> dict[str, object]:
        """Put a tag of this call's own on its people. Raises: ApiRefused, TokenError, NotSent, Unanswered."""
        name = message.key[:30]
        tags = {str(tag.get("name")): int(tag["id"]) for tag in await self._api.list_tags()}
        if name not in tags:
            await self._forget_old(tags)
        number = tags.get(name) or await self._api.create_tag(name)
        done = self._tagged.get(message.key, 0)
        for first in range(done, len(message.audience), TAGGED_PAGE):
            await self._api.tag_users(number, message.audience[first : first + TAGGED_PAGE])
            self._tagged[message.key] = first + TAGGED_PAGE
        self._tagged.pop(message.key, None)
        return {"filter": {"is_to_all": False, "tag_id": number}}

    async def _forget_old(self, tags: Mapping[str, int]) -> None:
        old = sorted(number for name, number in tags.items() if name.startswith(TAG_PREFIX))
        for number in old[:-TAGS_KEPT]:
            await self._api.delete_tag(number)

    def _not_begun(self, error: ApiRefused | TokenError | NotSent | Unanswered) -> SendReceipt:
        if isinstance(error, TokenError):
            return self._sender.no_token(error)
        if isinstance(error, ApiRefused) and error.errcode is not None:
            return self._receipt(Result(error.errcode, {}))
        return SendReceipt(SendStatus.RETRY, "not_sent")

    def _receipt(self, result: Result) -> SendReceipt:
        self._sender.alert(result.errcode)
        return mass_receipt_of(result, self._clock.now())


def mass_content(body: Body) -> dict[str, object] | None:
    """Give the content of a mass message; None if it has nothing such a message can hold."""
    if body.kind is Kind.IMAGE and body.media_id:
        images: dict[str, object] = {"media_ids": body.media_id.split(",")}
        return {"msgtype": "images", "images": images | ({"recommend": body.text} if body.text else {})}
    if body.kind is Kind.NEWS and body.media_id:
        return {"msgtype": "mpnews", "mpnews": {"media_id": body.media_id}}
    if body.kind is Kind.TEXT and body.text:
        return {"msgtype": "text", "text": {"content": cut_text(body.text, TEXT_BYTES)}}
    return None
