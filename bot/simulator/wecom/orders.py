"""The verbs of the simulated WeCom for the control interface, under /_sim/wecom/."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict

from bot.simulator.pusher import Delivery
from bot.simulator.records import Json
from bot.simulator.wecom.platform import WeComPlatform

Order = Callable[[Json], Awaitable[Json]]
Act = Callable[[Json], Awaitable[Delivery]]


def wecom_orders(wecom: WeComPlatform) -> dict[str, Order]:
    """Name the verbs; each takes and gives a JSON object."""
    return _people(wecom) | _messages(wecom) | _customers(wecom) | _groups(wecom) | _group_sends(wecom) | _knobs(wecom)


def _people(wecom: WeComPlatform) -> dict[str, Order]:
    async def handshake(_: Json) -> Json:
        return {"ok": await wecom.handshake()}

    async def add_member(fields: Json) -> Json:
        return asdict_of(wecom.add_member(**fields))

    async def add_department(fields: Json) -> Json:
        return asdict_of(wecom.add_department(**fields))

    async def change(fields: Json) -> Json:
        return _delivery(await wecom.change_directory(fields["change_type"], **fields.get("fields", {})))

    return {
        "handshake": handshake,
        "member": add_member,
        "department": add_department,
        "join": _delivering(lambda f: wecom.join(f["userid"], f["name"], f.get("mobile", ""))),
        "quit": _delivering(lambda f: wecom.quit(f["userid"])),
        "directory": change,
    }


def _messages(wecom: WeComPlatform) -> dict[str, Order]:
    def press(fields: Json) -> Awaitable[Delivery]:
        chosen = fields.get("selected")
        return wecom.member_presses_card(fields["userid"], fields["key"], task_id=fields.get("task_id"), selected=chosen)

    return {
        "say": _delivering(lambda f: wecom.member_says(f["userid"], f["text"])),
        "message": _delivering(lambda f: wecom.member_sends(f["userid"], f["fields"])),
        "image": _delivering(lambda f: wecom.member_sends_image(f["userid"])),
        "voice": _delivering(lambda f: wecom.member_sends_voice(f["userid"])),
        "event": _delivering(lambda f: wecom.member_event(f["userid"], f["fields"])),
        "click": _delivering(lambda f: wecom.member_clicks(f["userid"], f["key"])),
        "enter": _delivering(lambda f: wecom.member_enters(f["userid"])),
        "press": _delivering(press),
        "deliver": _delivering(lambda f: wecom.deliver(f["userid"], f["text"], copies=int(f.get("copies", 3)))),
    }


def _customers(wecom: WeComPlatform) -> dict[str, Order]:
    customers = wecom.customers

    async def add(fields: Json) -> Json:
        return {"external_userid": await customers.add(**fields)}

    async def scan(fields: Json) -> Json:
        return {"external_userid": await customers.scan(**fields)}

    async def transfer(fields: Json) -> Json:
        pushed = await customers.transfer(fields["userid"], fields["new_userid"], fields["external_userid"])
        return {"items": [_delivery(row) for row in pushed]}

    async def chat(fields: Json) -> Json:
        return asdict_of(customers.chat(fields["userid"], fields["external_userid"]))

    async def push(fields: Json) -> Json:
        pushed = await wecom.customer_contact_events(*fields["events"])
        return {"items": [_delivery(row) for row in pushed]}

    return {
        "external": add,
        "scan": scan,
        "transfer": transfer,
        "chat": chat,
        "contact_events": push,
        "remove": _delivering(lambda f: customers.remove(f["userid"], f["external_userid"])),
        "leave": _delivering(lambda f: customers.leave(f["userid"], f["external_userid"])),
        "edit": _delivering(lambda f: customers.edit(f["userid"], f["external_userid"], remark=f.get("remark", ""))),
        "fail_transfer": _delivering(lambda f: customers.fail_transfer(f["userid"], f["external_userid"])),
        "approve_archive": _delivering(lambda f: customers.approve_archive(f["userid"], f["external_userid"])),
    }


def _groups(wecom: WeComPlatform) -> dict[str, Order]:
    groups, tags = wecom.groups, wecom.console_tags

    async def create(fields: Json) -> Json:
        return {"chat_id": await groups.create(**fields)}

    async def create_tag(fields: Json) -> Json:
        return {"tag_id": await tags.create(**fields)}

    return {
        "group": create,
        "group/join": _delivering(lambda f: groups.join(f["chat_id"], f["people"])),
        "group/quit": _delivering(lambda f: groups.quit(f["chat_id"], f["people"])),
        "group/rename": _delivering(lambda f: groups.rename(f["chat_id"], f["name"])),
        "group/announce": _delivering(lambda f: groups.announce(f["chat_id"], f["notice"])),
        "group/hand_over": _delivering(lambda f: groups.hand_over(f["chat_id"], f["owner"])),
        "group/dismiss": _delivering(lambda f: groups.dismiss(f["chat_id"])),
        "tag": create_tag,
        "tag/rename": _delivering(lambda f: tags.rename(f["tag_id"], f["name"])),
        "tag/delete": _delivering(lambda f: tags.delete(f["tag_id"])),
        "tag/shuffle": _delivering(lambda f: tags.shuffle(f["group_id"])),
    }


def _group_sends(wecom: WeComPlatform) -> dict[str, Order]:
    async def waiting(fields: Json) -> Json:
        rows = wecom.group_sends.sends.waiting_for(fields["userid"])
        return {"items": [{"msgid": row.message_id, "text": row.text, "chat_type": row.chat_type} for row in rows]}

    async def confirm(fields: Json) -> Json:
        return {"reached": wecom.member_confirms(fields["msgid"], fields.get("userid"), fields.get("only"))}

    async def ignore(fields: Json) -> Json:
        wecom.member_ignores(fields["msgid"], fields["userid"])
        return {"ok": True}

    return {"tasks": waiting, "confirm": confirm, "ignore": ignore}


def _knobs(wecom: WeComPlatform) -> dict[str, Order]:
    async def add_robot(fields: Json) -> Json:
        robot = wecom.add_robot(fields["key"], fields["group"])
        robot.refusal = int(fields.get("refusal", 0))
        return asdict_of(robot)

    async def race(fields: Json) -> Json:
        wecom.welcomes.races = int(fields["count"])
        return {"ok": True}

    async def show_dropped(fields: Json) -> Json:
        return {"count": wecom.count_dropped(fields.get("userid")), "suppressed": wecom.messages.suppressed}

    async def expire_tokens(_: Json) -> Json:
        wecom.state.tokens.expire_all()
        return {"ok": True}

    return {"robot": add_robot, "welcome_race": race, "dropped": show_dropped, "tokens/expire": expire_tokens}


def describe_wecom(wecom: WeComPlatform) -> Json:
    """Give what the control interface shows of the corporation."""
    return {
        "callback_url": wecom.callback_url,
        "members": [asdict_of(member) for member in wecom.state.directory.members()],
        "customers": wecom.state.relations.count(),
        "groups": len(wecom.state.relations.groups),
        "dropped": wecom.count_dropped(),
    }


def asdict_of(row: object) -> Json:
    """Turn a dataclass into a JSON object; sets become lists."""
    fields = asdict(row)  # type: ignore[call-overload]  # any of the dataclasses of this folder
    return {name: sorted(value) if isinstance(value, set) else value for name, value in fields.items()}


def _delivering(act: Act) -> Order:
    async def order(fields: Json) -> Json:
        return _delivery(await act(fields))

    return order


def _delivery(delivery: Delivery) -> Json:
    return {
        "message_id": delivery.message_id,
        "statuses": delivery.statuses,
        "reply": delivery.text,
        "broken": delivery.is_broken,
        "problems": delivery.problems,
    }
