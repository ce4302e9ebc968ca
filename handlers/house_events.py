"""What the platform tells of the house itself: somebody joined or left the organisation. Plain SQL."""

from crm_core.messages import InboundMessage
from crm_core.ports import Core, Program
from scheduler.notices import tell_admins

LEFT = frozenset({"user_leave_org"})
"""Events that somebody is no longer of the organisation."""
MOST = 50
"""People of one event looked at."""


def take_house_event(core: Core, message: InboundMessage) -> Program[None]:
    """Tell the admins of whoever left the organisation and still has an account here; the rest is history."""
    if message.event not in LEFT:
        return
    ids = message.data.get("user_ids")
    people = [str(one) for one in ids][:MOST] if isinstance(ids, list) else []
    if not people:
        return
    rows = yield (
        "SELECT e.id, e.name FROM accounts a JOIN employees e ON e.person_id = a.person_id AND e.departed_at IS NULL"  # noqa: S608 - question marks
        f" WHERE a.channel = ? AND a.person_kind = 'employee' AND a.external_id IN ({', '.join('?' * len(people))})",
        (message.address.channel, *people),
    )
    for number, name in rows:
        label = core.channel_labels.get(message.address.channel, message.address.channel)
        text = f"【{label}】{name}已离开组织，账号仍绑定着。若已离职，请运行 guanxi employee depart {number}"
        yield from tell_admins(core, text, key=f"left:{message.key[-200:]}:{number}")
