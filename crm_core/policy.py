"""The one guard for everything sent to customers of our own accord: send, wait until, or leave out because.

The same rules stand here twice, on purpose side by side: `decide` for one message, `reason_sql` for pages of a broadcast
(planning and the claim use the same words). Quiet hours only ever delay; every other rule leaves somebody out with its reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from crm_core.clock import at_local, to_local
from crm_core.ports import CampaignSettings
from crm_core.reach import ReachRule


class Reason(StrEnum):
    """Why somebody is left out; stable codes."""

    NO_ACCOUNT = "no_account"
    OPTED_OUT = "opted_out"
    UNFOLLOWED = "unfollowed"
    NO_GREETING = "no_greeting"
    ALREADY_GREETED = "already_greeted"
    FREQUENCY_CAP = "frequency_cap"
    WINDOW_CLOSED = "window_closed"
    MASS_QUOTA = "mass_quota"
    TOO_LATE = "too_late"
    GONE = "gone"


REASON_LABELS = {
    Reason.NO_ACCOUNT: "没有该渠道的账号",
    Reason.OPTED_OUT: "已退订",
    Reason.UNFOLLOWED: "已取消关注",
    Reason.NO_GREETING: "按客户阶段不问候",
    Reason.ALREADY_GREETED: "当天已收到同一祝福",
    Reason.FREQUENCY_CAP: "近期群发已达上限",
    Reason.WINDOW_CLOSED: "不在可发送时间窗内",
    Reason.MASS_QUOTA: "本月群发次数已满",
    Reason.TOO_LATE: "已过当天，不再补发",
    Reason.GONE: "客户已删除或合并",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What the guard has to know about one person on one channel."""

    has_account: bool = True
    opted_out: bool = False
    unfollowed: bool = False
    not_greeted: bool = False
    """Where they stand in life cycle and value, nobody is greeted on this occasion."""
    already_greeted: bool = False
    recent_count: int = 0
    """Broadcast messages this person got within `frequency_days`."""
    window_open: bool = True
    mass_used_up: bool = False
    """The platform's own cap of mass messages a month is reached."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Send now (both empty), send from `not_before` on, or leave out for `reason`."""

    reason: Reason | None = None
    not_before: datetime | None = None


def decide(facts: Facts, settings: CampaignSettings, now: datetime) -> Decision:
    """Decide about one marketing message to one person; pure."""
    for broken, reason in (
        (not facts.has_account, Reason.NO_ACCOUNT),
        (facts.opted_out, Reason.OPTED_OUT),
        (facts.unfollowed, Reason.UNFOLLOWED),
        (facts.not_greeted, Reason.NO_GREETING),
        (facts.already_greeted, Reason.ALREADY_GREETED),
        (facts.recent_count >= settings.frequency_cap, Reason.FREQUENCY_CAP),
        (not facts.window_open, Reason.WINDOW_CLOSED),
        (facts.mass_used_up, Reason.MASS_QUOTA),
    ):
        if broken:
            return Decision(reason=reason)
    return Decision(not_before=quiet_until(settings, now))


def quiet_until(settings: CampaignSettings, now: datetime) -> datetime | None:
    """Tell when the quiet hours (免打扰时段) that hold now end; None outside them.

    `quiet_from` later than `quiet_until` means over midnight.
    """
    start, end = settings.quiet_from, settings.quiet_until
    local = to_local(now)
    clock_time = local.time()
    if start == end:
        return None
    if start < end:
        return at_local(local.date(), end) if start <= clock_time < end else None
    if clock_time >= start:
        return at_local(local.date() + timedelta(days=1), end)
    return at_local(local.date(), end) if clock_time < end else None


@dataclass(frozen=True, slots=True)
class Gate:
    """What the guard asks of a page: the channel's windows (None: none needed), the cap, and the greeting it is for."""

    rule: ReachRule | None
    settings: CampaignSettings
    now: datetime
    greeting_prefix: str = ""
    greeting_suffix: str = ""
    """The greeting key is prefix, person number, suffix; empty for what is no greeting."""
    not_greeted: tuple[str, ...] = ()
    """Cells of life cycle and value (`life_cycle:value`) whose customers do not get this greeting."""
    nobody_reached: bool = False
    """No other broadcast reached anybody within `frequency_days`: then nobody can be over the cap."""
    mass_monthly: int | None = None
    """Mass messages the platform lets a person have in a calendar month; None: not asked."""


ACCOUNT_JOIN = (
    "LEFT JOIN accounts a ON a.id = (SELECT x.id FROM accounts x WHERE x.person_id = p.person_id AND x.channel = ?"
    " AND x.person_kind = 'customer' ORDER BY (x.opted_out_at IS NULL), (x.unfollowed_at IS NOT NULL), x.id DESC LIMIT 1)"
)
"""Joins the person's account `a` on one channel (?) to people `p`; an opted-out one first: consent is the person's."""

_GONE = (
    "EXISTS (SELECT 1 FROM contacts d WHERE d.person_id = p.person_id AND d.deleted_at IS NOT NULL)"
    " OR EXISTS (SELECT 1 FROM people d WHERE d.id = p.person_id AND d.merged_into_id IS NOT NULL)"
)
_OPTED_OUT = "a.opted_out_at IS NOT NULL"
_UNFOLLOWED = "a.unfollowed_at IS NOT NULL AND (a.followed_at IS NULL OR a.followed_at <= a.unfollowed_at)"


def reason_sql(gate: Gate, *, planned_already: bool = False) -> tuple[str, list[object]]:
    """Give a CASE over `p.person_id` and account `a`: the reason somebody is left out, NULL for those who get it.

    `planned_already`: at the claim, where the row itself holds the greeting key.
    """
    # Whom a plan draws is there; until the claim they may have been deleted, or become part of another person.
    arms: list[tuple[str, str, Sequence[object]]] = [(_GONE, Reason.GONE, ())] if planned_already else []
    arms += [
        ("a.id IS NULL", Reason.NO_ACCOUNT, ()),
        (_OPTED_OUT, Reason.OPTED_OUT, ()),
        (_UNFOLLOWED, Reason.UNFOLLOWED, ()),
    ]
    if gate.not_greeted:
        cells = ", ".join("?" * len(gate.not_greeted))
        stands = (
            "EXISTS (SELECT 1 FROM contacts gc JOIN customers gu ON gu.id = gc.customer_id WHERE gc.person_id = p.person_id"  # noqa: S608
            f" AND coalesce(gu.life_cycle, '') || ':' || coalesce(gu.value_grade, '') IN ({cells}))"
        )
        arms.append((stands, Reason.NO_GREETING, gate.not_greeted))
    if gate.greeting_suffix and not planned_already:
        greeted = (
            "EXISTS (SELECT 1 FROM recipients g"
            " WHERE g.greeting_key = CAST(? AS TEXT) || CAST(p.person_id AS TEXT) || CAST(? AS TEXT))"
        )
        arms.append((greeted, Reason.ALREADY_GREETED, (gate.greeting_prefix, gate.greeting_suffix)))
    if not gate.nobody_reached or gate.settings.frequency_cap < 1:
        since = gate.now - timedelta(days=gate.settings.frequency_days)
        # claimed_at stays on rows that were sent, are on their way or may have arrived: all of them count.
        # At the claim `p` is such a row itself, and must not be in its own way when it goes again.
        others = " AND h.id <> p.id" if planned_already else ""
        capped = f"(SELECT count(*) FROM recipients h WHERE h.person_id = p.person_id AND h.claimed_at > ?{others}) >= ?"  # noqa: S608
        arms.append((capped, Reason.FREQUENCY_CAP, (since, gate.settings.frequency_cap)))
    if gate.rule is not None and gate.rule.windowed:
        clause, values = _window_sql(gate.rule, gate.now)
        arms.append((f"NOT ({clause})", Reason.WINDOW_CLOSED, values))
    if gate.mass_monthly is not None:
        month = at_local(to_local(gate.now).date().replace(day=1), time())
        others = " AND h.id <> p.id" if planned_already else ""
        had = (
            "(SELECT count(*) FROM recipients h WHERE h.person_id = p.person_id AND h.claimed_at >= ?"  # noqa: S608
            f" AND h.mass_id IS NOT NULL AND h.account_id = a.id{others}) >= ?"
        )
        arms.append((had, Reason.MASS_QUOTA, (month, gate.mass_monthly)))
    sql = "".join(f" WHEN {clause} THEN '{reason}'" for clause, reason, _ in arms)
    return f"CASE{sql} END", [value for _, _, values in arms for value in values]


def _window_sql(rule: ReachRule, now: datetime) -> tuple[str, list[object]]:
    clauses: list[str] = []
    values: list[object] = []
    for window, name in ((rule.message, "message"), (rule.event, "event")):
        if window is not None:
            clauses.append(f"coalesce(a.{name}_window_at > ? AND a.{name}_window_used < ?, FALSE)")
            values += [now - window.lasts, window.count]
    return " OR ".join(clauses), values
