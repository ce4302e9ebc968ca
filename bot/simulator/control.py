"""The simulators driven over HTTP as JSON, under /_sim/: for a page or another process.

It is neither recorded as a platform call nor disturbed by faults. It needs no sign-in, so it
belongs on loopback only.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from bot.simulator.accounts import SimulatorOptions
from bot.simulator.calls import Answer, AsyncHandler, Call, Refused, read_object
from bot.simulator.clock import SimClock
from bot.simulator.dingtalk.platform import DingTalkPlatform
from bot.simulator.dingtalk.pusher import Push
from bot.simulator.faults import Faults
from bot.simulator.pusher import Delivery
from bot.simulator.records import Json, Records, as_json
from bot.simulator.server import SimulatorServer
from bot.simulator.tasks import Tasks
from bot.simulator.wechat_oa.platform import WeChatPlatform
from bot.simulator.wecom.orders import describe_wecom
from bot.simulator.wecom.platform import WeComPlatform

Action = Callable[[Json], Awaitable[Json]]
DOOR_DELAY_SECONDS = 0.05  # lets the answer to the order leave first
LONGEST_WAIT_SECONDS = 25.0
LOOK_SECONDS = 0.1
FAULTS = "/_sim/faults"
LOOKING = frozenset({FAULTS, "/_sim/state", "/_sim/chat", "/_sim/calls", "/_sim/received", "/_sim/complaints"})
"""What may be asked with GET; of the faults, which there are."""
UNREADABLE = (KeyError, TypeError, ValueError, AttributeError)


@dataclass(frozen=True, slots=True)
class Control:
    """The control interface over the parts of one simulator."""

    wechat: WeChatPlatform
    dingtalk: DingTalkPlatform
    wecom: WeComPlatform
    clock: SimClock
    faults: Faults
    records: Records
    options: SimulatorOptions
    server: SimulatorServer
    tasks: Tasks
    orders: Mapping[str, Action]  # the verbs that the platforms' own folders declare, by platform and name

    def routes(self) -> dict[str, AsyncHandler]:
        """Name the paths; each action is one POST with a JSON object."""
        actions: dict[str, Action] = {f"/_sim/wechat/{name}": act for name, act in self._wechat_actions().items()}
        actions |= {f"/_sim/dingtalk/{name}": act for name, act in self._dingtalk_actions().items()}
        actions |= {f"/_sim/{name}": act for name, act in self.orders.items()}
        actions |= {
            "/_sim/state": self._show_state,
            "/_sim/configure": self._configure,
            "/_sim/clock": self._turn_clock,
            FAULTS: self._set_fault,
            "/_sim/faults/clear": self._clear_faults,
            "/_sim/door": self._move_door,
            "/_sim/tokens/expire": self._expire_tokens,
            "/_sim/chat": self._list_chat,
            "/_sim/calls": self._list_calls,
            "/_sim/received": self._count_received,
            "/_sim/complaints": self._list_complaints,
        }
        return {path: _readable(action) for path, action in actions.items()}

    def _wechat_actions(self) -> dict[str, Action]:
        wechat = self.wechat

        async def handshake(_: Json) -> Json:
            return {"ok": await wechat.handshake()}

        return {
            "handshake": handshake,
            "follow": _delivering(lambda f: wechat.follow(f.get("openid") or wechat.make_openid(), f.get("scene"))),
            "unfollow": _delivering(lambda f: wechat.unfollow(f["openid"])),
            "say": _delivering(lambda f: wechat.say(f["openid"], f["text"])),
            "scan": _delivering(lambda f: wechat.scan(f["openid"], f["scene"])),
            "click": _delivering(lambda f: wechat.click(f["openid"], f["key"])),
            "tap": _delivering(lambda f: wechat.tap(f["openid"], f["name"])),
            "notice": _delivering(
                lambda f: wechat.answer_notice(f["openid"], f["template_id"], accept=bool(f.get("accept", True)))
            ),
            "voice": _delivering(lambda f: wechat.send_voice(f["openid"], f.get("recognition"))),
            "image": _delivering(lambda f: wechat.send_image(f["openid"])),
            "message": _delivering(lambda f: wechat.send_message(f["openid"], f["fields"])),
            "event": _delivering(lambda f: wechat.send_event(f["openid"], f["fields"])),
            "deliver": _delivering(lambda f: wechat.deliver(f["openid"], f["text"], copies=int(f.get("copies", 3)))),
        }

    def _dingtalk_actions(self) -> dict[str, Action]:
        dingtalk = self.dingtalk

        async def handshake(_: Json) -> Json:
            return {"ok": await dingtalk.handshake()}

        async def add_staff(fields: Json) -> Json:
            return asdict(dingtalk.add_staff(fields["staff_id"], fields["nick"], outsider=bool(fields.get("outsider"))))

        async def add_group(fields: Json) -> Json:
            dingtalk.add_group(fields["conversation_id"], fields["title"])
            return {"ok": True}

        return {
            "handshake": handshake,
            "staff": add_staff,
            "group": add_group,
            "say": _pushing(lambda f: dingtalk.say(f["staff_id"], f["text"], f.get("group"))),
            "speak": _pushing(lambda f: dingtalk.speak(f["staff_id"], f["recognition"])),
            "picture": _pushing(lambda f: dingtalk.send_picture(f["staff_id"], f.get("group"))),
            "message": _pushing(lambda f: dingtalk.send_message(f["staff_id"], f["fields"], f.get("group"))),
            "event": _pushing(lambda f: dingtalk.send_event(f["event_type"], **f.get("fields", {}))),
        }

    async def _show_state(self, _: Json) -> Json:
        return {
            "wechat": {"callback_url": self.wechat.callback_url, "followers": self.wechat.state.followers.count_subscribed()},
            "dingtalk": {
                "callback_url": self.dingtalk.callback_url,
                "staff": [asdict(person) for person in self.dingtalk.state.staff.values()],
                "groups": self.dingtalk.state.groups,
                "monthly_calls": dict(self.dingtalk.state.limits.monthly_calls),
            },
            "wecom": describe_wecom(self.wecom),
            "clock": self._describe_clock(),
            "faults": [asdict(fault) for fault in self.faults.active()],
            "cursor": self.records.cursor,
            "complaints": len(self.records.complaints),
        }

    async def _configure(self, fields: Json) -> Json:
        platforms = (
            ("wechat", self.wechat, self.wechat.account),
            ("dingtalk", self.dingtalk, self.dingtalk.app),
            ("wecom", self.wecom, self.wecom.corp),
        )
        for name, platform, account in platforms:
            wanted = dict(fields.get(name, {}))
            platform.callback_url = wanted.pop("callback_url", platform.callback_url)
            _assign(account, wanted)
        _assign(self.options, fields.get("options", {}))
        return {"ok": True}

    async def _turn_clock(self, fields: Json) -> Json:
        if fields.get("reset"):
            self.clock.reset()
        if "turn_to" in fields:
            self.clock.turn_to(datetime.fromisoformat(fields["turn_to"]))
        self.clock.advance(float(fields.get("advance_seconds", 0)))
        self.clock.pushes_turned = bool(fields.get("pushes_turned", self.clock.pushes_turned))
        return self._describe_clock()

    async def _set_fault(self, fields: Json) -> Json:
        wanted = dict(fields)
        if not wanted:
            return {"items": [asdict(fault) for fault in self.faults.active()]}
        return asdict(self.faults.add(wanted.pop("path"), wanted.pop("kind"), **wanted))

    async def _clear_faults(self, fields: Json) -> Json:
        self.faults.clear(fields.get("path"))
        return {"ok": True}

    async def _move_door(self, fields: Json) -> Json:
        """Refuse connections for a while; the door opens by itself, as nobody could ask for it from outside."""
        seconds = float(fields["refuse_seconds"])
        self.tasks.spawn(self._close_door(seconds), "door")
        return {"ok": True}

    async def _close_door(self, seconds: float) -> None:
        await asyncio.sleep(DOOR_DELAY_SECONDS)
        await self.server.refuse()
        await asyncio.sleep(seconds)
        await self.server.accept()

    async def _expire_tokens(self, _: Json) -> Json:
        self.wechat.state.tokens.expire_all()
        self.dingtalk.state.expire_token()
        self.wecom.state.tokens.expire_all()
        return {"ok": True}

    async def _list_chat(self, fields: Json) -> Json:
        """List lines after a cursor; `wait_seconds` holds the answer until there is one."""
        since, waited = int(fields.get("since", 0)), 0.0
        while not (rows := self.records.chat(fields.get("platform"), fields.get("person"), since)):
            if waited >= min(float(fields.get("wait_seconds", 0)), LONGEST_WAIT_SECONDS):
                break
            await asyncio.sleep(LOOK_SECONDS)
            waited += LOOK_SECONDS
        return {"items": [as_json(row) for row in rows], "next": rows[-1].cursor if rows else since}

    async def _list_calls(self, fields: Json) -> Json:
        calls = self.records.calls(fields.get("path"), int(fields.get("since", 0)))
        rows = [
            {"cursor": c.cursor, "at": c.at, "method": c.method, "path": c.path, "fault": c.fault, "json": c.json}
            for c in calls
        ]
        refusals = [{"path": path, "code": code, "count": n} for (path, code), n in self.records.refusals.items()]
        return {"items": rows, "counts": dict(self.records.call_counts), "refusals": refusals}

    async def _count_received(self, fields: Json) -> Json:
        platform = fields["platform"]
        count = self.records.count_received(platform, fields.get("person"))
        return {"count": count, "doubles": self.records.find_doubles(platform)}

    async def _list_complaints(self, _: Json) -> Json:
        return {"items": [as_json(row) for row in self.records.complaints]}

    def _describe_clock(self) -> Json:
        clock = self.clock
        now = clock.now().isoformat()
        return {"now": now, "offset_seconds": clock.offset_seconds, "pushes_turned": clock.pushes_turned}


def _readable(action: Action) -> AsyncHandler:
    async def handle(call: Call) -> Json | Answer:
        _refuse_foreign(call)
        fields = dict(call.query) if call.method == "GET" else (read_object(call.body) if call.body else {})
        if fields is None:
            raise Refused(Answer(400, {"error": "the body is no JSON object"}))
        try:
            return await action(fields)
        except UNREADABLE as error:
            raise Refused(Answer(400, {"error": f"{type(error).__name__}: {error}"})) from error

    return handle


def _refuse_foreign(call: Call) -> None:
    """Refuse what a foreign web page can send without being asked first: an image's GET, a form's POST."""
    if call.method == "GET":
        if call.path not in LOOKING or (call.path == FAULTS and call.query):
            raise Refused(Answer(405, {"error": "an order is a POST"}))
    elif call.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(Answer(415, {"error": "the body has to be application/json"}))


def _delivering(act: Callable[[Json], Awaitable[Delivery]]) -> Action:
    async def action(fields: Json) -> Json:
        delivery = await act(fields)
        return {
            "openid": delivery.fields["FromUserName"],
            "message_id": delivery.message_id,
            "statuses": delivery.statuses,
            "reply": delivery.text,
            "broken": delivery.is_broken,
            "problems": [attempt.problem for attempt in delivery.attempts if attempt.problem],
        }

    return action


def _pushing(act: Callable[[Json], Awaitable[Push]]) -> Action:
    async def action(fields: Json) -> Json:
        push = await act(fields)
        return {"message_id": push.message_id, "status": push.status, "reply": push.text, "problem": push.problem}

    return action


def _assign(target: Any, wanted: Json) -> None:
    for name, value in wanted.items():
        if not hasattr(target, name):
            raise KeyError(name)
        setattr(target, name, value)
