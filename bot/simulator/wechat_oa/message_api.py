"""Messages to one person: customer service with its windows, typing, template.

Source: protocols.md section 2.2.
"""

from typing import Any

from bot.simulator.calls import Call, Handler, errcode
from bot.simulator.records import Json
from bot.simulator.wechat_oa.messages import template_finished
from bot.simulator.wechat_oa.state import OK, PLATFORM, WeChatState

DEDUPE_SECONDS = 600.0  # client_msg_id of a template message
TYPING_SECONDS = 30.0
NEEDED = {  # the field without which a message type cannot be shown
    "text": "content",
    "image": "media_id",
    "voice": "media_id",
    "video": "media_id",
    "music": "musicurl",
    "news": "articles",
    "mpnews": "media_id",
    "mpnewsarticle": "article_id",
    "msgmenu": "list",
    "wxcard": "card_id",
    "miniprogrampage": "appid",
}


class MessageApi:
    """The calls under /cgi-bin/message for single persons."""

    def __init__(self, state: WeChatState) -> None:
        self._state = state
        self._template_keys: dict[tuple[str, str], tuple[float, int]] = {}
        self._typing: dict[str, float] = {}
        self._last_contact: dict[str, float] = {}
        self.template_ids: set[str] | None = None  # None: every template id exists

    def routes(self) -> dict[str, Handler]:
        """Name the paths."""
        return {
            "/cgi-bin/message/custom/send": self.send_custom,
            "/cgi-bin/message/custom/typing": self.show_typing,
            "/cgi-bin/message/template/send": self.send_template,
        }

    def touch(self, openid: str) -> None:
        """Note that a person was just in touch, as typing needs it."""
        self._last_contact[openid] = self._state.clock.seconds()

    def send_custom(self, call: Call) -> Json:
        """Deliver a customer-service message if a window of the person is open."""
        state = self._state
        fields = state.read(call)
        openid = _receiver(state, fields)
        kind, text = _check_message(fields)
        person = state.followers.find(openid)
        if person is not None and person.blocked:
            raise errcode(48002, "user block receive message rid: simulated")
        if not state.followers.is_subscribed(openid):
            raise errcode(45015, "response out of time limit or subscription is canceled rid: simulated")
        if person is not None or not state.followers.spend_crowd(openid):
            state.windows.spend(openid)
        state.records.delivered(PLATFORM, openid, "custom", kind, text, str(state.make_id()), fields)
        return OK

    def show_typing(self, call: Call) -> Json:
        """Show or take back the typing mark."""
        fields = self._state.read(call)
        openid, command, now = _receiver(self._state, fields), fields.get("command"), self._state.clock.seconds()
        if command not in ("Typing", "CancelTyping"):
            raise errcode(45072, "invalid command type rid: simulated")
        if now - self._last_contact.get(openid, -TYPING_SECONDS) >= TYPING_SECONDS:
            raise errcode(45080, "need sending message to this user in the last 30 seconds rid: simulated")
        if command == "CancelTyping":
            self._typing.pop(openid, None)
        elif self._typing.get(openid, 0.0) > now:
            raise errcode(45081, "you are already typing rid: simulated")
        else:
            self._typing[openid] = now + TYPING_SECONDS / 2
        return OK

    def send_template(self, call: Call) -> Json:
        """Deliver a template message; the same client_msg_id within 10 minutes is delivered once."""
        state = self._state
        fields = state.read(call)
        state.need_service_account()
        openid = _receiver(state, fields)
        self._check_template(fields)
        if not state.followers.is_subscribed(openid):
            raise errcode(43004, "require subscribe rid: simulated")
        key, now = (openid, str(fields.get("client_msg_id", ""))), state.clock.seconds()
        known = self._template_keys.get(key)
        if key[1] and known is not None and now < known[0] + DEDUPE_SECONDS:
            return {**OK, "msgid": known[1]}
        message_id = state.make_id()
        if key[1]:
            self._template_keys[key] = (now, message_id)
        self._finish_template(openid, message_id, fields)
        return {**OK, "msgid": message_id}

    def _check_template(self, fields: Json) -> None:
        template_id, data = fields.get("template_id"), fields.get("data")
        if not template_id or (self.template_ids is not None and template_id not in self.template_ids):
            raise errcode(40037, "invalid template_id rid: simulated")
        if not isinstance(data, dict) or not all(isinstance(value, dict) and "value" in value for value in data.values()):
            raise errcode(47003, "argument invalid! rid: simulated")

    def _finish_template(self, openid: str, message_id: int, fields: Json) -> None:
        state = self._state
        person = state.followers.find(openid)
        blocked = person is not None and person.blocked
        if not blocked:
            text = "\n".join(str(value["value"]) for value in fields["data"].values())
            state.records.delivered(PLATFORM, openid, "template", "template", text, str(message_id), fields)
        if state.options.result_events:
            state.emit(openid, template_finished(message_id, "failed:user block" if blocked else "success"))


def _receiver(state: WeChatState, fields: Json) -> str:
    openid = fields.get("touser")
    if not isinstance(openid, str) or not state.followers.is_known(openid):
        raise errcode(40003, "invalid openid rid: simulated")
    return openid


def _check_message(fields: Json) -> tuple[str, str]:
    kind = str(fields.get("msgtype", ""))
    if kind not in NEEDED:
        raise errcode(40008, "invalid message type rid: simulated")
    inner = fields.get(kind)
    if not isinstance(inner, dict) or not inner.get(NEEDED[kind]):
        raise errcode(44004, "empty content rid: simulated")
    if kind == "news" and len(inner["articles"]) != 1:
        raise errcode(45008, "article size out of limit rid: simulated")
    return kind, message_text(kind, inner)


def message_text(kind: str, inner: dict[str, Any]) -> str:
    """Put what a person reads of a message into one text."""
    if kind == "news":
        return str(inner["articles"][0].get("title", ""))
    if kind == "msgmenu":
        lines = [
            inner.get("head_content", ""),
            *(item.get("content", "") for item in inner["list"]),
            inner.get("tail_content", ""),
        ]
        return "\n".join(str(line) for line in lines if line)
    return str(inner.get("content") or inner.get("title") or "")
