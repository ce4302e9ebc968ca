"""Who is taken for the same: the settings, what two records have in common, and what the rules make of it. Pure.

Reading order: `Rule` and `IdentitySettings`, `Facts`, `in_common` and `conflicts`, `judge`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rapidfuzz import fuzz

from crm_core.name_keys import company_key, company_name, person_key, plain_name

SAME, DOUBTFUL = "same", "doubtful"
PERSON, COMPANY = "person", "company"
HARD: Mapping[str, str] = {
    "mobile": "手机号",
    "email": "邮箱",
    "wechat_id": "微信号",
    "unionid": "微信身份（unionid）",
    "account": "渠道账号",
    "credit_code": "统一社会信用代码",
}
"""Kinds of ids that belong to one person or company alone, as people call them."""
SOFT: Mapping[str, str] = {
    "landline": "座机相同",
    "name": "姓名相同",
    "name_pinyin": "姓名同音",
    "name_near": "姓名相近",
    "company": "公司相同",
    "company_core": "公司名称相同，地区只写了一边",
    "company_pinyin": "公司名称同音",
    "company_near": "公司名称相近",
    "region": "地区相同",
}
FIELDS = (*HARD, *SOFT)
OF_COMPANIES = frozenset({"credit_code", "company", "company_core", "company_pinyin", "company_near", "region"})
IMPLIED: Mapping[str, tuple[str, ...]] = {
    "name": ("name_pinyin", "name_near"),
    "name_pinyin": ("name_near",),
    "company": ("company_core", "company_pinyin", "company_near"),
    "company_core": ("company_pinyin", "company_near"),
    "company_pinyin": ("company_near",),
}
"""What the stronger evidence says already, so that it is not counted twice."""
CONFLICT_SHARE = 75
"""Percent of the score that is left when two ids of one kind contradict each other."""
CERTAIN = 100
_SHORTEST_NAME = 2


@dataclass(frozen=True, slots=True)
class Rule:
    """One combination that makes two records the same: every one of `all_of` agrees.

    `weight` is what it adds to the score, up to 100; `same_source`, `same_campaign` and `within_days` (0: any time) narrow it.
    """

    all_of: tuple[str, ...]
    kind: str = PERSON
    action: str = DOUBTFUL
    weight: int = 60
    same_source: bool = False
    same_campaign: bool = False
    within_days: int = 0

    def problems(self) -> list[tuple[str, str]]:
        """List what is wrong, as pairs of key and sentence."""
        found = []
        unknown = [name for name in self.all_of if name not in FIELDS]
        if unknown or not self.all_of:
            found.append(("all_of", f"只能用 {'、'.join(FIELDS)}，至少一项"))
        elif self.kind == COMPANY and not set(self.all_of) <= OF_COMPANIES:
            found.append(("all_of", f"公司规则只能用 {'、'.join(sorted(OF_COMPANIES))}"))
        if self.kind not in (PERSON, COMPANY):
            found.append(("kind", "只能是 person 或 company"))
        if self.action not in (SAME, DOUBTFUL):
            found.append(("action", "只能是 same 或 doubtful"))
        if not 1 <= self.weight <= CERTAIN:
            found.append(("weight", f"需要在 1 到 {CERTAIN} 之间"))
        return found


DEFAULT_RULES = (
    Rule(("mobile",), action=SAME, weight=100),
    Rule(("unionid",), action=SAME, weight=100),
    Rule(("account",), action=SAME, weight=100),
    Rule(("wechat_id",), action=SAME, weight=95),
    Rule(("email",), action=SAME, weight=95),
    Rule(("name", "company"), action=SAME, weight=85, same_source=True, within_days=7),
    Rule(("name", "company"), weight=80),
    Rule(("name", "landline"), weight=80),
    Rule(("name", "company_near"), weight=60),
    Rule(("name_pinyin", "company"), weight=65),
    Rule(("name_near", "company", "landline"), weight=60),
    Rule(("name", "region"), weight=40),
    Rule(("credit_code",), kind=COMPANY, action=SAME, weight=100),
    Rule(("company",), kind=COMPANY, action=SAME, weight=90),
    Rule(("company_core",), kind=COMPANY, weight=70),
    Rule(("company_pinyin",), kind=COMPANY, weight=60),
    Rule(("company_near",), kind=COMPANY, weight=50),
)
NEWEST, KEEP, ASK = "newest", "keep", "ask"


@dataclass(frozen=True, slots=True)
class OverwriteSettings:
    """`[identity.overwrite]`: what happens when two records of one person say different things; an empty value is filled."""

    name: str = KEEP
    company: str = KEEP
    title: str = NEWEST
    mobile: str = ASK
    landline: str = NEWEST
    wechat_id: str = ASK
    email: str = ASK
    birthday: str = KEEP
    region: str = NEWEST
    need: str = NEWEST
    amount: str = NEWEST
    source: str = KEEP
    campaign: str = KEEP
    grade: str = KEEP
    industry: str = KEEP
    credit_code: str = ASK

    def problems(self) -> list[tuple[str, str]]:
        """List what is wrong, as pairs of key and sentence."""
        words = {name: getattr(self, name) for name in self.__slots__}
        return [(name, "只能是 newest、keep 或 ask") for name, word in words.items() if word not in (NEWEST, KEEP, ASK)]


@dataclass(frozen=True, slots=True)
class IdentitySettings:
    """`[identity]`: who is taken for the same person or company, and what then happens."""

    rules: tuple[Rule, ...] = DEFAULT_RULES
    """Which combination of evidence makes what; setting any replaces the built-in ones."""
    merge_alone: bool = True
    """Whether a rule with action same merges without asking, where no id contradicts it and the owner is the same."""
    doubtful_from: int = 50
    """The score from which a pair comes into the cleaning queue."""
    near_percent: int = 80
    """How alike two names are to be near each other."""
    stale_days: int = 365
    """An older lead nobody touched for so long makes way for the newer one."""
    overwrite: OverwriteSettings = OverwriteSettings()
    """What happens when the newer record says something else: newest, keep or ask, a word for each field."""

    def problems(self) -> list[tuple[str, str]]:
        """List what is wrong, as pairs of key and sentence."""
        wide = not 50 <= self.near_percent <= CERTAIN
        return [("near_percent", f"需要在 50 到 {CERTAIN} 之间")] if wide else []


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one record for comparing it. `ids`: its ids by kind; `accounts`: pairs of channel and id on it."""

    name: str = ""
    company: str = ""
    region: str = ""
    source: str = ""
    campaign: str = ""
    at: datetime | None = None
    ids: Mapping[str, frozenset[str]] = field(default_factory=dict)
    accounts: frozenset[tuple[str, str]] = frozenset()

    def of(self, kind: str) -> frozenset[str]:
        """Give the ids of a kind."""
        return frozenset(external for _, external in self.accounts) if kind == "account" else self.ids.get(kind, frozenset())


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules make of a pair. `action`: same, doubtful, or empty when no rule fits."""

    action: str = ""
    score: int = 0
    reasons: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    hard: bool = False


def in_common(one: Facts, other: Facts, near_percent: int = 80) -> frozenset[str]:
    """Tell in which fields two records agree."""
    found = {kind for kind, values in one.ids.items() if kind in other.ids and values & other.ids[kind]}
    if one.accounts and other.accounts and one.of("account") & other.of("account"):
        found.add("account")
    found |= _names_agree(one.name, other.name, near_percent)
    found |= _companies_agree(one.company, other.company, near_percent)
    if one.region and one.region == other.region:
        found.add("region")
    return frozenset(found)


def conflicts(one: Facts, other: Facts) -> tuple[str, ...]:
    """Name the kinds of hard ids of which both have one, and none is the same."""
    found = [kind for kind in HARD if kind != "account" and one.of(kind) and other.of(kind)]
    different = [kind for kind in found if not one.of(kind) & other.of(kind)]
    mine, theirs = dict(one.accounts), dict(other.accounts)
    apart = any(mine[channel] != theirs[channel] for channel in mine.keys() & theirs.keys())
    return tuple([*different, "account"] if apart and not one.of("account") & other.of("account") else different)


def judge(one: Facts, other: Facts, rules: Sequence[Rule], *, kind: str = PERSON, near_percent: int = 80) -> Verdict:
    """Weigh what two records have in common. Contradicting hard ids never make them the same."""
    common = in_common(one, other, near_percent)
    fitting = [rule for rule in rules if rule.kind == kind and common.issuperset(rule.all_of) and _fits(rule, one, other)]
    if not fitting:
        return Verdict()
    apart = conflicts(one, other)
    score = _score(fitting)
    same = any(rule.action == SAME for rule in fitting) and not apart
    shown = _strongest({name for rule in fitting for name in rule.all_of})
    reasons = [f"{HARD[name]}相同" if name in HARD else SOFT[name] for name in FIELDS if name in shown]
    reasons += [f"{HARD[name]}不同" for name in apart]
    return Verdict(
        SAME if same else DOUBTFUL,
        score * CONFLICT_SHARE // CERTAIN if apart else score,
        tuple(reasons),
        apart,
        bool(common & HARD.keys()),
    )


def _score(fitting: Sequence[Rule]) -> int:
    """Add up the weights as chances; a rule that a stronger one says already does not count."""
    left, told = 1.0, set[str]()
    for rule in sorted(fitting, key=lambda rule: (-rule.weight, len(rule.all_of))):
        if not set(rule.all_of) <= told:
            left *= 1 - rule.weight / CERTAIN
        told |= {*rule.all_of, *(weaker for name in rule.all_of for weaker in IMPLIED.get(name, ()))}
    return round((1 - left) * CERTAIN)


def _fits(rule: Rule, one: Facts, other: Facts) -> bool:
    if rule.same_source and not (one.source and one.source == other.source):
        return False
    if rule.same_campaign and not (one.campaign and one.campaign == other.campaign):
        return False
    if not rule.within_days:
        return True
    return one.at is not None and other.at is not None and abs(one.at - other.at) <= timedelta(days=rule.within_days)


def _names_agree(one: str, other: str, near_percent: int) -> set[str]:
    mine, theirs = plain_name(one), plain_name(other)
    if min(len(mine), len(theirs)) < _SHORTEST_NAME:
        return set()
    if mine == theirs:
        return {"name", *IMPLIED["name"]}
    if person_key(one) == person_key(other):
        return {"name_pinyin", "name_near"}
    return {"name_near"} if fuzz.ratio(person_key(one), person_key(other)) >= near_percent else set()


def _companies_agree(one: str, other: str, near_percent: int) -> set[str]:
    mine, theirs = company_name(one), company_name(other)
    if min(len(mine.core), len(theirs.core)) < _SHORTEST_NAME or (
        mine.region and theirs.region and mine.region != theirs.region
    ):
        return set()
    if mine.core == theirs.core:
        strongest = "company" if mine.region == theirs.region else "company_core"
        return {strongest, *IMPLIED[strongest]}
    if company_key(one) == company_key(other):
        return {"company_pinyin", "company_near"}
    return {"company_near"} if fuzz.ratio(mine.core, theirs.core) >= near_percent else set()


def _strongest(names: set[str]) -> set[str]:
    return names - {weaker for name in names for weaker in IMPLIED.get(name, ())}
