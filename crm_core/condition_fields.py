"""The fields a condition may name: what each is called, how it is compared, and where it stands; pure.

A lead holds its own words; of a contact some stand at the customer and some at the lead it was converted from.
"""

from dataclasses import dataclass
from enum import Enum, auto


class Form(Enum):
    """How a field is compared."""

    TEXT = auto()
    NUMBER = auto()
    INSTANT = auto()
    """Compared by days ago."""
    DAY = auto()
    """A date; own fields only."""


OPERATIONS: dict[Form, tuple[str, ...]] = {
    Form.TEXT: ("=", "!=", "in", "contains", "present", "missing"),
    Form.NUMBER: ("=", "!=", ">", ">=", "<", "<=", "present", "missing"),
    Form.INSTANT: ("within_days", "older_days", "present", "missing"),
    Form.DAY: ("=", "!=", ">", ">=", "<", "<=", "present", "missing"),
}
OPERATION_LABELS = {
    "=": "是",
    "!=": "不是",
    "in": "是其中之一",
    "contains": "含有",
    "present": "已填",
    "missing": "未填",
    ">": "大于",
    ">=": "至少",
    "<": "小于",
    "<=": "至多",
    "within_days": "在几天内",
    "older_days": "早于几天前",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `lead` is its SQL over `l`; for a contact over `c`, else its customer's `u`, else its lead's `l`."""

    name: str
    label: str
    form: Form = Form.TEXT
    lead: str = ""
    contact: str = ""
    customer: str = ""


# Only what is wholly a number is one: PostgreSQL refuses to make a number of anything else.
_IS_NUMBER = (
    "l.amount NOT IN ('', '.') AND ltrim(l.amount, '0123456789.') = ''"
    " AND length(replace(l.amount, '.', '')) >= length(l.amount) - 1"
)
_BUDGET = f"CASE WHEN {_IS_NUMBER} THEN CAST(l.amount AS DECIMAL(18, 2)) END"
_DEALS = "(SELECT {what} FROM opportunities o WHERE o.customer_id = u.id{where})"
_SUM = "sum(CAST(o.amount AS DECIMAL(18, 2)))"


def _text(name: str, label: str, lead: str = "", contact: str = "", customer: str = "") -> Field:
    return Field(name, label, Form.TEXT, lead, contact, customer)


def _number(name: str, label: str, lead: str = "", contact: str = "", customer: str = "") -> Field:
    return Field(name, label, Form.NUMBER, lead, contact, customer)


def _instant(name: str, label: str, lead: str = "", contact: str = "", customer: str = "") -> Field:
    return Field(name, label, Form.INSTANT, lead, contact, customer)


FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        _text("name", "姓名", "l.name", "c.name"),
        _text("company", "公司", "l.company", "", "u.name"),
        _text("title", "职务", "l.title", "c.title"),
        _text("region", "地区", "l.region", "", "u.region"),
        _text("industry", "行业", "", "", "u.industry"),
        _text("source", "来源", "l.source"),
        _text("channel", "渠道", "l.channel"),
        _text("campaign", "活动", "l.campaign"),
        _text("need", "需求", "l.need"),
        _text("pool", "公海", "l.pool"),
        _text("qualification", "级别", "l.qualification"),
        _text("lead_status", "线索状态", "l.status"),
        _text("customer_status", "客户状态", "", "", "u.status"),
        _text("customer_kind", "客户类型", "", "", "u.kind"),
        _text("grade", "等级", "l.grade", "", "u.grade"),
        _text("life_cycle", "生命周期", "", "", "u.life_cycle"),
        _text("role", "角色", "", "c.role"),
        _text("value_grade", "价值等级", "", "", "u.value_grade"),
        _text("mobile", "手机", "l.mobile", "c.mobile"),
        _text("email", "邮箱", "l.email", "c.email"),
        _text("wechat_id", "微信号", "l.wechat_id", "c.wechat_id"),
        _text("birthday", "生日", "l.birthday", "c.birthday"),
        # A `+` where many have as much: beside the index of segments no row of the table is read.
        _number("score", "评分", "+l.score", "+c.score"),
        _number("intent_count", "意向次数", "l.intent_count"),
        _number("budget", "预算", _BUDGET, "", _DEALS.format(what=_SUM, where=" AND o.status = 'open'")),
        _number("won_amount", "成交金额", "", "", _DEALS.format(what=_SUM, where=" AND o.status = 'won'")),
        _number("owner_id", "负责人", "l.owner_id", "c.owner_id"),
        _number("customer_id", "客户", "", "c.customer_id"),
        _number("decision_maker", "关键决策人", "", "CASE WHEN c.decision_maker THEN 1 ELSE 0 END"),
        _instant("created", "录入", "l.created_at", "c.created_at"),
        _instant("last_follow_up", "最近跟进", "l.last_follow_up_at", "c.last_follow_up_at"),
    )
}
HIDDEN = frozenset({"mobile", "email", "wechat_id"})
"""Numbers and addresses: whether they are there may be asked, never what they are."""
