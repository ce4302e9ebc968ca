"""Overwriting (覆盖): what happens to a field when newer information says something else, and what stood there before.

The rule of each field stands in `[identity.overwrite]`: newest, keep or ask. Nothing is lost: what gave way, what was not
taken and what waits for an answer are rows of `field_changes`, and each overwrite is a change set that can be undone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import msgspec
from tortoise import fields
from tortoise.expressions import Q

from crm_core import access, change_sets
from crm_core.access import Actor
from crm_core.change_sets import ChangeSet
from crm_core.customers import Contact, Customer, require_change
from crm_core.db import Entity
from crm_core.errors import Invalid
from crm_core.identity import TABLES
from crm_core.leads import Lead
from crm_core.match_rules import ASK, NEWEST, OverwriteSettings
from crm_core.name_keys import with_keys
from crm_core.ports import Core, Program
from crm_core.values import mask_phone, mask_text

_PERSON = ("name", "title", "mobile", "landline", "wechat_id", "email", "birthday")
FIELDS: Mapping[str, tuple[str, ...]] = {
    "lead": (*_PERSON, "company", "region", "need", "amount", "source", "campaign", "hand_grade"),
    "contact": (*_PERSON, "hand_grade"),
    "customer": ("name", "industry", "region", "grade", "credit_code"),
}
"""Fields that have a rule, by noun; any other is not overwritten."""
FIELD_LABELS = {
    **{"name": "姓名", "title": "职务", "mobile": "手机号", "landline": "座机", "wechat_id": "微信号", "email": "邮箱"},
    **{"birthday": "生日", "company": "公司", "region": "地区", "need": "需求", "amount": "预算", "source": "来源"},
    **{"campaign": "活动", "grade": "等级", "hand_grade": "等级", "industry": "行业", "credit_code": "统一社会信用代码"},
}
_RULES = {"hand_grade": "grade"}
"""By field, the rule it goes by where that is called otherwise. The rules' own grade is worked out, never overwritten."""
OF_A_NEED = ("source", "campaign", "need", "amount")
"""Fields of one expression of need: noted even where nothing stood before, so that each need stays what it was."""
REPLACED, KEPT, PENDING = "replaced", "kept", "pending"
FIELDS_CASE = "fields"
"""The reason of a case of the cleaning queue that is about fields two sources say differently."""
STATUS_LABELS = {REPLACED: "已更新", KEPT: "保留原值", PENDING: "待确认"}
_MODELS: dict[str, type[Lead] | type[Contact] | type[Customer]] = {"lead": Lead, "contact": Contact, "customer": Customer}


class FieldChange(Entity):
    """What another source said of a field: `old` stood there, `new` was said; replaced, kept or pending."""

    owner_field = None

    subject_kind = fields.CharField(max_length=16)
    subject_id = fields.BigIntField()
    person_id = fields.BigIntField(null=True, db_index=True)
    name = fields.CharField(max_length=32)
    old = fields.TextField(default="")
    new = fields.TextField(default="")
    status = fields.CharField(max_length=16)
    set_id = fields.BigIntField(null=True, db_index=True)

    # It stays with the row it tells of; `history` looks at what was merged too.
    hangs_on = ()

    class Meta:
        """The history of a record's fields."""

        table = "field_changes"
        indexes = (("subject_kind", "subject_id"),)


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with each field that differs; a field that was empty is filled and stands in `changes` alone."""

    changes: dict[str, Any] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)
    """By field: replaced, kept or pending."""


@dataclass(frozen=True, slots=True)
class Overwritten:
    """What an overwrite did: the set it can be undone by, and the fields that changed, stayed, or wait."""

    set_id: int
    changed: tuple[str, ...]
    kept: tuple[str, ...]
    pending: tuple[str, ...]


def decide(
    rules: OverwriteSettings, noun: str, before: Mapping[str, Any], said: Mapping[str, Any], *, newer: bool = True
) -> Decision:
    """Weigh what was said against what stands there. `newer`: whether it was said later than what stands there."""
    made = Decision()
    for name in FIELDS[noun]:
        old, new = before.get(name), said.get(name)
        if new in (None, "") or new == old:
            continue
        if old in (None, ""):
            made.changes[name] = new
            if noun == "lead" and name in OF_A_NEED:
                made.told[name] = REPLACED
            continue
        rule = getattr(rules, _RULES.get(name, name))
        made.told[name] = PENDING if rule == ASK else REPLACED if rule == NEWEST and newer else KEPT
        if made.told[name] == REPLACED:
            made.changes[name] = new
    return made


async def overwrite(
    core: Core,
    actor: Actor,
    noun: str,
    number: int,
    said: Mapping[str, Any],
    *,
    newer: bool = True,
    changes: ChangeSet | None = None,
) -> Overwritten:
    """Write newer information over a record by the rules of its fields (覆盖); values as they are stored.

    `changes` puts it into an open change set (an import's); else it makes one of its own.

    Raises: NotFound; Refused; Invalid for a kind without such rules.
    """
    if noun not in FIELDS:
        raise Invalid(field="kind", reason="只能是 lead、contact、customer")
    access.require(actor, f"{noun}s:write")
    async with core.db.transaction():
        row = await access.load(_MODELS[noun], actor, number)
        if isinstance(row, Contact | Customer):
            await require_change(actor, row)
        decision = decide(core.settings.identity.overwrite, noun, values_of(noun, row), said, newer=newer)
        made = changes or await change_sets.begin(core, actor, "overwrite", f"更新{row.name}的资料")
        person = getattr(row, "person_id", None)
        await core.db.run(write(core, made.id, noun, row.id, person, decision, values_of(noun, row), said))
        if changes is None:
            await access.record(core, actor, f"{noun}.overwrite", row, after={"fields": sorted(decision.changes)})
    return Overwritten(made.id, tuple(decision.changes), *(_with(decision, word) for word in (KEPT, PENDING)))


def write(
    core: Core,
    set_id: int,
    noun: str,
    number: int,
    person_id: int | None,
    decision: Decision,
    before: Mapping[str, Any],
    said: Mapping[str, Any],
    also: Mapping[str, Any] | None = None,
) -> Program[None]:
    """Write a decision down: the row's columns (and these `also`), and the history of what differed."""
    values = {**_in_force(decision.changes), **(also or {})}
    if values:
        table = TABLES[noun]
        yield from change_sets.change_row(core, set_id, table, number, with_keys(table, values), person_id=person_id)
    now = core.clock.now()
    for name, status in decision.told.items():
        rows = yield (
            "INSERT INTO field_changes (subject_kind, subject_id, person_id, name, old, new, status, set_id, created_at,"
            " updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
            (noun, number, person_id, name, _text(before.get(name)), _text(said.get(name)), status, set_id, now, now),
        )
        yield from change_sets.note_made(core, set_id, "field_changes", int(rows[0][0]), person_id=person_id)


def _in_force(values: Mapping[str, Any]) -> dict[str, Any]:
    """Let a grade somebody set be the one that holds."""
    return {**values, "grade": values["hand_grade"]} if "hand_grade" in values else dict(values)


def ask(core: Core, set_id: int, noun: str, number: int, person_id: int | None, owner_id: int | None) -> Program[None]:
    """Put what waits about a record into the cleaning queue (清洗), once a record; with the set's undo it is asked no more."""
    rows = yield (
        "SELECT DISTINCT name FROM field_changes WHERE subject_kind = ? AND subject_id = ? AND status = ? ORDER BY name",
        (noun, number, PENDING),
    )
    if not rows:
        return
    labels, now = msgspec.json.encode([f"{FIELD_LABELS[name]}不同" for (name,) in rows]).decode(), core.clock.now()
    pair = (noun, number, noun, number, FIELDS_CASE)
    known = yield (
        "SELECT id FROM cleaning_cases WHERE subject_kind = ? AND subject_id = ? AND other_kind = ? AND other_id = ?"
        " AND reason = ?",
        pair,
    )
    if known:
        values = {"status": "open", "reasons": labels, "answered_at": None, "answered_by_id": None, "set_id": None}
        yield from change_sets.change_row(core, set_id, "cleaning_cases", int(known[0][0]), values, person_id=person_id)
        return
    made = yield (
        "INSERT INTO cleaning_cases (subject_kind, subject_id, other_kind, other_id, reason, person_id, score, reasons,"
        " status, owner_id, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, 100, ?, 'open', ?, ?, ?) RETURNING id",
        (*pair, person_id, labels, owner_id, now, now),
    )
    yield from change_sets.note_made(core, set_id, "cleaning_cases", int(made[0][0]), person_id=person_id)


def settle(core: Core, set_id: int, noun: str, number: int, *, take: bool) -> Program[list[str]]:
    """Answer what waits about a record: take what was said, or keep what stands there; gives the fields."""
    rows = yield (
        "SELECT id, name, new, person_id FROM field_changes WHERE subject_kind = ? AND subject_id = ? AND status = ?"
        " ORDER BY id",
        (noun, number, PENDING),
    )
    for change_id, name, new, person_id in rows:
        if take:
            values = with_keys(TABLES[noun], _in_force({name: new}))
            yield from change_sets.change_row(core, set_id, TABLES[noun], number, values, person_id=person_id)
        status = {"status": REPLACED if take else KEPT}
        yield from change_sets.change_row(core, set_id, "field_changes", change_id, status, person_id=person_id)
    return [str(row[1]) for row in rows]


async def history(core: Core, actor: Actor, noun: str, number: int) -> list[FieldChange]:
    """List what the fields of a record were before, newest first; of records merged into it too. Raises: NotFound."""
    row = await access.load(_MODELS[noun], actor, number)
    merged = await _MODELS[noun].filter(merged_into_id=row.id).values_list("id", flat=True)
    about = Q(subject_kind=noun, subject_id__in=[row.id, *merged])
    return await FieldChange.filter(about).order_by("-id").limit(100)


async def first_said(noun: str, numbers: list[int]) -> dict[tuple[int, str], str]:
    """Tell by record and field what stood there before anything newer took its place."""
    rows = FieldChange.filter(subject_kind=noun, subject_id__in=numbers, status=REPLACED).order_by("-id")
    return {(number, name): old for number, name, old in await rows.values_list("subject_id", "name", "old")}


def values_of(noun: str, row: Entity) -> dict[str, Any]:
    """Give the fields of a record that have a rule."""
    return {name: getattr(row, name) for name in FIELDS[noun]}


def shown(name: str, value: str, *, full: bool) -> str:
    """Write a value of the history, numbers and addresses masked unless they may be seen."""
    if full or not value:
        return value
    if name in ("mobile", "landline"):
        return mask_phone(value) or ""
    return (mask_text(value) or "") if name in ("wechat_id", "email", "birthday") else value


def _with(decision: Decision, status: str) -> tuple[str, ...]:
    return tuple(name for name, word in decision.told.items() if word == status)


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value or "")
