"""Who gets a lead, as settings: distribution to units (分发), assignment inside one (分配), sales scripts (销售话术).

Pure: no table, no I/O. Reading order: the settings, then `Candidate` and `choose`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from crm_core.calendar import is_workday
from crm_core.clock import to_local
from crm_core.pool_rules import EVERY, Condition, Trait, within

METHODS = ("round_robin", "load")
METHOD_LABELS = {"round_robin": "轮流", "load": "名下线索少的优先"}
OFF_WORK = "现在没有人上班"
NO_ANSWERS = "大家都有线索还没答复"
MATCHES = ("region", "skill")
KIND_LABELS = {"headquarters": "总部", "department": "部门", "dealer": "经销商", "shop": "门店"}


@dataclass(frozen=True, slots=True)
class DistributionRule:
    """Leads that fit go to a unit (分发); no department: they stay with headquarters."""

    name: str
    department: str = ""
    when: Condition = EVERY


@dataclass(frozen=True, slots=True)
class DistributionSettings:
    """`[distribution]`: which unit a new lead nobody owns goes to. The first rule that fits counts."""

    enabled: bool = True
    """Whether leads are given to units by themselves; by hand they always can be."""
    own_source_stays: bool = True
    """Whether what a unit collected itself is never distributed away (谁收集归谁)."""
    rules: tuple[DistributionRule, ...] = ()
    """Without a rule leads stay with headquarters."""

    def problems(self) -> list[tuple[str, str]]:
        """List what is wrong, as pairs of key and sentence."""
        return _wrong_rules([(each.name, each.when) for each in self.rules])

    def rule_for(self, lead: Trait) -> DistributionRule | None:
        """Find the rule for a lead."""
        return next((each for each in self.rules if each.when.fits(lead)), None)


@dataclass(frozen=True, slots=True)
class AssignmentRule:
    """How leads are given to the employees of some units (分配)."""

    name: str
    departments: tuple[str, ...] = ()
    """Empty: every unit, and headquarters' pool too."""
    when: Condition = EVERY
    method: str = "round_robin"
    """round_robin: whoever got none for longest; load: whoever has fewest open leads, offers among them."""
    match: tuple[str, ...] = ()
    """region, skill: only employees whose regions or skills fit the lead."""
    offer: bool = True
    """Whether the employee is asked first (接受/拒绝); else the lead is theirs at once."""
    answer_within: timedelta = timedelta(minutes=30)
    """Silence for so long: the next one is asked."""
    most_offers: int = 5
    """After so many the lead goes to the list of exceptions."""
    any_time: bool = False
    """Whether working hours and days off count for nothing."""


@dataclass(frozen=True, slots=True)
class AssignmentSettings:
    """`[assignment]`: how a unit's leads are given to its employees."""

    capacity: int = 0
    """Open leads and offers above which nobody is given more, unless the employee's own number says so; 0: the claim cap."""
    work_from: time = time(9)
    """When the working day begins; outside it nobody is given leads, unless a rule says `any_time`."""
    work_until: time = time(18)
    """When the working day ends."""
    rules: tuple[AssignmentRule, ...] = ()
    """Without a rule leads lie in the unit's pool until somebody claims them."""

    def problems(self) -> list[tuple[str, str]]:
        """List what is wrong, as pairs of key and sentence."""
        found = _wrong_rules([(each.name, each.when) for each in self.rules])
        for each in self.rules:
            if each.method not in METHODS:
                found.append(("rules", f"{each.name}：method 只能是 {'、'.join(METHODS)}"))
            found += [("rules", f"{each.name}：match 不认识 {word}") for word in each.match if word not in MATCHES]
            if not each.answer_within or not each.most_offers:
                found.append(("rules", f"{each.name}：answer_within 和 most_offers 需要大于 0"))
        return found

    def rule_for(self, department: str, lead: Trait) -> AssignmentRule | None:
        """Find the rule for a lead of a unit ("": headquarters' pool)."""
        fitting = (each for each in self.rules if not each.departments or department in each.departments)
        return next((each for each in fitting if each.when.fits(lead)), None)


@dataclass(frozen=True, slots=True)
class ScriptText:
    """What to say (话术): for a stage, or when a follow-up contains one of the words."""

    title: str
    text: str
    words: tuple[str, ...] = ()
    stage: str = ""


@dataclass(frozen=True, slots=True)
class ScriptSettings:
    """`[sales_scripts]`: wording offered to salespeople; the house may add more in chat and API."""

    offer_after_follow_up: bool = True
    """Whether wording for the stage is offered below the answer to a follow-up."""
    items: tuple[ScriptText, ...] = ()
    """The stored wording (话术)."""

    def problems(self) -> list[tuple[str, str]]:
        """List what is wrong, as pairs of key and sentence."""
        empty = [each for each in self.items if not (each.title.strip() and each.text.strip() and (each.words or each.stage))]
        return [("items", f"「{each.title}」需要写 title、text，以及 words 或 stage") for each in empty]


def _wrong_rules(rules: "Sequence[tuple[str, Condition]]") -> list[tuple[str, str]]:
    names = [name for name, _ in rules]
    found = [("rules", f"{name} 出现了两次") for name in sorted({name for name in names if names.count(name) > 1})]
    found += [("rules", "每条规则都需要 name") for name in names if not name.strip()]
    return found + [("rules", f"{name}：{sentence}") for name, when in rules for sentence in when.problems()]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An employee who might be given a lead."""

    employee_id: int
    name: str
    open_count: int = 0
    """Open leads they own."""
    asked_count: int = 0
    """Leads they are being asked about."""
    capacity: int = 0
    """0: no cap."""
    regions: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    work_from: time | None = None
    work_until: time | None = None
    work_days: tuple[int, ...] = ()
    """Empty: working days of the calendar."""
    away: bool = False
    turn: int = 0
    """The lowest is next."""

    @property
    def load(self) -> int:
        """What they own, and what would be theirs if they took all they are asked about."""
        return self.open_count + self.asked_count

    def say_load(self) -> str:
        """Say it: 名下线索3条，待答复1条."""
        return f"名下线索{self.open_count}条" + (f"，待答复{self.asked_count}条" if self.asked_count else "")


@dataclass(frozen=True, slots=True)
class Choice:
    """Who gets it and why; nobody: why not."""

    candidate: Candidate | None
    reason: str
    later: bool = False
    """Nobody now, but somebody when work begins or an offer is answered."""


def choose(rule: AssignmentRule, lead: Trait, candidates: Sequence[Candidate], now: datetime) -> Choice:
    """Choose who is given a lead; the sentence tells them why, or a manager why nobody was found."""
    left, why = list(candidates), [f"规则「{rule.name}」"]
    if not left:
        return Choice(None, "单位里没有可分配的在职销售")
    steps: list[tuple[str, Callable[[Candidate], bool]]] = [("都请假了", lambda each: not each.away)]
    if "region" in rule.match:
        steps.append((f"没有人负责{lead.region or '这个地区'}", lambda each: any(word in lead.region for word in each.regions)))
        why.append(f"负责地区{lead.region}")
    if "skill" in rule.match:
        steps.append(("没有人的专长对得上需求", lambda each: any(word in lead.text for word in each.skills)))
        why.append("专长对得上需求")
    if not rule.any_time:
        steps.append((OFF_WORK, lambda each: is_working(each, now)))
    steps.append(("名下线索都满了", lambda each: not each.capacity or each.open_count < each.capacity))
    steps.append((NO_ANSWERS, lambda each: not each.capacity or each.load < each.capacity))
    for sentence, fits in steps:
        left = [each for each in left if fits(each)]
        if not left:
            return Choice(None, sentence, later=sentence in (OFF_WORK, NO_ANSWERS))
    chosen = min(left, key=lambda each: _rank(rule.method, each))
    why.append(chosen.say_load() if rule.method == "load" else METHOD_LABELS[rule.method])
    return Choice(chosen, "，".join(why))


def _rank(method: str, each: Candidate) -> tuple[int, ...]:
    return (each.load, each.turn, each.employee_id) if method == "load" else (each.turn, each.employee_id)


def is_working(each: Candidate, now: datetime) -> bool:
    """Tell whether somebody works now: their days and hours, else the house's."""
    local = to_local(now)
    days_fit = local.isoweekday() in each.work_days if each.work_days else is_workday(local.date())
    return days_fit and within(local.time(), each.work_from, each.work_until)
