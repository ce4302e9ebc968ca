"""Pools (公海) as settings, and what they say about a lead: pure, no table, no I/O.

Reading order: `Trait` (what is known of a lead), `Condition` (what a rule asks of it), the settings, when a lead goes back.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from crm_core.clock import at_local, to_local

POOL_WARNING = timedelta(days=3)
"""How long before its return to the pool a lead's owner is warned, unless the settings say otherwise."""
_NEVER = timedelta(days=365 * 300)
ROLES = ("sales", "manager", "marketer", "admin", "viewer")


@dataclass(frozen=True, slots=True)
class Trait:
    """What a rule may ask of a lead."""

    source: str = ""
    channel: str = ""
    campaign: str = ""
    region: str = ""
    text: str = ""
    """Need and company: where products are named."""
    score: int = 0
    grade: str = ""
    at: datetime | None = None
    """When it came in."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What must be so; each named thing must fit, of a list any word. Empty: every lead fits."""

    sources: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    campaigns: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    """Beginnings or parts of the region: 上海, 浙江."""
    words: tuple[str, ...] = ()
    """Words in its need or company: products."""
    grades: tuple[str, ...] = ()
    min_score: int = 0
    max_score: int = 0
    """0: no upper end."""
    time_from: time | None = None
    time_until: time | None = None
    """Between these times in Shanghai it came in; over midnight when the first is later."""
    weekdays: tuple[int, ...] = ()
    """1 Monday to 7 Sunday."""

    def fits(self, lead: Trait) -> bool:
        """Tell whether a lead fits."""
        exact = ((self.channels, lead.channel), (self.campaigns, lead.campaign), (self.grades, lead.grade))
        parts = ((self.sources, lead.source), (self.regions, lead.region), (self.words, lead.text))
        if any(wanted and value not in wanted for wanted, value in exact):
            return False
        if any(wanted and not any(word in value for word in wanted) for wanted, value in parts):
            return False
        if lead.score < self.min_score or (self.max_score and lead.score > self.max_score):
            return False
        return self._in_time(lead.at)

    def _in_time(self, at: datetime | None) -> bool:
        if at is None:
            return True
        local = to_local(at)
        if self.weekdays and local.isoweekday() not in self.weekdays:
            return False
        return within(local.time(), self.time_from, self.time_until)

    def say(self) -> str:
        """Say it in Chinese: 来源官网，地区上海."""
        told = [("来源", self.sources), ("渠道", self.channels), ("活动", self.campaigns), ("地区", self.regions)]
        told += [("需求含", self.words), ("等级", self.grades)]
        parts = [f"{label}{'或'.join(words)}" for label, words in told if words]
        parts += [f"评分≥{self.min_score}"] if self.min_score else []
        parts += [f"评分≤{self.max_score}"] if self.max_score else []
        if self.time_from or self.time_until:
            parts.append(f"{self.time_from or time(0):%H:%M}-{self.time_until or time(0):%H:%M}进来")
        parts += ["星期" + "".join("一二三四五六日"[day - 1] for day in self.weekdays)] if self.weekdays else []
        return "，".join(parts) or "全部线索"

    def problems(self) -> Iterable[str]:
        """Say what is wrong with it."""
        if self.max_score and self.max_score < self.min_score:
            yield "max_score 不能小于 min_score"
        if any(not 1 <= day <= 7 for day in self.weekdays):
            yield "weekdays 只能是 1（周一）到 7（周日）"


EVERY = Condition()
"""Nothing is asked: every lead fits."""


def within(local: time, start: time | None, end: time | None) -> bool:
    """Tell whether a time of day lies between two; over midnight when the first is later."""
    if start is None and end is None:
        return True
    first, last = start or time(0), end or time.max
    return first <= local < last if first <= last else local >= first or local < last


@dataclass(frozen=True, slots=True)
class PoolKind:
    """One pool: which leads lie in it, and who sees and claims them."""

    name: str
    label: str = ""
    when: Condition = EVERY
    roles: tuple[str, ...] = ()
    """Empty: everybody who sees pools at all."""
    claim_cap: int = 0
    """Open leads of this pool one employee may own; 0: only the general cap."""
    cool_down_days: int = 0
    """0: the general number."""

    @property
    def title(self) -> str:
        """What people call it."""
        return self.label or self.name


@dataclass(frozen=True, slots=True)
class ReturnRule:
    """How long leads of some grades or products may rest before they go back (线索时效). The first that fits counts."""

    grades: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    """Products: words in the need."""
    reclaim_days: int = 30
    protection_days: int = 0
    """0: the general number."""
    warning_days: int = 0
    """0: the general number."""
    after_contract_days: int = 0
    """So many days after the end of its contract it goes back; while the contract runs it never does."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for one lead."""

    reclaim_days: int
    protection_days: int
    warning: timedelta
    after_contract_days: int = 0


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """`[pools]`: claiming from and returning to the pool (公海)."""

    claim_cap: int = 50
    """Open leads one employee may own."""
    protection_days: int = 7
    """A claimed lead is its owner's for so long, whatever else would return it."""
    reclaim_days: int = 30
    """An owned lead nobody touched for so many days returns to the pool; 0: never."""
    warning_days: int = 3
    """So long before its return the owner is warned."""
    claims_a_day: int = 0
    """How many leads one employee may claim a day; 0: no cap."""
    cool_down_days: int = 0
    """Whoever gave a lead back, or lost it to the pool, may not claim the same one for so long; 0: no cool-down."""
    views_a_day: int = 0
    """How many pool leads one employee is shown a day, masked; 0: no cap."""
    overdue_days: int = 7
    """An owned lead untouched for so long is listed to its owner each morning; 0: never."""
    overdue_manager_days: int = 3
    """So many days later it is listed to the manager too."""
    kinds: tuple[PoolKind, ...] = ()
    """Several pools; a lead lies in the first one it fits."""
    returns: tuple[ReturnRule, ...] = ()
    """Terms by grade, product or end of contract, beside the general ones."""
    tell_of_new_leads: str = "managers"
    """Who is told in chat that a lead came into the pool: managers, everyone (and sales), nobody."""
    notices_to: str = ""
    """Where a new lead is told besides: a custom group robot, as "CHANNEL/robot:NAME"."""

    def problems(self) -> list[tuple[str, str]]:
        """List what is wrong, as pairs of key and sentence."""
        channel, _, robot = self.notices_to.partition("/")
        is_robot = bool(channel) and robot.startswith("robot:") and robot != "robot:"
        found = [] if is_robot or not self.notices_to else [("notices_to", "需要写成 渠道名/robot:机器人名")]
        names = [each.name for each in self.kinds]
        found += [("kinds", f"{name} 出现了两次") for name in sorted({name for name in names if names.count(name) > 1})]
        for each in self.kinds:
            if not each.name.strip() or len(each.name) > 32:
                found.append(("kinds", "name 需要1到32个字"))
            found += [("kinds", f"{each.name}：角色 {role} 不认识") for role in each.roles if role not in ROLES]
            found += [("kinds", f"{each.name}：{sentence}") for sentence in each.when.problems()]
        found += [("returns", "reclaim_days 需要大于 0") for each in self.returns if not each.reclaim_days]
        return found

    def find(self, word: str) -> PoolKind | None:
        """Find a pool by its name or label."""
        return next((each for each in self.kinds if word and word in (each.name, each.label)), None)

    def kind_of(self, lead: Trait) -> str:
        """Tell the pool a lead belongs to; "" is the common one."""
        return next((each.name for each in self.kinds if each.when.fits(lead)), "")

    def label_of(self, pool: str) -> str:
        """Say a pool as people call it."""
        found = self.find(pool)
        return found.title if found else "公海"

    def closed_to(self, role: str) -> frozenset[str]:
        """Name the pools a role may not see."""
        return frozenset(each.name for each in self.kinds if each.roles and role not in each.roles and role != "admin")

    def cool_down_of(self, pool: str) -> int:
        """Tell the days somebody who had a lead of this pool must leave it to others."""
        found = self.find(pool)
        return (found.cool_down_days if found else 0) or self.cool_down_days

    def terms_for(self, grade: str, text: str) -> Terms:
        """Tell what holds for a lead of this grade and need."""
        general = Terms(self.reclaim_days, self.protection_days, timedelta(days=self.warning_days))
        for each in self.returns:
            if (each.grades and grade not in each.grades) or (each.words and not any(word in text for word in each.words)):
                continue
            warning = timedelta(days=each.warning_days) if each.warning_days else general.warning
            return Terms(each.reclaim_days, each.protection_days or general.protection_days, warning, each.after_contract_days)
        return general

    @property
    def soonest(self) -> timedelta:
        """How long at least a lead rests before anybody is warned."""
        terms = [each for each in (self.terms_for(*each) for each in self.examples) if each.reclaim_days]
        return max(timedelta(), min((timedelta(days=each.reclaim_days) - each.warning for each in terms), default=_NEVER))

    @property
    def examples(self) -> list[tuple[str, str]]:
        """Give a grade and need for each set of terms there is."""
        told = [(each.grades[0] if each.grades else "", each.words[0] if each.words else "") for each in self.returns]
        return [("", ""), *told]


def return_at(touched_at: datetime, claimed_at: datetime | None, terms: Terms, contract_ends_on: date | None) -> datetime:
    """Tell when an owned lead that nobody touches goes back to the pool (回收).

    Never inside its protection (保护期), nor while its contract runs; one that ended before the claim was another's.
    """
    due = touched_at + (timedelta(days=terms.reclaim_days) if terms.reclaim_days else _NEVER)
    ended = None if contract_ends_on is None else at_local(contract_ends_on, time(0)) + timedelta(days=1)
    if ended is not None and (claimed_at is None or ended > claimed_at):
        # By the contract alone where the terms say so: a touch does not keep what nobody renewed.
        days = terms.after_contract_days
        due = ended + timedelta(days=days) if days else max(due, ended)
    return due if claimed_at is None else max(due, claimed_at + timedelta(days=terms.protection_days))
