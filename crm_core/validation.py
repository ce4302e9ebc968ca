"""Whether what came in can be stored, with a reason for each field that cannot (线索验证). Pure.

`read` takes one field, `checked` all fields of one thing. Settings of sources stand in lead_rules.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from crm_core import normalising
from crm_core.errors import Invalid
from crm_core.field_labels import OF_RECORDS
from crm_core.lead_rules import SourceRule

LABELS = OF_RECORDS
MOST: Mapping[str, int] = {
    "name": 64,
    "company": 128,
    "title": 64,
    "source": 128,
    "campaign": 64,
    "channel": 64,
    "need": 100_000,
    "remark": 100_000,
    "amount": 24,
    "grade": 8,
    "industry": 64,
    "recorded_by": 64,
}
"""Characters of a field at most."""
_NO_END = 1 << 30
_FORMS: Mapping[str, tuple[Callable[[str], Any], str]] = {
    "phone": (normalising.phone, "电话格式不对"),
    "mobile": (normalising.phone, "手机号格式不对"),
    "landline": (normalising.phone, "座机格式不对"),
    "wechat_id": (normalising.wechat_id, "微信号格式不对"),
    "email": (normalising.email, "邮箱格式不对"),
    "birthday": (normalising.birthday, "没有「{said}」这一天，生日可以写 1990-01-15、01-15 或 农历正月十五"),
    "openid": (normalising.openid, "openid 格式不对"),
    "credit_code": (normalising.credit_code, "统一社会信用代码不对"),
    "created_at": (normalising.instant, "日期不对，写成 2026-11-25 或 2026-11-25 10:00"),
}
_TEXTS: Mapping[str, Callable[[str], str]] = {
    "name": normalising.name,
    "company": normalising.company,
    "need": normalising.lines,
    "remark": normalising.lines,
}


def reader_of(field: str) -> Callable[[str], Any]:
    """Give what reads one field, or None for what is no such thing: `read` without its reasons, for a million rows."""
    form = _FORMS.get(field)
    if form is not None:
        return form[0]
    normal, most = _TEXTS.get(field, normalising.words), MOST.get(field, _NO_END)

    def reader(text: str) -> str | None:
        value = normal(text)
        return value if len(value) <= most else None

    return reader


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field, in a sentence for people."""

    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What can be stored, by column, and what is wrong with the rest."""

    values: dict[str, Any]
    problems: list[Problem]


def read(field: str, text: str) -> tuple[Any, str]:
    """Turn what somebody wrote into what is stored; gives (value, "") or (None, reason)."""
    form = _FORMS.get(field)
    if form is not None:
        value = form[0](text)
        return (value, "") if value is not None else (None, form[1].format(said=normalising.words(text)[:20]))
    value = _TEXTS.get(field, normalising.words)(text)
    most = MOST.get(field)
    return (value, "") if most is None or len(value) <= most else (None, f"{LABELS[field]}最多{most}个字符")


def checked(values: Mapping[str, Any], source: SourceRule | None = None) -> Checked:
    """Normalise what is known of a lead, contact or customer; other fields pass through as they are."""
    clean: dict[str, Any] = {}
    problems: list[Problem] = []
    for field, value in values.items():
        if not isinstance(value, str) or not value or field not in LABELS:
            clean[field] = value
        elif field == "region":
            found = normalising.region(value)
            clean |= {"region": found.text, "region_code": found.code}
        else:
            made, reason = read(field, value)
            clean[field] = made
            if reason:
                problems.append(Problem(field, reason))
    problems += numbers_in_place(clean)
    if "remark" in clean:
        clean["need"] = need_of(clean.get("need"), clean.pop("remark"))
    return Checked(clean, problems + missing(clean, source, {problem.field for problem in problems}))


def need_of(need: str | None, remark: str | None) -> str | None:
    """Join a remark to the need it stands beside (备注); each is said once."""
    if not need or not remark:
        return need or remark
    return need if remark in need else f"{need}\n{remark}"[: MOST["need"]]


def numbers_in_place(clean: dict[str, Any]) -> list[Problem]:
    """Put a number where it belongs: a mobile to the mobiles, a landline to the landlines, whatever its column says."""
    mobile = clean.get("mobile")
    if isinstance(mobile, str) and mobile.startswith("+86") and not normalising.is_mobile(mobile) and not clean.get("landline"):
        clean |= {"mobile": None, "landline": mobile}
    number = clean.pop("phone", None)
    if number and number not in (clean.get("mobile"), clean.get("landline")):
        column = "mobile" if normalising.is_mobile(number) and not clean.get("mobile") else "landline"
        if clean.get(column) not in (None, "", number):
            return [Problem("phone", "电话写了两个，请分开到手机号和座机")]
        clean[column] = number
    return []


def missing(clean: Mapping[str, Any], source: SourceRule | None, wrong: set[str]) -> list[Problem]:
    """List what a source requires and is not there; what is there and wrong is told already."""
    if source is None:
        return []
    found = []
    for field in source.requires:
        here = clean.get("mobile") or clean.get("landline") if field == "phone" else clean.get(field)
        if not here and field not in wrong and not (field == "phone" and wrong & {"mobile", "landline"}):
            found.append(Problem(field, f"来源「{source.name}」要求填写{LABELS[field]}"))
    return found


def problems_of(values: Mapping[str, Any], source: SourceRule | None = None) -> list[Problem]:
    """Tell what is wrong with the values somebody gave, without changing them."""
    return checked(values, source).problems


def cleaned(values: Mapping[str, Any], source: SourceRule | None = None) -> dict[str, Any]:
    """Normalise values. Raises: Invalid with the first problem."""
    found = checked(values, source)
    if found.problems:
        raise Invalid(field=found.problems[0].field, reason=found.problems[0].reason)
    return found.values


def cleaned_company(values: Mapping[str, Any]) -> dict[str, Any]:
    """Normalise the values of a customer, whose name is a company's. Raises: Invalid."""
    rest = cleaned({name: value for name, value in values.items() if name != "name"})
    said = values.get("name")
    if not isinstance(said, str):
        return {**rest, **({"name": said} if "name" in values else {})}
    name, reason = read("company", said)
    if reason:
        raise Invalid(field="name", reason=f"客户名称最多{MOST['company']}个字符")
    return {**rest, "name": name}
