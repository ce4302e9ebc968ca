"""One row of a table becomes the values of one record, or the reasons why not. Pure, and as fast as it can be said.

What it gives stands in the order of `FIELDS[kind]`, because a million rows travel from the reading process to the writing one.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from crm_core import normalising
from crm_core.importing.cells import as_written
from crm_core.importing.columns import Kind, Matched
from crm_core.lead_rules import LeadSettings
from crm_core.name_keys import company_key, person_key
from crm_core.regions import Region
from crm_core.validation import LABELS, missing, need_of, read, reader_of

_PEOPLE = ("name", "mobile", "landline", "wechat_id", "email", "title", "birthday", "company")
FIELDS: Mapping[str, tuple[str, ...]] = {
    "leads": (
        *_PEOPLE,
        *("region", "region_code", "source", "campaign", "need", "amount", "channel", "openid", "owner_id"),
        *("created_at", "recorded_by", "name_key", "company_key"),
    ),
    "customers": (
        *("name", "kind", "parent", "credit_code", "industry", "region", "region_code", "grade", "owner_id"),
        *("created_at", "recorded_by", "name_key"),
    ),
    "contacts": (*_PEOPLE, "decision_maker", "created_at", "recorded_by", "name_key", "company_key"),
}
"""What a row holds, by kind, in this order."""
_ON_THE_WAY = ("phone", "remark")
"""What a table may tell that ends up in other fields."""
_TRUE = frozenset(("是", "yes", "y", "true", "1", "√", "对", "有"))
_FALSE = frozenset(("否", "no", "n", "false", "0", "×", "不是", "无"))
_KINDS = {
    "企业": "organisation",
    "公司": "organisation",
    "单位": "organisation",
    "组织": "organisation",
    "organisation": "organisation",
} | {
    "个人": "person",
    "person": "person",
    "organization": "organisation",
    "individual": "person",
    "company": "organisation",
}
_LONGEST = 2_000
"""Characters of a refused cell that are kept."""
Reason = tuple[str, str]
"""What is wrong: the label of a column, and a sentence."""
_Reader = Callable[[str], Any]


class RowMaker:
    """Makes records of the rows of one table. `owners`: the names rows may be given to, with their numbers (None: several)."""

    def __init__(
        self,
        kind: Kind,
        matched: Matched,
        settings: LeadSettings,
        owners: Mapping[str, int | None],
        channels: Sequence[str] = (),
        source: str = "",
    ) -> None:
        self._kind = kind
        self._settings = settings
        self._owners = owners
        self._channels = tuple(channels)
        self._source = source
        self._fields = FIELDS[kind.name]
        self._blank: list[Any] = [None] * (len(self._fields) + len(_ON_THE_WAY))
        self._slots = {name: number for number, name in enumerate((*self._fields, *_ON_THE_WAY))}
        self._slots["owner"] = self._slots.get("owner_id", 0)
        self._labels = {name: column.label for name, column in kind.by_field.items()}
        self._plan = [(index, self._slots[name], name, self._reader(name)) for index, name in matched.fields]
        self._asked: dict[str, tuple[str, Any]] = {}

    def make(self, cells: Sequence[str]) -> tuple[list[Any] | None, list[Reason]]:
        """Give (values, []) or (None, reasons); (None, []) for a row with nothing in it."""
        row = self._blank.copy()
        reasons: list[Reason] = []
        filled, count = False, len(cells)
        for index, slot, name, reader in self._plan:
            text = cells[index] if index < count else ""
            if not text or text.isspace():
                continue
            filled = True
            value = reader(as_written(text) if text[0] == "'" else text)
            if value is None:
                reasons.append(self._why(name, text))
            else:
                row[slot] = value
        if not filled:
            return None, []
        self._finish(row, reasons)
        return (None, reasons) if reasons else (row[: len(self._fields)], [])

    def said(self, cells: Sequence[str]) -> dict[str, str]:
        """Give what stood in a row, by field, for whoever mends it."""
        return {name: cells[index][:_LONGEST] for index, _, name, _ in self._plan if index < len(cells) and cells[index]}

    def _finish(self, row: list[Any], reasons: list[Reason]) -> None:
        slots = self._slots
        if "phone" in slots and "mobile" in slots:
            self._place_numbers(row, reasons)
        if "region" in slots:
            found = row[slots["region"]]
            if isinstance(found, Region):
                row[slots["region"]], row[slots["region_code"]] = found.text, found.code
        if not reasons:
            _FINISH[self._kind.name](self, row, reasons)

    def _place_numbers(self, row: list[Any], reasons: list[Reason]) -> None:
        mobile_slot, landline_slot = self._slots["mobile"], self._slots["landline"]
        mobile = row[mobile_slot]
        if mobile and not normalising.is_mobile(mobile) and mobile.startswith("+86") and not row[landline_slot]:
            row[mobile_slot], row[landline_slot] = None, mobile
        phone = row[self._slots["phone"]]
        if phone:
            if phone in (row[mobile_slot], row[landline_slot]):
                return
            slot = mobile_slot if normalising.is_mobile(phone) and not row[mobile_slot] else landline_slot
            if row[slot] not in (None, phone):
                reasons.append((self._labels["phone"], "电话写了两个，请分开到手机号和座机"))
            row[slot] = phone

    def finish_lead(self, row: list[Any], reasons: list[Reason]) -> None:
        """Give a lead its name, its source's one spelling and its keys; ask what the source requires."""
        slots = self._slots
        name, company = row[slots["name"]], row[slots["company"]]
        row[slots["need"]] = need_of(row[slots["need"]], row[slots["remark"]])
        said = row[slots["source"]] or self._source
        if said:
            if said not in self._asked:
                self._asked[said] = self._settings.source(said)
            row[slots["source"]], rule = self._asked[said]
            if rule is not None and rule.requires:
                values = dict(zip(self._fields, row, strict=False))
                reasons += [(LABELS[each.field], each.reason) for each in missing(values, rule, set())]
            elif rule is None and self._settings.known_sources_only:
                reasons.append(("来源", f"没有「{said[:20]}」这个来源"))
        if row[slots["openid"]]:
            self._place_openid(row, reasons)
        if not name:
            number = row[slots["mobile"]] or row[slots["landline"]] or ""
            # A bare number is a lead too; this name is one that is compared with nobody's.
            name = company or (f"客户{number[-4:]}" if number else row[slots["wechat_id"]] or row[slots["email"]])
            row[slots["name"]] = name = name[:64] if name else None
        if not name:
            reasons.append((self._labels["name"], "姓名、公司和联系方式都没有"))
            return
        row[slots["name_key"]], row[slots["company_key"]] = person_key(name), company_key(company)

    def _place_openid(self, row: list[Any], reasons: list[Reason]) -> None:
        slot = self._slots["channel"]
        if not row[slot] and len(self._channels) == 1:
            row[slot] = self._channels[0]
        if row[slot] not in self._channels:
            reasons.append(("openid", "要写明渠道，即设置里公众号的名称"))

    def finish_customer(self, row: list[Any], reasons: list[Reason]) -> None:
        """Give a customer its key."""
        slots = self._slots
        name = row[slots["name"]]
        if not name:
            reasons.append((self._labels["name"], "缺少客户名称"))
            return
        if row[slots["parent"]] == name:
            reasons.append((self._labels["parent"], "不能是客户自己"))
        row[slots["name_key"]] = company_key(name)

    def finish_contact(self, row: list[Any], reasons: list[Reason]) -> None:
        """Give a contact its keys."""
        slots = self._slots
        if not row[slots["name"]]:
            reasons.append((self._labels["name"], "缺少姓名"))
            return
        row[slots["name_key"]] = person_key(row[slots["name"]])
        row[slots["company_key"]] = company_key(row[slots["company"]])

    def _reader(self, name: str) -> _Reader:
        special: dict[str, _Reader] = {
            "mobile": normalising.phone,
            "phone": normalising.phone,
            "landline": normalising.phone,
            "region": normalising.region,
            "owner": lambda text: self._owners.get(normalising.words(text)),
            "kind": lambda text: _KINDS.get(normalising.words(text).casefold()),
            "decision_maker": lambda text: _truth(text),
        }
        if name in special:
            return special[name]
        if name == "parent" or (name == "name" and self._kind.name == "customers"):
            return reader_of("company")
        return reader_of(name)

    def _why(self, name: str, text: str) -> Reason:
        said = normalising.words(text)[:20]
        if name == "owner":
            several = normalising.words(text) in self._owners
            return "负责人", f"有几位同事都叫「{said}」" if several else f"没有可以归属的同事「{said}」"
        if name == "kind":
            return "类型", "只能是企业或个人"
        if name == "decision_maker":
            return "关键决策人", "只能写是或否"
        form = "company" if name == "parent" or (name == "name" and self._kind.name == "customers") else name
        return self._labels.get(name, LABELS.get(name, name)), read(form, text)[1]


def _truth(text: str) -> bool | None:
    said = normalising.words(text).casefold()
    return True if said in _TRUE else False if said in _FALSE else None


_FINISH = {"leads": RowMaker.finish_lead, "customers": RowMaker.finish_customer, "contacts": RowMaker.finish_contact}
