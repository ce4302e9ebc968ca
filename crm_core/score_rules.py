"""`[scoring]`: what gives a lead or contact points, for how long, and from where on a grade; settings and sums, pure.

A rule looks at fields, which hold as long as they stand, or at days on which something happened, which fade: half of the
points are gone after each half-life. Every rule's points are whole, so the lines of an explanation add up to the score.
Reading order: `ScoreRule`, `ScoringSettings`, `Record`, `Scorer`.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log2
from typing import NamedTuple

GRADES = ("A", "B", "C", "D")
SIDES = {"profile": "基本资料", "key": "关键信息", "behaviour": "关键行为", "interaction": "互动"}
MOST = 100
"""A score is 0 to 100."""
DAYS_KEPT = 12
"""Of each thing that happened the newest so many days count."""
FIELDS = {
    "name": "姓名",
    "company": "公司",
    "title": "职务",
    "mobile": "手机",
    "landline": "座机",
    "wechat_id": "微信号",
    "email": "邮箱",
    "birthday": "生日",
    "region": "地区",
    "need": "需求",
    "amount": "预算",
    "source": "来源",
    "channel": "渠道",
    "campaign": "活动",
    "role": "角色",
    "intent_count": "意向次数",
    "decision_maker": "关键决策人",
}
"""What of a record rules may look at, in the order of `Record`."""
OF_FIELDS = {
    "filled": "已填",
    "contains": "含有",
    "at_least": "达到",
    "decision_maker": "是决策人",
    "verified_phone": "电话已验证",
}
OF_DAYS = {
    "wrote": "来消息",
    "replied": "联系后有回复",
    "asked_price": "问价格",
    "gave_phone": "留电话",
    "keyword": "提到关键词",
    "scanned": "扫码",
    "menu_clicked": "点菜单",
    "followed": "关注",
    "unfollowed": "取消关注",
    "form": "提交表单",
    "signed_up": "报名活动",
    "event": "有过事件",
    "followed_up": "有跟进",
    "called": "电话接通",
    "deal_moved": "商机推进",
    "bought": "买过",
}
PRICE_WORDS = ("多少钱", "价格", "报价", "价位", "怎么卖", "什么价", "费用", "收费", "单价", "优惠", "折扣", "便宜")
DECISION_WORDS = ("总经理", "董事", "总监", "老板", "创始人", "厂长", "店长", "校长", "院长", "负责人", "法人", "总裁", "CEO")
_SMALLEST = 0.5
"""Less is rounded to nothing."""
_EMPTY = (None, "", 0)


@dataclass(frozen=True, slots=True)
class ScoreRule:
    """One rule. `kind` is a word of `OF_FIELDS` or `OF_DAYS`; points are whole, `deducts` takes them away.

    Of days each counts once, fades by half in `half_life_days` (0: never) and is out after `within_days` (0: never); all
    together give `at_most` (0: no bound).
    """

    name: str
    side: str
    kind: str
    points: int
    field: str = ""
    words: tuple[str, ...] = ()
    at_least: int = 0
    event: str = ""
    half_life_days: int = 0
    within_days: int = 0
    at_most: int = 0
    deducts: bool = False

    @property
    def fact(self) -> str:
        """Tell under which name the days this rule looks at are kept."""
        if self.kind == "keyword":
            return "keyword:" + hashlib.sha256("\n".join(self.words).encode()).hexdigest()[:8]
        return f"event:{self.event}" if self.kind == "event" else self.kind

    @property
    def sign(self) -> int:
        """Tell whether it gives or takes."""
        return -1 if self.deducts else 1

    def said(self) -> str:
        """Say in a few words what it looks at."""
        what = OF_FIELDS.get(self.kind) or OF_DAYS.get(self.kind, self.kind)
        if self.kind in ("filled", "contains", "at_least"):
            what = f"{FIELDS.get(self.field, self.field)}{what}"
        what += f"{self.at_least}" if self.kind == "at_least" else ""
        what += f"“{'、'.join(self.words[:5])}”" if self.words else ""
        return what + (f"“{self.event}”" if self.event else "")


def _of_field(name: str, side: str, kind: str, points: int, field: str = "") -> ScoreRule:
    return ScoreRule(name, side, kind, points, field)


DEFAULT_RULES = (
    _of_field("有公司", "profile", "filled", 5, "company"),
    _of_field("有职务", "profile", "filled", 3, "title"),
    _of_field("有地区", "profile", "filled", 3, "region"),
    _of_field("有微信号", "profile", "filled", 2, "wechat_id"),
    _of_field("有邮箱", "profile", "filled", 2, "email"),
    _of_field("有手机", "key", "filled", 5, "mobile"),
    _of_field("电话已验证", "key", "verified_phone", 8),
    _of_field("有需求", "key", "filled", 10, "need"),
    _of_field("有预算", "key", "filled", 12, "amount"),
    _of_field("决策人", "key", "decision_maker", 10),
    ScoreRule("问过价格", "behaviour", "asked_price", 12, half_life_days=14, at_most=24),
    ScoreRule("留过电话", "behaviour", "gave_phone", 10, half_life_days=60, at_most=10),
    ScoreRule("扫过码", "behaviour", "scanned", 5, half_life_days=14, at_most=10),
    ScoreRule("点过菜单", "behaviour", "menu_clicked", 2, half_life_days=7, at_most=8),
    ScoreRule("关注", "behaviour", "followed", 5, half_life_days=90, at_most=5),
    ScoreRule("取消关注", "behaviour", "unfollowed", 10, half_life_days=30, at_most=10, deducts=True),
    ScoreRule("提交表单", "behaviour", "form", 12, half_life_days=30, at_most=24),
    ScoreRule("报名活动", "behaviour", "signed_up", 10, half_life_days=30, at_most=20),
    ScoreRule("商机推进", "behaviour", "deal_moved", 8, half_life_days=30, at_most=16),
    ScoreRule("买过", "behaviour", "bought", 10, half_life_days=180, at_most=20),
    ScoreRule("来消息", "interaction", "wrote", 3, half_life_days=7, at_most=15),
    ScoreRule("联系后有回复", "interaction", "replied", 4, half_life_days=14, at_most=12),
    ScoreRule("近30天有跟进", "interaction", "followed_up", 2, within_days=30, at_most=10),
)


@dataclass(frozen=True, slots=True)
class ScoringSettings:
    """`[scoring]`: the rules and where the grades begin. A changed rule is counted for everybody in the background."""

    a_from: int = 70
    """Points from which the grade is A; likewise B and C, and D below."""
    b_from: int = 45
    """Points from which the grade is B."""
    c_from: int = 20
    """Points from which the grade is C."""
    price_words: tuple[str, ...] = PRICE_WORDS
    """Any of them in a customer's message asks for a price."""
    decision_words: tuple[str, ...] = DECISION_WORDS
    """Any of them in a title makes a decision maker; so does a title that ends with 总."""
    rules: tuple[ScoreRule, ...] = ()
    """Empty: the built-in ones."""
    candidate: tuple[ScoreRule, ...] = ()
    """Rules that are only tried, by 试算评分; nothing is counted by them."""

    @property
    def in_force(self) -> tuple[ScoreRule, ...]:
        """Tell the rules that count."""
        return self.rules or DEFAULT_RULES

    def grade(self, points: int) -> str:
        """Tell the grade of so many points."""
        bounds = (self.a_from, self.b_from, self.c_from)
        return next((grade for grade, bound in zip(GRADES, bounds, strict=False) if points >= bound), GRADES[-1])

    @property
    def digest(self) -> str:
        """Tell one state of the rules from another: after a change everybody is scored anew."""
        return _digest(self.in_force, self.a_from, self.b_from, self.c_from, self.decision_words, self.facts_digest)

    @property
    def facts_digest(self) -> str:
        """Tell one way to read messages from another: after a change they are read anew."""
        return _digest(sorted({rule.fact for rule in self.in_force if rule.kind in ("keyword", "event")}), self.price_words)

    def problems(self) -> list[tuple[str, str]]:
        """List what is wrong, as pairs of key and sentence."""
        found = []
        if not MOST >= self.a_from > self.b_from > self.c_from >= 1:
            found.append(("a_from", "需要 100 ≥ a_from > b_from > c_from ≥ 1"))
        for key, rules in (("rules", self.rules), ("candidate", self.candidate)):
            found += [(f"{key}[{number}].{name}", text) for number, rule in enumerate(rules) for name, text in wrong(rule)]
            names = [rule.name for rule in rules]
            found += [(key, f"有两条规则叫「{name}」") for name in dict.fromkeys(names) if names.count(name) > 1]
        return found


def wrong(rule: ScoreRule) -> list[tuple[str, str]]:
    """List what is wrong with one rule, as pairs of key and sentence."""
    found = []
    if not 0 < len(rule.name.strip()) <= 32:
        found.append(("name", "应为1到32个字"))
    if rule.side not in SIDES:
        found.append(("side", f"只能是 {'、'.join(SIDES)}"))
    if rule.kind not in OF_FIELDS and rule.kind not in OF_DAYS:
        found.append(("kind", f"只能是 {'、'.join((*OF_FIELDS, *OF_DAYS))}"))
    if not 0 < rule.points <= MOST:
        found.append(("points", "应为1到100"))
    if rule.kind in ("filled", "contains", "at_least") and rule.field not in FIELDS:
        found.append(("field", f"只能是 {'、'.join(FIELDS)}"))
    if rule.kind == "at_least" and rule.field not in ("amount", "intent_count"):
        found.append(("field", "只有 amount、intent_count 能比大小"))
    if rule.kind in ("contains", "keyword") and not any(word.strip() for word in rule.words):
        found.append(("words", "请列出要找的词"))
    if rule.kind == "event" and not rule.event.strip():
        found.append(("event", "请写明事件名"))
    if rule.kind in OF_FIELDS and (rule.half_life_days or rule.within_days or rule.at_most):
        found.append(("half_life_days", "资料类规则不随时间变化"))
    if max(rule.half_life_days, rule.within_days) > 3650 or rule.at_most > MOST:
        found.append(("at_most", "天数不能超过3650，封顶不能超过100"))
    return found


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


class Record(NamedTuple):
    """What a record says of itself; the columns of `FIELDS`."""

    name: str | None = ""
    company: str | None = ""
    title: str | None = ""
    mobile: str | None = None
    landline: str | None = None
    wechat_id: str | None = None
    email: str | None = None
    birthday: str | None = None
    region: str | None = ""
    need: str | None = ""
    amount: str | None = ""
    source: str | None = ""
    channel: str | None = ""
    campaign: str | None = ""
    role: str | None = ""
    intent_count: int | None = 0
    decision_maker: bool | int | None = False


Facts = Mapping[str, Sequence[int]]
"""For each thing that happened its newest days, as numbers since 1970, newest first."""
PLACES = {name: place for place, name in enumerate(Record._fields)}


@dataclass(frozen=True, slots=True)
class Line:
    """What one rule gives: its whole points, the days it counted, and when they become less."""

    rule: ScoreRule
    points: int
    days: tuple[int, ...] = ()
    less_on: int | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """A score with its grade by the rules and the day on which it changes by itself; None: it stays."""

    score: int
    grade: str
    due_day: int | None


class Scorer:
    """Adds up points under one state of the rules, as of one day."""

    def __init__(self, settings: ScoringSettings, day: int) -> None:
        self.settings = settings
        self.day = day
        self._rules = [(rule, rule.fact, rule.kind in OF_DAYS) for rule in settings.in_force]
        # The same, sorted out by how they are looked at: this happens for every record there is.
        self._filled = [(PLACES[rule.field], rule.points * rule.sign) for rule, _, _ in self._rules if rule.kind == "filled"]
        self._others = [rule for rule, _, of_days in self._rules if not of_days and rule.kind != "filled"]
        self._of_days = [(fact, rule) for rule, fact, of_days in self._rules if of_days]

    def score(self, record: Sequence[object], facts: Facts) -> Scored:
        """Add up a record's points; `record` holds the columns of `Record`."""
        total, due = 0, None
        for place, points in self._filled:
            if record[place] not in _EMPTY:
                total += points
        for rule in self._others:
            if self._holds(rule, record, facts):
                total += rule.points * rule.sign
        if facts:
            for fact, rule in self._of_days:
                if days := facts.get(fact):
                    points, less_on = self._faded(rule, days)
                    total += points
                    if less_on is not None and (due is None or less_on < due):
                        due = less_on
        score = min(MOST, max(0, total))
        return Scored(score, self.settings.grade(score), due)

    def lines(self, record: Sequence[object], facts: Facts) -> list[Line]:
        """Tell what each rule gives, those that give nothing left out."""
        found = []
        for rule, fact, of_days in self._rules:
            if of_days:
                days = tuple(day for day in facts.get(fact, ()) if not rule.within_days or self.day - day <= rule.within_days)
                points, less_on = self._faded(rule, days)
                if points:
                    found.append(Line(rule, points, days, less_on))
            elif self._holds(rule, record, facts):
                found.append(Line(rule, rule.points * rule.sign))
        return found

    def _holds(self, rule: ScoreRule, record: Sequence[object], facts: Facts) -> bool:
        kind = rule.kind
        if kind == "filled":
            return record[PLACES[rule.field]] not in _EMPTY
        if kind == "decision_maker":
            return self._decides(record)
        if kind == "verified_phone":
            return bool(record[PLACES["mobile"]]) and ("verified" in facts or "called" in facts)
        said = record[PLACES[rule.field]]
        if kind == "contains":
            return any(word in str(said or "") for word in rule.words)
        return _number(said) >= rule.at_least

    def _decides(self, record: Sequence[object]) -> bool:
        if record[PLACES["decision_maker"]] or record[PLACES["role"]] == "决策人":
            return True
        title = str(record[PLACES["title"]] or "")
        return title.endswith("总") or any(word in title for word in self.settings.decision_words)

    def _faded(self, rule: ScoreRule, days: Sequence[int]) -> tuple[int, int | None]:
        """Tell a rule's whole points today, and the next day on which they may be others."""
        today, half, within = self.day, rule.half_life_days, rule.within_days
        whole, oldest = 0.0, None
        for day in days[:DAYS_KEPT]:
            age = today - day if today > day else 0
            if within and age > within:
                continue
            whole += rule.points * 0.5 ** (age / half) if half else rule.points
            oldest = day
        if oldest is None:
            return 0, None
        shown = floor((min(whole, rule.at_most) if rule.at_most else whole) + 0.5)
        ends = oldest + within + 1 if within else None
        if half and shown:
            # All of them fade alike, so the sum does: it is below the half at which it was rounded up after so long.
            fades = today + max(1, ceil(half * log2(whole / (shown - _SMALLEST)) + 1e-9))
            ends = fades if ends is None else min(ends, fades)
        return shown * rule.sign, ends


def _number(said: object) -> float:
    text = str(said or "").replace(",", "")
    try:
        return float(text)
    except ValueError:
        return -1.0
