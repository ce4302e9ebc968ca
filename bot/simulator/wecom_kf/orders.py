"""The verbs of the simulated customer service for the control interface, under /_sim/kf/."""

from collections.abc import Awaitable, Callable

from bot.simulator.records import Json
from bot.simulator.wecom_kf.platform import KfPlatform, KfPush

Order = Callable[[Json], Awaitable[Json]]
Act = Callable[[Json], Awaitable[KfPush]]
KNOBS = ("empty_pages", "page", "tokenless_per_minute")


def kf_orders(kf: KfPlatform) -> dict[str, Order]:
    """Name the verbs; each takes and gives a JSON object."""

    async def handshake(_: Json) -> Json:
        return {"ok": await kf.handshake()}

    async def fail_next(fields: Json) -> Json:
        kf.fail_next_send(int(fields.get("fail_type", 4)))
        return {"ok": True}

    async def configure(fields: Json) -> Json:
        kf.callback_url = fields.get("callback_url", kf.callback_url)
        kf.pushes_events = bool(fields.get("pushes_events", kf.pushes_events))
        for name in KNOBS:
            setattr(kf.state, name, int(fields.get(name, getattr(kf.state, name))))
        return {"callback_url": kf.callback_url, "customers": len(kf.state.customers), "open_kfid": kf.corp.open_kfid}

    return {
        "handshake": handshake,
        "fail_next": fail_next,
        "configure": configure,
        "enter": _pushing(lambda f: kf.customer_enters(f["person"], f.get("scene", ""), f.get("scene_param", ""))),
        "say": _pushing(lambda f: kf.customer_sends(f["person"], f["text"])),
        "crowd": _pushing(lambda f: kf.crowd_sends(f["people"], f["text"])),
        "message": _pushing(lambda f: kf.customer_sends(f["person"], **f["fields"])),
        "recall": _pushing(lambda f: kf.customer_recalls(f["person"], f["msgid"])),
        "switch": _pushing(lambda f: kf.customer_switches(f["person"], bool(f["reject"]))),
        "agent": _pushing(lambda f: kf.agent_sends(f["person"], f["text"])),
        "take_over": _pushing(lambda f: kf.agent_takes_over(f["person"])),
        "end": _pushing(lambda f: kf.end_session(f["person"])),
        "servicer": _pushing(lambda f: kf.servicer_changes(f["servicer"], int(f["status"]))),
        "push": _pushing(lambda _: kf.push_event()),
    }


def _pushing(act: Act) -> Order:
    async def order(fields: Json) -> Json:
        push = await act(fields)
        return {"statuses": push.statuses, "token": push.token}

    return order
