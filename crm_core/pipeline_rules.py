"""Pipelines (销售流程) as settings, and what they allow: pure, no table, no I/O.

A pipeline is an ordered list of stages; each names what must be so before a deal enters it, in words of `CONDITIONS`.
Reading order: the settings, `Facts`, `missing`, `checked_values`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from crm_core.errors import Invalid
from crm_core.values import to_money

MOST_AMOUNT = Decimal(10) ** 13
"""Yuan; more is a slip of the finger and would not fit the column."""
YEARS = range(2000, 2200)
METHOD_WORDS = {
    "phone": "电话",
    "wechat": "微信",
    "dingtalk": "钉钉",
    "visit": "拜访",
    "meeting": "会面",
    "email": "邮件",
    "sms": "短信",
    "video": "视频",
}
CONDITIONS = {
    "amount": "填写预计金额",
    "product": "填写产品",
    "probability": "填写把握",
    "expected_close_on": "填写预计成交日期",
    "competitor": "写明竞争对手",
    "contact": "登记联系人",
    "decision_maker": "明确关键决策人",
    "quote": "已报价",
    "follow_up": "有跟进记录",
}
"""Conditions without an argument, and what is said when one is not met. With one: follow_up:METHOD, days:N, field:NAME."""
CUSTOMER_COLUMNS = {"行业": "industry", "地区": "region", "级别": "grade"}
"""Fields of the customer's own table a `field:` condition may name, beside the custom ones."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,15}")
_RESERVED = ("won", "lost", "shelved", "open")


@dataclass(frozen=True, slots=True)
class StageSettings:
    """One stage of a pipeline (销售阶段)."""

    name: str
    label: str
    probability: int = 0
    """Percent taken in the forecast when the deal states none."""
    requires: tuple[str, ...] = ()
    """What must be so before a deal enters."""
    stuck_days: int = 0
    """Days without a move or follow-up after which a deal is stuck; 0: the general number."""


@dataclass(frozen=True, slots=True)
class PipelineSettings:
    """One pipeline: its stages in their order."""

    name: str
    label: str = ""
    stages: tuple[StageSettings, ...] = ()

    def find(self, stage: str) -> StageSettings | None:
        """Find a stage by its name or label."""
        return next((each for each in self.stages if stage in (each.name, each.label)), None)

    def position(self, stage: str) -> int:
        """Tell where a stage stands; one that the settings no longer have stands before all others."""
        return next((number for number, each in enumerate(self.stages) if each.name == stage), -1)

    def after(self, stage: str) -> StageSettings | None:
        """Tell the next stage; None after the last."""
        number = self.position(stage) + 1
        return self.stages[number] if number < len(self.stages) else None

    def label_of(self, stage: str) -> str:
        """Say a stage as people call it."""
        found = self.find(stage)
        return found.label if found else stage


DEFAULT_PIPELINE = PipelineSettings(
    "default",
    "标准流程",
    (
        StageSettings("initial", "初步接触", 10),
        StageSettings("qualified", "需求确认", 30, ("contact", "follow_up")),
        StageSettings("proposal", "方案报价", 50, ("product", "amount")),
        StageSettings("negotiation", "商务谈判", 70, ("decision_maker",)),
        StageSettings("contract", "合同签约", 90, ("expected_close_on",)),
    ),
)


@dataclass(frozen=True, slots=True)
class RepeatPurchase:
    """So many days after a won deal of a product its owner is asked to offer something again (重复购买)."""

    product: str
    """Words in the product of the won deal; empty: any."""
    after_days: int
    kind: str = "repeat"
    """repeat 重复购买, upgrade 升级, cross 交叉购买."""
    propose: str = ""
    """What to offer; empty: the same product."""


PROPOSAL_LABELS = {"repeat": "复购", "upgrade": "升级", "cross": "交叉购买"}


@dataclass(frozen=True, slots=True)
class OpportunitySettings:
    """`[opportunities]`: how deals move, when they are stuck, and what is proposed after one is won."""

    enabled: bool = True
    """Whether deals are used at all; without them teams run the customer flow alone."""
    departments_without: tuple[str, ...] = ()
    """Departments that run the customer flow alone."""
    stuck_days: int = 14
    """Days without a move or follow-up after which a deal is stuck, unless its stage has its own number."""
    stuck_repeat_days: int = 7
    """A stuck deal is told again after so many days."""
    retry_days: int = 90
    """A lost deal comes back to its owner after so many days, unless another day is said; 0: never by itself."""
    pipelines: tuple[PipelineSettings, ...] = ()
    """Empty: the built-in one. The first is taken when none is said."""
    repeat_purchases: tuple[RepeatPurchase, ...] = ()
    """What is proposed so many days after a deal is won; empty: nothing."""

    @property
    def all_pipelines(self) -> tuple[PipelineSettings, ...]:
        """List the pipelines in use."""
        return self.pipelines or (DEFAULT_PIPELINE,)

    def pipeline(self, name: str) -> PipelineSettings:
        """Find a pipeline; a deal of one that the settings no longer have moves by the first."""
        return next((each for each in self.all_pipelines if each.name == name), self.all_pipelines[0])

    def stuck_after(self, pipeline: str, stage: str) -> int:
        """Tell after how many quiet days a deal in this stage is stuck."""
        found = self.pipeline(pipeline).find(stage)
        return (found.stuck_days if found else 0) or self.stuck_days

    def problems(self) -> list[tuple[str, str]]:
        """List what is wrong, as pairs of key and sentence."""
        names = [each.name for each in self.pipelines]
        found = [("pipelines", f"{name} 出现了两次") for name in sorted({name for name in names if names.count(name) > 1})]
        for each in self.pipelines:
            found += [("pipelines", f"{each.name}：{sentence}") for sentence in _wrong_with(each)]
        for rule in self.repeat_purchases:
            if rule.kind not in PROPOSAL_LABELS:
                found.append(("repeat_purchases", f"kind 只能是 {'、'.join(PROPOSAL_LABELS)}"))
            if rule.kind != "repeat" and not rule.propose:
                found.append(("repeat_purchases", f"kind 为 {rule.kind} 时需要写 propose"))
        if not self.stuck_days:
            found.append(("stuck_days", "需要大于 0"))
        return found


def _wrong_with(pipeline: PipelineSettings) -> Iterable[str]:
    if not _NAME.fullmatch(pipeline.name):
        yield "名称只能用小写字母、数字和 _，不超过16个"
    if not pipeline.stages:
        yield "至少需要一个阶段"
    seen: set[str] = set()
    for stage in pipeline.stages:
        if not _NAME.fullmatch(stage.name) or stage.name in _RESERVED:
            yield f"阶段名称 {stage.name} 不能用"
        if not stage.label.strip():
            yield f"阶段 {stage.name} 缺少 label"
        if {stage.name, stage.label} & seen:
            yield f"阶段 {stage.name} 出现了两次"
        seen |= {stage.name, stage.label}
        if stage.probability > 100:
            yield f"阶段 {stage.name} 的 probability 不能超过 100"
        yield from (f"阶段 {stage.name} 的条件 {word} 不认识" for word in stage.requires if not _is_condition(word))


def _is_condition(word: str) -> bool:
    kind, _, argument = word.partition(":")
    if not argument:
        return word in CONDITIONS
    if kind == "days":
        return argument.isdecimal() and len(argument) < 5
    return kind == "field" or (kind == "follow_up" and argument in METHOD_WORDS)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a deal when it is to move. `filled` names the fields that hold something."""

    filled: frozenset[str] = frozenset()
    methods: frozenset[str] = frozenset()
    contact_count: int = 0
    decision_maker: bool = False
    quoted: bool = False
    days_in_stage: int = 0


def say(condition: str) -> str:
    """Say a condition as something to be done."""
    kind, _, argument = condition.partition(":")
    if kind == "days" and argument:
        return f"在当前阶段满{argument}天"
    if kind == "field" and argument:
        return f"填写{argument}"
    if kind == "follow_up" and argument:
        return f"有一次{METHOD_WORDS.get(argument, argument)}跟进"
    return CONDITIONS[condition]


def is_met(condition: str, facts: Facts) -> bool:
    """Tell whether a condition holds."""
    kind, _, argument = condition.partition(":")
    if kind == "days":
        return facts.days_in_stage >= int(argument)
    if kind == "field":
        return argument in facts.filled
    if kind == "follow_up":
        return argument in facts.methods if argument else bool(facts.methods)
    if kind == "contact":
        return facts.contact_count > 0
    if kind == "decision_maker":
        return facts.decision_maker
    return facts.quoted if kind == "quote" else kind in facts.filled


def missing(pipeline: PipelineSettings, now_in: str, target: str, facts: Facts) -> tuple[str, ...]:
    """List what is still missing before a deal may enter `target`, the conditions of skipped stages included."""
    start, end = pipeline.position(now_in) + 1, pipeline.position(target) + 1
    wanted = dict.fromkeys(word for stage in pipeline.stages[start:end] for word in stage.requires)
    return tuple(say(word) for word in wanted if not is_met(word, facts))


def checked_values(values: Mapping[str, object]) -> dict[str, object]:
    """Check the fields of a deal as people gave them. Raises: Invalid, naming the field."""
    clean = dict(values)
    for name, limit in (("name", 128), ("product", 128), ("competitor", 128), ("loss_reason", 200), ("source", 128)):
        if isinstance(clean.get(name), str):
            clean[name] = str(clean[name]).strip()
            if len(str(clean[name])) > limit:
                raise Invalid(field=name, reason=f"不能超过{limit}个字")
    if clean.get("amount") is not None:
        clean["amount"] = _amount(clean["amount"])
    chance = clean.get("probability")
    if chance is not None and (isinstance(chance, bool) or not isinstance(chance, int) or not 0 <= chance <= 100):
        raise Invalid(field="probability", reason="应为0到100的整数")
    for name in ("expected_close_on", "retry_on", "shelved_until"):
        if clean.get(name) is not None:
            clean[name] = checked_day(name, clean[name])
    return clean


def _amount(value: object) -> Decimal:
    try:
        amount = to_money(value if isinstance(value, (Decimal, int)) and not isinstance(value, bool) else str(value))
    except ValueError:
        raise Invalid(field="amount", reason="不是金额") from None
    if not amount.is_finite() or amount < 0:
        raise Invalid(field="amount", reason="不能是负数")
    if amount >= MOST_AMOUNT:
        raise Invalid(field="amount", reason="太大了，请核对")
    return amount


def checked_day(name: str, value: object) -> date:
    """Read a day. Raises: Invalid for one that does not exist."""
    try:
        day = value if isinstance(value, date) else date.fromisoformat(str(value))
    except ValueError:
        raise Invalid(field=name, reason="没有这一天，请写成 2026-12-31") from None
    if day.year not in YEARS:
        raise Invalid(field=name, reason="年份不对，请核对")
    return day
