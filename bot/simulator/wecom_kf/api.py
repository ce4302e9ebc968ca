"""The calls under /cgi-bin/kf: fetching, sending, sending on an event, names, session states."""

import re
from typing import Any

from bot.simulator.calls import Call, Handler, errcode
from bot.simulator.records import Json
from bot.simulator.wecom.shapes import bad_parameter, check_fields, read_body, read_limit
from bot.simulator.wecom.tokens import Scope
from bot.simulator.wecom_kf.state import (
    ASSISTANT,
    ENDED,
    MOVES,
    NEW,
    OK,
    PLATFORM,
    SERVED,
    WINDOW_COUNT,
    WINDOW_SECONDS,
    Customer,
    KfState,
)

PREFIX = "/wecom/cgi-bin/kf"
MSGID = re.compile(r"[0-9A-Za-z_-]{1,32}")
TEXT_BYTES = 2048
NEEDED: dict[str, tuple[str, ...]] = {  # the fields without which a message type is refused
    "text": ("content",),
    "image": ("media_id",),
    "voice": ("media_id",),
    "video": ("media_id",),
    "file": ("media_id",),
    "link": ("title", "url", "thumb_media_id"),
    "miniprogram": ("appid", "thumb_media_id", "pagepath"),
    "msgmenu": (),
    "location": ("latitude", "longitude"),
    "ca_link": ("link_url",),
    "business_card": ("userid",),
}
ON_EVENT = ("text", "msgmenu")
MOST_CUSTOMERS = 100
_SEND: dict[str, type | tuple[type, ...]] = {
    "touser": str,
    "open_kfid": str,
    "msgid": str,
    "msgtype": str,
    **dict.fromkeys(NEEDED, dict),
}
_ON_EVENT: dict[str, type | tuple[type, ...]] = {"code": str, "msgid": str, "msgtype": str, "text": dict, "msgmenu": dict}
_SYNC: dict[str, type | tuple[type, ...]] = {
    "cursor": str,
    "token": str,
    "limit": int,
    "voice_format": int,
    "open_kfid": str,
}
_STATE: dict[str, type | tuple[type, ...]] = {
    "open_kfid": str,
    "external_userid": str,
    "service_state": int,
    "servicer_userid": str,
}


class KfApi:
    """The account as its API."""

    def __init__(self, state: KfState) -> None:
        self._state = state

    def routes(self) -> dict[str, Handler]:
        """Name the paths; the token comes from the corporation's own `gettoken`."""
        return {
            f"{PREFIX}/sync_msg": self.sync,
            f"{PREFIX}/send_msg": self.send,
            f"{PREFIX}/send_msg_on_event": self.send_on_event,
            f"{PREFIX}/customer/batchget": self.list_customers,
            f"{PREFIX}/service_state/get": self.show_session,
            f"{PREFIX}/service_state/trans": self.move_session,
            f"{PREFIX}/account/list": self.list_accounts,
        }

    def sync(self, call: Call) -> Json:
        """Give the messages after a cursor; without a cursor from the oldest that is kept."""
        state = self._state
        fields = self._read(call, _SYNC)
        limit = read_limit(fields, 1000, 1000)
        self._check_account(fields)
        state.check_event_token(str(fields.get("token") or ""))
        items, cursor, more = state.page_after(str(fields.get("cursor") or ""), limit)
        return {**OK, "next_cursor": cursor, "has_more": int(more), "msg_list": items}

    def send(self, call: Call) -> Json:
        """Send a message within the customer's window; a 0 says that it was accepted, not that it arrived."""
        state = self._state
        fields = self._read(call, _SEND, needed=("touser", "open_kfid", "msgtype"))
        self._check_account(fields)
        customer = state.customers.get(str(fields["touser"]))
        if customer is None:
            raise errcode(40096, "invalid external userid, hint: [simulated]")
        kind, text = _check_content(fields, tuple(NEEDED))
        self._check_msgid(fields)
        _check_session(customer)
        self._spend(customer)
        return self._deliver(customer.external_userid, fields, kind, text=text, via="custom")

    def send_on_event(self, call: Call) -> Json:
        """Send the one message that a code allows."""
        state = self._state
        fields = self._read(call, _ON_EVENT, needed=("code", "msgtype"))
        kind, text = _check_content(fields, ON_EVENT)
        code = state.codes.get(str(fields["code"]))
        if code is None or code.ends_at <= state.clock.seconds():
            raise bad_parameter("code unknown or expired")
        self._check_msgid(fields)
        if code.used:
            raise bad_parameter("code used already")
        if kind not in code.kinds:
            raise bad_parameter("msgtype not allowed for this code")
        code.used = True
        return self._deliver(code.person, fields, kind, text=text, via="event")

    def list_customers(self, call: Call) -> Json:
        """Tell the names of customers."""
        fields = self._read(call, {"external_userid_list": list, "need_enter_session_context": int})
        wanted = fields.get("external_userid_list") or []
        if not 1 <= len(wanted) <= MOST_CUSTOMERS:
            raise bad_parameter("external_userid_list size out of limit")
        known = [self._state.customers[each] for each in wanted if each in self._state.customers]
        rows = [{"external_userid": each.external_userid, "nickname": each.nickname, "gender": 0} for each in known]
        found = {each.external_userid for each in known}
        return {**OK, "customer_list": rows, "invalid_external_userid": [each for each in wanted if each not in found]}

    def show_session(self, call: Call) -> Json:
        """Tell who handles a customer."""
        customer = self._session_of(self._read(call, _STATE, needed=("open_kfid", "external_userid")))
        return {**OK, "service_state": customer.state, "servicer_userid": customer.servicer}

    def move_session(self, call: Call) -> Json:
        """Give a customer to somebody else, where the present state allows it."""
        fields = self._read(call, _STATE, needed=("open_kfid", "external_userid"))
        customer = self._session_of(fields)
        wanted = int(fields.get("service_state", -1))
        if customer.state == ENDED:
            raise errcode(95013, "conversation is end, hint: [simulated]")
        if wanted not in MOVES[customer.state]:
            raise errcode(95016, "not allow to change to this state, hint: [simulated]")
        if wanted == SERVED and not fields.get("servicer_userid"):
            raise errcode(95014, "user is not servicer, hint: [simulated]")
        customer.state, customer.servicer = wanted, str(fields.get("servicer_userid") or "")
        return dict(OK)

    def list_accounts(self, call: Call) -> Json:
        """List the accounts of the corporation: this one."""
        self._read(call, {"offset": int, "limit": int})
        return {**OK, "account_list": [{"open_kfid": self._state.corp.open_kfid, "name": "客服", "avatar": ""}]}

    def _read(self, call: Call, kinds: dict[str, Any], *, needed: tuple[str, ...] = ()) -> Json:
        state = self._state
        scope = state.tokens.check(call.query.get("access_token"))
        if not state.options.wecom_trusted:
            raise errcode(60020, "not allow to access from your ip, hint: [simulated], from ip: 127.0.0.1")
        if scope is not Scope.KF:
            raise errcode(48002, "no privilege to access/modify, hint: [simulated]")
        state.limits.spend_call(call.path)
        fields = read_body(call, state.records, strict_unicode=state.options.strict_unicode)
        check_fields(call.path, fields, kinds, state.records, needed)
        return fields

    def _check_account(self, fields: Json) -> None:
        if fields.get("open_kfid") != self._state.corp.open_kfid:
            raise errcode(95000, "invalid open_kfid, hint: [simulated]")

    def _session_of(self, fields: Json) -> Customer:
        self._check_account(fields)
        customer = self._state.customers.get(str(fields["external_userid"]))
        if customer is None:
            raise errcode(40096, "invalid external userid, hint: [simulated]")
        return customer

    def _check_msgid(self, fields: Json) -> None:
        msgid = fields.get("msgid")
        if msgid is None:
            return
        if not MSGID.fullmatch(msgid):
            self._state.records.complain("kf/send_msg", "msgid does not keep to its form")
            raise bad_parameter("invalid msgid")
        if msgid in self._state.msgids:
            raise bad_parameter("msgid is repeated")

    def _spend(self, customer: Customer) -> None:
        now = self._state.clock.seconds()
        if customer.wrote_at is None or now - customer.wrote_at >= WINDOW_SECONDS:
            raise errcode(95002, "send msg time limit, hint: [simulated]")
        if customer.used >= WINDOW_COUNT:
            raise errcode(95001, "send msg count limit, hint: [simulated]")
        customer.used += 1

    def _deliver(self, person: str, fields: Json, kind: str, *, text: str, via: str) -> Json:
        state = self._state
        state.number += 1
        msgid = str(fields.get("msgid") or f"sent{state.number}")
        state.msgids.add(msgid)
        if state.fail_types:
            event = {
                "event_type": "msg_send_fail",
                "open_kfid": state.corp.open_kfid,
                "external_userid": person,
                "fail_msgid": msgid,
                "fail_type": state.fail_types.popleft(),
            }
            state.append({"origin": 4, "msgtype": "event", "event": event})
            if state.emit:
                state.emit()
        else:
            state.records.delivered(PLATFORM, person, via, kind, text, msgid, fields)
        return {**OK, "msgid": msgid}


def _check_session(customer: Customer) -> None:
    if customer.state not in (NEW, ASSISTANT):
        raise errcode(95018, "send msg session status invalid, hint: [simulated]")


def _check_content(fields: Json, kinds: tuple[str, ...]) -> tuple[str, str]:
    kind = str(fields["msgtype"])
    inner = fields.get(kind)
    if kind not in kinds:
        raise errcode(40008, "invalid message type, hint: [simulated]")
    if not isinstance(inner, dict) or not all(inner.get(name) for name in NEEDED[kind]):
        raise bad_parameter(f"missing part of {kind}")
    if kind == "text" and len(str(inner["content"]).encode()) > TEXT_BYTES:
        raise errcode(45002, "content size out of limit, hint: [simulated]")
    return kind, _text_of(kind, inner)


def _text_of(kind: str, inner: Json) -> str:
    if kind != "msgmenu":
        return str(inner.get("content") or inner.get("title") or "")
    items = [item.get(item.get("type"), {}).get("content", "") for item in inner.get("list", [])]
    return "\n".join(str(line) for line in (inner.get("head_content", ""), *items, inner.get("tail_content", "")) if line)
