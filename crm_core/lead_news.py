"""Who is told of a new lead that came in by itself: once, when its chain is done, whoever it came to then. Plain SQL.

Whom rules asked or gave it to was told with that, and so were managers of a lead nobody took; whose record it was merged into
too. What is left lies in the pool, and those who look after the pool of its unit are told.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from crm_core.employees import staff_account_sql
from crm_core.messages import Address, Body, Button, Guarantee
from crm_core.outbox import queue
from crm_core.ports import Core, Program
from crm_core.said_mobiles import hide_mobiles
from crm_core.values import cut_bytes

LASTS = timedelta(hours=24)
MOST_TOLD = 20
"""People told of one lead at most."""
WORDS_BYTES = 180
"""Of what somebody said last, in the notice of a new lead."""
_ROLES = {"managers": ("manager",), "everyone": ("manager", "sales")}


class _News(NamedTuple):
    """A lead to tell of, as it is now; of a merged one the surviving one, with the number of the new one as `first_id`."""

    first_id: int
    id: int
    name: str
    source: str
    words: str
    department_id: int | None
    pool: str

    @property
    def is_merged(self) -> bool:
        return self.first_id != self.id


def tell_of_leads(core: Core, lead_ids: Sequence[int]) -> Program[int]:
    """Tell of those of these leads that are to be told of and lie in the pool now; once each. Tells how many."""
    told = 0
    for news in (yield from _in_pool(lead_ids)):
        told += yield from _tell_of(core, news)
    return told


_POOLED = (
    "SELECT n.id, l.id, l.name, n.source, n.raw_text, l.department_id, l.pool, n.person_id, l.person_id FROM leads n"
    " JOIN leads l ON l.id = coalesce(n.merged_into_id, n.id) WHERE n.id IN ({}) AND n.is_news AND l.owner_id IS NULL"
    " AND l.status IN ('new', 'following')"
    " AND NOT EXISTS (SELECT 1 FROM offers o WHERE o.lead_id = l.id AND o.status = 'open')"
    " AND NOT EXISTS (SELECT 1 FROM lead_exceptions x WHERE x.lead_id = l.id AND x.status IN ('open', 'waiting'))"
    " ORDER BY n.id"
)
_LAST_WORDS = (
    "SELECT m.text FROM accounts a JOIN messages m ON m.account_id = a.id WHERE a.person_id IN (?, ?)"
    " AND a.person_kind = 'customer' AND m.direction = 'in' AND m.kind <> 'event' AND m.text <> '' ORDER BY m.id DESC LIMIT 1"
)


def _in_pool(lead_ids: Sequence[int]) -> Program[list[_News]]:
    rows: Any = yield _POOLED.format(", ".join("?" * len(lead_ids))), tuple(lead_ids)
    found = []
    for first_id, number, name, source, said, department_id, pool, *people in rows:
        last = yield _LAST_WORDS, people
        words = last[0][0] if last else said
        found.append(_News(int(first_id), int(number), name, source, str(words or ""), department_id, pool))
    return found


def _tell_of(core: Core, news: _News) -> Program[int]:
    name = hide_mobiles(news.name)
    origin = f"（来源：{news.source}）" if news.source else ""
    # Hidden before it is cut: what is left of a number that was cut is not known for one.
    words = cut_bytes(hide_mobiles(" ".join(news.words.split())), WORDS_BYTES)
    where = "再次咨询，还在公海" if news.is_merged else "已进入公海"
    text = f"【新线索】{name}{origin}{where}" + (f"：{words}\n" if words else "，") + how_to_claim(news.name)
    button = Button("领取", "claim_lead", {"lead": str(news.id)})
    now, key = core.clock.now(), f"new_lead:{news.first_id}"
    listeners = yield from listeners_of(core, news.department_id, news.pool)
    for employee_id, to in listeners:
        yield from queue_notice(core, to, text, key=f"{key}:{employee_id}", now=now, buttons=(button,))
    channel, _, robot = core.settings.pools.notices_to.partition("/")
    if robot and channel in core.reach:
        yield from queue_notice(core, Address(channel, robot), text, key=f"{key}:group", now=now)
    return 1


def queue_notice(
    core: Core,
    to: Address,
    text: str,
    *,
    key: str,
    now: datetime,
    not_before: datetime | None = None,
    buttons: tuple[Button, ...] = (),
) -> Program[int | None]:
    """Queue a notice that is no news after a day, once per key; None if it is known already."""
    at_least_once, until = Guarantee.AT_LEAST_ONCE, (not_before or now) + LASTS
    body = Body(text=text, buttons=buttons)
    return (yield from queue(core, to, body, key=key, not_before=not_before, guarantee=at_least_once, expires_at=until))


def listeners_of(core: Core, department_id: int | None, pool: str) -> Program[list[tuple[int, Address]]]:
    """List those who look after the pool a lead lies in, and where they are written to; another unit's people are not told."""
    roles = [
        role
        for role in _ROLES.get(core.settings.pools.tell_of_new_leads, ())
        if pool not in core.settings.pools.closed_to(role)
    ]
    if not roles:
        return []
    units = yield from _units_told(department_id)
    account, channels = staff_account_sql(core, "e")
    rows = yield (
        f"SELECT s.channel, s.external_id, e.id, e.department_id FROM employees e JOIN accounts s ON s.id = {account}"  # noqa: S608
        f" WHERE e.departed_at IS NULL AND e.role IN ({', '.join('?' * len(roles))}) ORDER BY e.id",
        (*channels, *roles),
    )
    seen = [row for row in rows if units is None or row[3] in units]
    return [(int(number), Address(channel, external_id)) for channel, external_id, number, _ in seen[:MOST_TOLD]]


def _units_told(department_id: int | None) -> Program[set[int] | None]:
    """Name the units that see a unit's pool: it, those above and below it, and headquarters. None: everybody does."""
    if department_id is None:
        return None
    rows = yield "SELECT id, parent_id, kind FROM departments", ()
    parents = {int(number): above for number, above, _ in rows}
    told = {int(number) for number, _, kind in rows if kind == "headquarters"}
    above: int | None = department_id
    while above is not None and above not in told - {department_id}:
        told.add(above)
        above = parents.get(above)
    below = {department_id}
    while found := {number for number, parent in parents.items() if parent in below} - below:
        below |= found
    return told | below


def how_to_claim(name: str) -> str:
    """Tell how to claim somebody: by the name, unless there is a number in it, which nobody may be told yet."""
    return f"回复“领取 {name}”即可领取" if hide_mobiles(name) == name else "回复“公海”，再按序号领取"
