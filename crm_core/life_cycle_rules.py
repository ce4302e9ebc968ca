"""The life cycle of customers (客户生命周期) as settings and rules: pure, no table, no I/O.

目标 → 潜在 → 机会 → 用户 → 忠诚, and out of any of them 休眠 → 流失. Reading order: the settings, `Facts`, `judge`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class LifeCycle(StrEnum):
    """Where a customer stands in its life."""

    TARGET = "target"
    POTENTIAL = "potential"
    OPPORTUNITY = "opportunity"
    USER = "user"
    LOYAL = "loyal"
    DORMANT = "dormant"
    LOST = "lost"


LIFE_CYCLE_LABELS = {
    LifeCycle.TARGET: "目标",
    LifeCycle.POTENTIAL: "潜在",
    LifeCycle.OPPORTUNITY: "机会",
    LifeCycle.USER: "用户",
    LifeCycle.LOYAL: "忠诚",
    LifeCycle.DORMANT: "休眠",
    LifeCycle.LOST: "流失",
}
STATUS_OF = {
    LifeCycle.TARGET: "potential",
    LifeCycle.POTENTIAL: "potential",
    LifeCycle.OPPORTUNITY: "potential",
    LifeCycle.USER: "active",
    LifeCycle.LOYAL: "active",
    LifeCycle.DORMANT: "dormant",
    LifeCycle.LOST: "lost",
}
"""What `customers.status` says of each state."""
ASLEEP = (LifeCycle.DORMANT, LifeCycle.LOST)
LOOK_AGAIN = timedelta(days=60)
"""A customer is looked at again after so long, whatever happens."""


def life_cycle_label(state: str) -> str:
    """Say a state as people call it; nothing for one that is none."""
    return next((label for each, label in LIFE_CYCLE_LABELS.items() if each.value == state), "")


def named(words: str) -> LifeCycle | None:
    """Find a state by its name or Chinese label."""
    return next((each for each in LifeCycle if words in (each.value, LIFE_CYCLE_LABELS[each])), None)


@dataclass(frozen=True, slots=True)
class GradeDays:
    """Other days for customers of one value grade or customer grade."""

    grade: str
    dormant_days: int
    lost_days: int


@dataclass(frozen=True, slots=True)
class LifeCycleSettings:
    """`[life_cycle]`: when a customer sleeps, is lost, and is loyal."""

    dormant_days: int = 90
    """Days without any activity after which a customer is dormant (休眠)."""
    lost_days: int = 365
    """Days without any activity after which a customer is lost (流失)."""
    warn_days: int = 14
    """Days before either at which the owner is warned (流失预警)."""
    loyal_purchases: int = 3
    """So many purchases within `loyal_days` make a customer loyal (忠诚)."""
    loyal_days: int = 730
    """The days `loyal_purchases` are counted in."""
    grades: tuple[GradeDays, ...] = ()
    """Other days for customers of a grade."""

    def days_for(self, grade: str) -> tuple[int, int]:
        """Tell after how many days one of this grade is dormant and lost."""
        own = next((each for each in self.grades if each.grade == grade), None) if grade else None
        return (own.dormant_days, own.lost_days) if own else (self.dormant_days, self.lost_days)

    def problems(self) -> list[tuple[str, str]]:
        """List what is wrong, as pairs of key and sentence."""
        found = [
            (key, "需要 0 < dormant_days < lost_days")
            for key, short, long in [
                ("dormant_days", self.dormant_days, self.lost_days),
                *((f"grades.{number}", each.dormant_days, each.lost_days) for number, each in enumerate(self.grades, 1)),
            ]
            if not 0 < short < long
        ]
        shortest = min([self.dormant_days, *(each.dormant_days for each in self.grades)])
        if not 0 <= self.warn_days < max(shortest, 1):
            found.append(("warn_days", "需要小于休眠天数"))
        found += [(key, "至少是 1") for key in ("loyal_purchases", "loyal_days") if getattr(self, key) < 1]
        return found


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a customer. `active_at`: the newest message in, follow-up, step of a deal or purchase."""

    state: LifeCycle
    since: datetime | None
    created_at: datetime
    active_at: datetime | None = None
    grade: str = ""
    status: str = "potential"
    by_hand: bool = False
    open_deals: int = 0
    purchases: int = 0
    recent_purchases: int = 0
    """Those within `loyal_days`."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Where the customer stands now, why, whether to warn, and when to look again."""

    state: LifeCycle
    reason: str
    warn: bool
    due_at: datetime


def judge(settings: LifeCycleSettings, facts: Facts, now: datetime) -> Judged:
    """Tell the state of a customer. One set by hand stays until something happens after it."""
    said = _said_by_hand(facts)
    if said is not None:
        return Judged(said, "手工修改", warn=False, due_at=now + LOOK_AGAIN)
    state, reason = _awake(settings, facts)
    dormant, lost = (timedelta(days=days) for days in settings.days_for(facts.grade))
    last = facts.active_at or facts.created_at
    quiet = now - last
    if quiet >= lost:
        return Judged(LifeCycle.LOST, f"{quiet.days}天没有往来", warn=False, due_at=now + LOOK_AGAIN)
    warn_before = timedelta(days=settings.warn_days)
    if quiet >= dormant:
        warn = warn_before > timedelta(0) and quiet >= lost - warn_before
        due = last + lost if warn else max(last + lost - warn_before, last + dormant)
        return Judged(LifeCycle.DORMANT, f"{quiet.days}天没有往来", warn=warn, due_at=_later(due, now))
    if facts.state in ASLEEP:
        reason = f"重新有了往来，{reason}"
    warn = warn_before > timedelta(0) and quiet >= dormant - warn_before
    return Judged(state, reason, warn=warn, due_at=_later(last + dormant if warn else last + dormant - warn_before, now))


def _awake(settings: LifeCycleSettings, facts: Facts) -> tuple[LifeCycle, str]:
    if facts.recent_purchases >= settings.loyal_purchases:
        return LifeCycle.LOYAL, f"{settings.loyal_days}天内成交{facts.recent_purchases}次"
    if facts.purchases:
        return LifeCycle.USER, f"成交过{facts.purchases}次"
    if facts.open_deals:
        return LifeCycle.OPPORTUNITY, f"有{facts.open_deals}个进行中的商机"
    if facts.active_at is not None:
        return LifeCycle.POTENTIAL, "有过往来"
    return LifeCycle.TARGET, "还没有往来"


def _said_by_hand(facts: Facts) -> LifeCycle | None:
    """Tell the state somebody set, while nothing has happened since: in words, or through the customer's status."""
    if facts.by_hand and (facts.active_at is None or facts.since is None or facts.active_at <= facts.since):
        return facts.state
    if facts.by_hand or facts.status == STATUS_OF[facts.state] or facts.status not in ("dormant", "lost"):
        return None
    return LifeCycle(facts.status)


def _later(due: datetime, now: datetime) -> datetime:
    return min(max(due, now + timedelta(minutes=10)), now + LOOK_AGAIN)
