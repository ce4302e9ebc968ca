"""The verbs of the simulated DingTalk for the control interface, under /_sim/dingtalk/."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict

from bot.simulator.dingtalk.connection import Connection
from bot.simulator.dingtalk.platform import DingTalkPlatform
from bot.simulator.dingtalk.pusher import Push
from bot.simulator.records import Json

Order = Callable[[Json], Awaitable[Json]]


def dingtalk_orders(dingtalk: DingTalkPlatform) -> dict[str, Order]:
    """Name the verbs; each takes and gives a JSON object."""
    return _events(dingtalk) | _stream(dingtalk) | _cards(dingtalk) | _people(dingtalk) | _knobs(dingtalk)


def _events(dingtalk: DingTalkPlatform) -> dict[str, Order]:
    async def subscribe(fields: Json) -> Json:
        return {"ok": await dingtalk.save_subscription(fields["url"])}

    def change_chat(fields: Json) -> Awaitable[Push]:
        people = list(fields.get("staff_ids", []))
        return dingtalk.chat_changes(fields["event_type"], fields["conversation_id"], fields["operator"], people)

    def change(fields: Json) -> Awaitable[Push]:
        return dingtalk.staff_changes(fields["staff_id"], nick=fields.get("nick"), mobile=fields.get("mobile"))

    return {
        "subscribe": subscribe,
        "join": _pushing(lambda f: dingtalk.staff_joins(f["staff_id"], f["nick"], mobile=f.get("mobile", ""))),
        "change": _pushing(change),
        "leave": _pushing(lambda f: dingtalk.staff_leaves(f["staff_id"])),
        "chat": _pushing(change_chat),
        "rename": _pushing(lambda f: dingtalk.rename_group(f["conversation_id"], f["operator"], f["title"])),
        "disband": _pushing(lambda f: dingtalk.disband_group(f["conversation_id"], f["operator"])),
        "file": _pushing(lambda f: dingtalk.send_file(f["staff_id"], f["name"])),
    }


def _stream(dingtalk: DingTalkPlatform) -> dict[str, Order]:
    gateway = dingtalk.gateway

    async def show(fields: Json) -> Json:
        if "mode" in fields:
            dingtalk.stream = {"auto": None, "stream": True, "http": False}[fields["mode"]]
        mode = {None: "auto", True: "stream", False: "http"}[dingtalk.stream]
        rows = [_describe(connection) for connection in gateway.open]
        return {"mode": mode, "opened_count": gateway.opened_count, "connections": rows}

    async def ping(_: Json) -> Json:
        outcome = await gateway.ping()
        return {"ok": not outcome.problem, "problem": outcome.problem}

    async def disconnect(fields: Json) -> Json:
        await gateway.disconnect(named=bool(fields.get("named")))
        return {"ok": True}

    async def redirect(_: Json) -> Json:
        await gateway.redirect()
        return {"ok": True}

    acts: dict[str, Callable[[], None]] = {
        "stream/freeze": gateway.freeze,
        "stream/thaw": gateway.thaw,
        "stream/forget": gateway.forget,
        "stream/drop": gateway.drop,
    }
    plain = {name: _doing(act) for name, act in acts.items()}
    return plain | {"stream": show, "stream/ping": ping, "stream/disconnect": disconnect, "stream/redirect": redirect}


def _cards(dingtalk: DingTalkPlatform) -> dict[str, Order]:
    async def show(fields: Json) -> Json:
        card = dingtalk.card(fields["out_track_id"])
        shown = dingtalk.card_shown(card.out_track_id, fields.get("staff_id", ""))
        return {"shown": shown, "places": card.places, "finished": card.is_finished, "failed": card.is_failed}

    async def press(fields: Json) -> Json:
        actions, params = list(fields.get("action_ids", [])), dict(fields.get("params", {}))
        press = await dingtalk.staff_presses(fields["out_track_id"], fields["staff_id"], actions, params)
        return {"status": press.push.status, "shown": press.shown, "problem": press.problem}

    return {"card": show, "press": press}


def _people(dingtalk: DingTalkPlatform) -> dict[str, Order]:
    async def add_department(fields: Json) -> Json:
        return asdict(dingtalk.add_department(int(fields["department_id"]), fields["name"], int(fields.get("parent_id", 1))))

    async def add_custom_robot(fields: Json) -> Json:
        robot = dingtalk.add_custom_robot(
            fields["access_token"],
            fields["conversation_id"],
            secret=fields.get("secret", ""),
            keywords=tuple(fields.get("keywords", ())),
            addresses=tuple(fields.get("addresses", ())),
        )
        return {"url": f"{dingtalk.state.base_url}/robot/send?access_token={robot.access_token}"}

    async def throttle(fields: Json) -> Json:
        dingtalk.state.flow_controlled = set(fields.get("staff_ids", []))
        return {"ok": True}

    return {"department": add_department, "custom_robot": add_custom_robot, "throttle": throttle}


def _knobs(dingtalk: DingTalkPlatform) -> dict[str, Order]:
    async def turn(fields: Json) -> Json:
        for name, value in fields.items():
            if not hasattr(dingtalk.knobs, name):
                raise KeyError(name)
            setattr(dingtalk.knobs, name, set(value) if isinstance(value, list) else value)
        shown = asdict(dingtalk.knobs)
        return {name: sorted(value) if isinstance(value, set) else value for name, value in shown.items()}

    async def punish(fields: Json) -> Json:
        dingtalk.punishment.punish(float(fields.get("seconds", 300)))
        return {"ok": True}

    return {"knobs": turn, "punish": punish}


def _describe(connection: Connection) -> Json:
    return {
        "id": connection.id,
        "condition": connection.condition,
        "path": connection.path,
        "subscriptions": sorted(list(pair) for pair in connection.subscriptions),
        "frames": len(connection.frames),
        "acks": len(connection.acks),
    }


def _doing(act: Callable[[], None]) -> Order:
    async def order(_: Json) -> Json:
        act()
        return {"ok": True}

    return order


def _pushing(act: Callable[[Json], Awaitable[Push]]) -> Order:
    async def order(fields: Json) -> Json:
        push = await act(fields)
        return {
            "message_id": push.message_id,
            "status": push.status,
            "reply": push.text,
            "problem": push.problem,
            "via": push.via,
        }

    return order
