"""Mass messages: by openids or to everybody, with clientmsgid held for 24 hours and 4 a month per person.

Source: protocols.md section 2.2, mass send.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

from bot.simulator.calls import Call, Handler, errcode
from bot.simulator.documents import Fields
from bot.simulator.records import Json
from bot.simulator.wechat_oa.messages import mass_finished
from bot.simulator.wechat_oa.state import PLATFORM, WeChatState

KEY_SECONDS = 24 * 3600.0
KEY_BYTES = 64
MONTHLY_PER_PERSON = 4
MONTHLY_TO_ALL = 4
MAX_OPENIDS = 10_000
SPEEDS = (80, 60, 45, 30, 10)  # ten thousands a minute
SUCCESS = "send success"
HELPER = "oSimMassHelper"  # result events come from the platform's helper, not from a follower
KINDS = {"text": "content", "images": "media_ids", "image": "media_id", "voice": "media_id", "mpvideo": "media_id"} | {
    "mpnews": "media_id",
    "wxcard": "card_id",
}


@dataclass(slots=True)
class Mass:
    """One mass message and its result."""

    message_id: int
    at: float
    total: int
    sent: int
    failed: int
    kind: str = "text"
    status: str = "SENDING"


class MassApi:
    """The calls under /cgi-bin/message/mass."""

    def __init__(self, state: WeChatState, knows_media: Callable[[str], bool]) -> None:
        self._state = state
        self._knows_media = knows_media
        self._speed = 0
        self._held: list[Fields] = []
        self.hold_results = False  # True: no result event leaves before `release_results`
        self.result_status = SUCCESS  # what the next calls end with: `err(20001)` and the like reach nobody
        self.too_fast_seconds = 0.0  # how long a repeated key is answered 45066 instead of 45065; the platform says 60
        self._keys: dict[str, Mass] = {}
        self._masses: dict[int, Mass] = {}
        self._monthly: dict[str, int] = {}
        self._month = ""
        self._to_all: list[tuple[int, str]] = []  # day, month
        self._last_day = 0

    def routes(self) -> dict[str, Handler]:
        """Name the paths."""
        return {
            "/cgi-bin/message/mass/send": self.send,
            "/cgi-bin/message/mass/sendall": self.send_all,
            "/cgi-bin/message/mass/get": self.find,
            "/cgi-bin/message/mass/preview": self.preview,
            "/cgi-bin/message/mass/delete": self.delete,
            "/cgi-bin/message/mass/speed/get": self.show_speed,
            "/cgi-bin/message/mass/speed/set": self.set_speed,
        }

    def send(self, call: Call) -> Json:
        """Deliver one message to a list of openids."""
        fields = self._state.read(call)
        self._state.need_service_account()
        openids = fields.get("touser")
        if not isinstance(openids, list) or not all(isinstance(openid, str) for openid in openids):
            raise errcode(40031, "invalid openid list rid: simulated")
        if len(openids) < 2:
            raise errcode(40130, "invalid openid list size, at least two openid rid: simulated")
        if len(openids) > MAX_OPENIDS:
            raise errcode(40032, "invalid openid list size rid: simulated")
        return self._start(fields, openids)

    def send_all(self, call: Call) -> Json:
        """Deliver one message to all followers or to those with a tag."""
        state = self._state
        fields = state.read(call)
        chosen = fields.get("filter")
        if not isinstance(chosen, dict):
            raise errcode(47001, "data format error rid: simulated")
        if not chosen.get("is_to_all"):
            return self._start(fields, state.followers.tagged(int(chosen.get("tag_id", -1))))
        self._check_repeat(_key_of(fields))
        today, month = state.clock.shanghai_day(), state.clock.shanghai_month()
        this_month = [day for day, name in self._to_all if name == month]
        if today in this_month or len(this_month) >= MONTHLY_TO_ALL:
            raise errcode(45028, "has no masssend quota rid: simulated")
        self._to_all.append((today, month))
        return self._start(fields, list(state.followers.subscribed()))

    def find(self, call: Call) -> Json:
        """Tell how far a mass message is."""
        mass = self._find(self._state.read(call))
        return {"msg_id": mass.message_id, "msg_status": mass.status}

    def preview(self, call: Call) -> Json:
        """Deliver a message to one person; it counts towards no month."""
        fields = self._state.read(call)
        openid = fields.get("touser")
        kind, inner = self._read_content(fields)
        if not isinstance(openid, str) or not self._state.followers.is_subscribed(openid):
            raise errcode(40003, "invalid openid rid: simulated")
        number = self._state.make_id()
        text = str(inner.get("content", ""))
        self._state.records.delivered(PLATFORM, openid, "preview", kind, text, str(number), fields)
        return {"errcode": 0, "errmsg": "preview success", "msg_id": number}

    def delete(self, call: Call) -> Json:
        """Take a message back; only articles and videos can be."""
        mass = self._find(self._state.read(call))
        if mass.kind not in ("mpnews", "mpvideo"):
            self._state.records.complain(call.path, f"a mass message of type {mass.kind} cannot be deleted")
        mass.status = "DELETE"
        return {"errcode": 0, "errmsg": "ok"}

    def show_speed(self, call: Call) -> Json:
        """Tell how fast mass messages go out."""
        self._state.read(call)
        return {"speed": self._speed, "realspeed": SPEEDS[self._speed]}

    def set_speed(self, call: Call) -> Json:
        """Set how fast mass messages go out."""
        speed = self._state.read(call).get("speed")
        if not isinstance(speed, int):
            raise errcode(45083, "set mass speed failed rid: simulated")
        if not 0 <= speed < len(SPEEDS):
            raise errcode(45084, "invalid mass speed rid: simulated")
        self._speed = speed
        return {"errcode": 0, "errmsg": "ok"}

    def release_results(self) -> None:
        """Let the result events go that were held."""
        held, self._held = self._held, []
        for event in held:
            self._state.emit(HELPER, event)

    def _find(self, fields: Json) -> Mass:
        number = str(fields.get("msg_id", ""))
        mass = self._masses.get(int(number)) if number.isdecimal() else None
        if mass is None:
            raise errcode(40059, "invalid msg id rid: simulated")
        return mass

    def _read_content(self, fields: Json) -> tuple[str, Json]:
        kind = str(fields.get("msgtype", ""))
        inner = fields.get(kind)
        if kind not in KINDS:
            raise errcode(40008, "invalid message type rid: simulated")
        if not isinstance(inner, dict) or not inner.get(KINDS[kind]):
            raise errcode(44004, "empty content rid: simulated")
        media = inner["media_ids"] if kind == "images" else [inner["media_id"]] if kind in ("image", "voice") else []
        if not isinstance(media, list) or not all(self._knows_media(str(each)) for each in media):
            raise errcode(40007, "invalid media_id rid: simulated")
        return kind, inner

    def _start(self, fields: Json, openids: list[str]) -> Json:
        kind, inner = self._read_content(fields)
        if not fields.get("clientmsgid"):
            self._state.records.complain("mass", "a mass message without clientmsgid cannot be repeated safely")
        if len(set(openids)) < len(openids):
            self._state.records.complain("mass", "an openid stands twice in one list")
        key = _key_of(fields)
        self._check_repeat(key)
        self._spend_day()
        mass = self._carry_out(fields, kind, str(inner.get("content", "")), openids)
        self._keys[key] = self._masses[mass.message_id] = mass
        self._report(mass)
        answer = {"errcode": 0, "errmsg": "send job submission success", "msg_id": mass.message_id}
        return {**answer, "msg_data_id": mass.message_id} if kind == "mpnews" else answer

    def _report(self, mass: Mass) -> None:
        mass.status = "SEND_SUCCESS" if self.result_status == SUCCESS else "SEND_FAIL"
        if not self._state.options.result_events:
            return
        event = mass_finished(mass.message_id, total=mass.total, sent=mass.sent, failed=mass.failed, status=self.result_status)
        if self.hold_results:
            self._held.append(event)
        else:
            self._state.emit(HELPER, event)

    def _spend_day(self) -> None:
        """Count the one mass message a day of a subscription account."""
        today = self._state.clock.shanghai_day()
        if not self._state.account.service and self._last_day == today:
            raise errcode(45028, "has no masssend quota rid: simulated")
        self._last_day = today

    def _check_repeat(self, key: str) -> None:
        if len(key.encode()) > KEY_BYTES:
            raise errcode(45067, "clientmsgid is too long rid: simulated")
        known = self._keys.get(key)
        if known is not None and self._state.clock.seconds() < known.at + KEY_SECONDS:
            if self._state.clock.seconds() < known.at + self.too_fast_seconds:
                raise errcode(45066, "same clientmsgid retry too fast rid: simulated")
            raise errcode(45065, "clientmsgid exist rid: simulated", msg_id=known.message_id)

    def _carry_out(self, fields: Json, kind: str, text: str, openids: list[str]) -> Mass:
        state = self._state
        self._turn_month()
        mass = Mass(state.make_id(), state.clock.seconds(), len(openids), 0, 0, kind)
        if self.result_status != SUCCESS:
            return mass
        body = {name: value for name, value in fields.items() if name != "touser"}
        for openid in openids:
            had = self._monthly.get(openid, 0)
            person = state.followers.find(openid)
            blocked = person is not None and person.blocked
            if (had >= MONTHLY_PER_PERSON and state.account.service) or blocked or not state.followers.is_subscribed(openid):
                mass.failed += 1
                continue
            self._monthly[openid] = had + 1
            mass.sent += 1
            state.records.delivered(PLATFORM, openid, "mass", kind, text, str(mass.message_id), body)
        return mass

    def _turn_month(self) -> None:
        month = self._state.clock.shanghai_month()
        if month != self._month:
            self._month = month
            self._monthly.clear()


def _key_of(fields: Json) -> str:
    given = fields.get("clientmsgid")
    if given:
        return str(given)
    # Without a key the platform digests audience and content itself.
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
