"""Own fields (自定义字段) as settings, and how their values are read: pure, no table, no I/O.

Reading order: the settings, `FIELDS_OF_VALUE` (fields every house has, for the value of customers), `read_value`.
"""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from crm_core.errors import Invalid

KINDS = {"lead": "线索", "customer": "客户", "contact": "联系人"}
TYPES = {"text": "文字", "number": "数字", "date": "日期", "choice": "选项"}
MAX_TEXT = 200
MOST_NUMBER = Decimal(10) ** 13
_NAME = re.compile(r"[\w·]{1,32}")
_DAY = re.compile(r"(\d{4})[-年/.](\d{1,2})[-月/.](\d{1,2})日?")
_NUMBER = re.compile(r"(-?\d[\d,]{0,17}(?:\.\d{1,4})?)\s*(亿|万|千|w|k)?\s*(?:元|块|天|人|%|％|个|台|分)?", re.IGNORECASE)
_FACTORS = {"亿": 10**8, "万": 10**4, "w": 10**4, "千": 10**3, "k": 10**3, "": 1}


@dataclass(frozen=True, slots=True)
class FieldSettings:
    """One own field. `required`: it cannot be emptied, and a record made over the API needs it."""

    kind: str
    """lead, customer or contact."""
    name: str
    label: str = ""
    """What people call it; empty: the name."""
    type: str = "text"
    """text, number, date or choice."""
    choices: tuple[str, ...] = ()
    required: bool = False

    @property
    def said(self) -> str:
        """Say the field as people do."""
        return self.label or self.name


FIELDS_OF_VALUE = (
    FieldSettings("customer", "potential_amount", "潜力金额", "number"),
    FieldSettings("customer", "payment_days", "付款周期", "number"),
    FieldSettings("customer", "overdue_amount", "欠款", "number"),
    FieldSettings("customer", "share_percent", "占有率", "number"),
    FieldSettings("customer", "influence_score", "影响力", "number"),
    FieldSettings("customer", "staff_count", "员工人数", "number"),
)
"""Inputs of a customer's value nobody else tells: yuan, days, yuan, percent, 0-100, people."""


@dataclass(frozen=True, slots=True)
class OwnFields:
    """`[[fields]]`: fields of the house's own, usable in chat, API and segments at once."""

    fields: tuple[FieldSettings, ...] = ()
    """The fields, in the order they are shown."""

    @property
    def every(self) -> tuple[FieldSettings, ...]:
        """List the configured fields and those of value."""
        return (*self.fields, *FIELDS_OF_VALUE)

    def of(self, kind: str) -> tuple[FieldSettings, ...]:
        """List the fields of leads, customers or contacts."""
        return tuple(each for each in self.every if each.kind == kind)

    def find(self, kind: str, name: str) -> FieldSettings | None:
        """Find a field by its name or label."""
        return next((each for each in self.of(kind) if name in (each.name, each.said)), None)

    def problems(self) -> list[tuple[str, str]]:
        """List what is wrong, as pairs of key and sentence."""
        found: list[tuple[str, str]] = []
        for number, each in enumerate(self.fields, 1):
            found += [(f"fields.{number}", sentence) for sentence in _wrong(each)]
        seen: set[tuple[str, str]] = {(each.kind, word) for each in FIELDS_OF_VALUE for word in {each.name, each.said}}
        for number, each in enumerate(self.fields, 1):
            words = {(each.kind, each.name), (each.kind, each.said)}
            if words & seen:
                found.append((f"fields.{number}", f"「{each.said}」重复了"))
            seen |= words
        return found


def _wrong(each: FieldSettings) -> list[str]:
    found = []
    if each.kind not in KINDS:
        found.append(f"kind 只能是 {'、'.join(KINDS)}")
    if each.type not in TYPES:
        found.append(f"type 只能是 {'、'.join(TYPES)}")
    if not _NAME.fullmatch(each.name) or (each.label and not _NAME.fullmatch(each.label)):
        found.append("name 和 label 只能是1到32个文字、字母或数字")
    if (each.type == "choice") != bool(each.choices):
        found.append("choice 需要 choices，其他类型不能有")
    return found


@dataclass(frozen=True, slots=True)
class FieldValue:
    """A value as it is stored: one of the three is given, none for an emptied field."""

    text: str = ""
    number: Decimal | None = None
    on_date: date | None = None

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is there."""
        return not self.text and self.number is None and self.on_date is None

    def shown(self) -> str:
        """Write the value."""
        if self.number is not None:
            return f"{self.number.normalize():f}"
        return self.on_date.isoformat() if self.on_date else self.text


def read_value(field: FieldSettings, value: object) -> FieldValue:
    """Read a value somebody gave, text or JSON, by the field's type. Raises: Invalid with one clear sentence."""
    said = "" if value is None else str(value).strip()
    if isinstance(value, (bool, dict, list)):
        raise Invalid(field=field.said, reason="需要文字或数字")
    if not said:
        if field.required:
            raise Invalid(field=field.said, reason="必填，不能清空")
        return FieldValue()
    if field.type == "number":
        return FieldValue(number=_number(field, said))
    if field.type == "date":
        return FieldValue(on_date=_day(field, said))
    if field.type == "choice" and said not in field.choices:
        raise Invalid(field=field.said, reason=f"只能是{'、'.join(field.choices)[:40]}")
    if len(said) > MAX_TEXT:
        raise Invalid(field=field.said, reason=f"最多{MAX_TEXT}个字")
    return FieldValue(text=said)


def _number(field: FieldSettings, said: str) -> Decimal:
    found = _NUMBER.fullmatch(said)
    try:
        number = Decimal(found[1].replace(",", "")) * _FACTORS[(found[2] or "").lower()] if found else None
    except InvalidOperation:
        number = None
    if number is None or abs(number) >= MOST_NUMBER:
        raise Invalid(field=field.said, reason="需要数字，例如 12 或 1.5万")
    return number


def _day(field: FieldSettings, said: str) -> date:
    found = _DAY.fullmatch(said)
    try:
        if found:
            return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        pass
    raise Invalid(field=field.said, reason="需要日期，例如 2026-12-31")
