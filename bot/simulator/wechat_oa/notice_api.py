"""Subscription notices: one notice for every yes of a person to a template.

Source: protocols.md section 2.2, subscribe notification.
"""

from collections import Counter

from bot.simulator.calls import Call, Handler, errcode
from bot.simulator.records import Json
from bot.simulator.wechat_oa.messages import subscribe_sent
from bot.simulator.wechat_oa.state import OK, PLATFORM, WeChatState


class NoticeApi:
    """The call subscribe/bizsend and what people agreed to."""

    def __init__(self, state: WeChatState) -> None:
        self._state = state
        self.rights: Counter[tuple[str, str]] = Counter()  # openid and template
        self.template_ids: set[str] | None = None  # None: every template id exists

    def routes(self) -> dict[str, Handler]:
        """Name the paths."""
        return {"/cgi-bin/message/subscribe/bizsend": self.send}

    def grant(self, openid: str, template_id: str) -> None:
        """Note a person's yes in the popup."""
        self.rights[openid, template_id] += 1

    def withdraw(self, openid: str, template_id: str) -> None:
        """Note that a person switched a template off."""
        self.rights.pop((openid, template_id), None)

    def send(self, call: Call) -> Json:
        """Deliver a notice and use one yes up."""
        state = self._state
        fields = state.read(call)
        openid, template_id = fields.get("touser"), str(fields.get("template_id") or "")
        if not isinstance(openid, str) or not state.followers.is_known(openid):
            raise errcode(40003, "invalid openid rid: simulated")
        if not template_id or (self.template_ids is not None and template_id not in self.template_ids):
            raise errcode(40037, "invalid template_id rid: simulated")
        data = fields.get("data")
        if not isinstance(data, dict) or not data or not all(isinstance(v, dict) and v.get("value") for v in data.values()):
            raise errcode(47003, "argument invalid! rid: simulated")
        mini_program = fields.get("miniprogram")
        if mini_program is not None and not (isinstance(mini_program, dict) and mini_program.get("pagepath")):
            raise errcode(41030, "invalid page rid: simulated")
        if self.rights[openid, template_id] < 1:
            raise errcode(43101, "user refuse to accept the msg rid: simulated")
        self.rights[openid, template_id] -= 1
        message_id = str(state.make_id())
        text = "\n".join(str(value["value"]) for value in data.values())
        state.records.delivered(PLATFORM, openid, "notice", "notice", text, message_id, fields)
        if state.options.result_events:
            state.emit(openid, subscribe_sent(template_id, message_id))
        return {**OK, "msgid": int(message_id)}
