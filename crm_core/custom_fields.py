"""The values of own fields (自定义字段) of leads, customers and contacts; what fields there are says `field_rules.py`."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from tortoise import fields

from crm_core import access, change_sets
from crm_core.access import Actor
from crm_core.customers import Contact, Customer, require_change
from crm_core.db import Entity
from crm_core.errors import Invalid
from crm_core.field_rules import KINDS, FieldSettings, FieldValue, read_value
from crm_core.leads import Lead, require_claimed
from crm_core.ports import Core, Program

MODELS: Mapping[str, Any] = {"lead": Lead, "customer": Customer, "contact": Contact}


class UnknownField(Invalid):
    """Nobody has configured it."""

    code = "field.unknown"
    text = "没有「{name}」这个字段，可用：{known}"


class OwnFieldValue(Entity):
    """One value of one record: text, number or date."""

    owner_field = None

    subject_kind = fields.CharField(max_length=16)
    subject_id = fields.BigIntField()
    name = fields.CharField(max_length=32)
    text = fields.CharField(max_length=200, default="")
    number: Decimal | None = fields.DecimalField(max_digits=18, decimal_places=4, null=True)
    on_date = fields.DateField(null=True)

    class Meta:
        """Found by record, and by value for segments."""

        table = "field_values"
        unique_together = (("subject_kind", "subject_id", "name"),)
        indexes = (("subject_kind", "name", "text"), ("subject_kind", "name", "number"), ("subject_kind", "name", "on_date"))


def field_named(core: Core, kind: str, name: str) -> FieldSettings:
    """Find a field of a kind by its name or label. Raises: UnknownField; Invalid."""
    if kind not in KINDS:
        raise Invalid(field="kind", reason="只能是 lead、customer、contact")
    found = core.settings.fields.find(kind, name)
    if found is None:
        known = "、".join(each.said for each in core.settings.fields.of(kind))
        raise UnknownField(name=name[:16], known=known[:60] or "无")
    return found


async def set_fields(core: Core, actor: Actor, kind: str, subject_id: int, values: Mapping[str, object]) -> int:
    """Set own fields of a record by name or label, None or "" empties one; gives the change set that takes it back.

    Raises: NotFound; Refused; UnknownField; Invalid.
    """
    access.require(actor, f"{kind}s:write")
    wanted = checked(core, kind, values)
    async with core.db.transaction():
        row = await access.load(MODELS[kind], actor, subject_id)
        if isinstance(row, Lead):
            require_claimed(actor, row)
        else:
            await require_change(actor, row)
        await core.db.serialize(f"field_values:{kind}:{row.id}")
        labels = "、".join(field.said for field, _ in wanted)
        changes = await change_sets.begin(core, actor, "fields.set", f"{row.name}的{labels}")
        person_id = getattr(row, "person_id", None)
        before, after = {}, {}
        for field, value in wanted:
            old = await OwnFieldValue.get_or_none(subject_kind=kind, subject_id=row.id, name=field.name)
            await _store(core, changes.id, (kind, row.id), field, value, old, person_id)
            before[field.name] = shown(old) if old else ""
            after[field.name] = value.shown()
        if isinstance(row, Customer):
            await Customer.filter(id=row.id).update(value_due_at=None)
        await access.record(core, actor, "fields.set", row, before=before, after=after)
    return int(changes.id)


def checked(core: Core, kind: str, values: Mapping[str, object]) -> list[tuple[FieldSettings, FieldValue]]:
    """Check values against their fields. Raises: UnknownField; Invalid."""
    found = [(field_named(core, kind, name), value) for name, value in values.items()]
    return [(field, read_value(field, value)) for field, value in found]


def require_filled(core: Core, kind: str, values: Mapping[str, object]) -> None:
    """Refuse a new record that lacks a required field. Raises: Invalid."""
    for field in core.settings.fields.of(kind):
        if field.required and not {field.name, field.said} & set(values):
            raise Invalid(field=field.said, reason="必填")


async def _store(
    core: Core,
    set_id: int,
    subject: tuple[str, int],
    field: FieldSettings,
    value: FieldValue,
    old: OwnFieldValue | None,
    person_id: int | None,
) -> None:
    if value.is_empty:
        if old is not None:
            await core.db.run(change_sets.take_row(core, set_id, "field_values", old.id, person_id=person_id))
        return
    columns = {"text": value.text, "number": value.number, "on_date": value.on_date}
    if old is not None:
        program = change_sets.change_row(core, set_id, "field_values", old.id, columns, person_id=person_id)
        await core.db.run(program)
        return
    made = await OwnFieldValue.add(core, subject_kind=subject[0], subject_id=subject[1], name=field.name, **columns)
    await core.db.run(change_sets.note_made(core, set_id, "field_values", made.id, person_id=person_id))


async def fields_of(core: Core, kind: str, ids: Sequence[int]) -> dict[int, dict[str, object]]:
    """Tell the own fields of records the caller has loaded through access: by id, name and JSON value."""
    names = {field.name for field in core.settings.fields.of(kind)}
    found: dict[int, dict[str, object]] = {number: {} for number in ids}
    for row in await OwnFieldValue.filter(subject_kind=kind, subject_id__in=list(ids)).order_by("id"):
        if row.name in names:
            found[row.subject_id][row.name] = plain(row)
    return found


async def shown_of(core: Core, kind: str, subject_id: int) -> list[tuple[str, str]]:
    """List (label, value) of a record's own fields, and the required ones nobody has filled."""
    rows = {row.name: row for row in await OwnFieldValue.filter(subject_kind=kind, subject_id=subject_id)}
    found = []
    for field in core.settings.fields.of(kind):
        if field.name in rows:
            found.append((field.said, shown(rows[field.name])))
        elif field.required:
            found.append((field.said, "待补"))
    return found


def shown(row: OwnFieldValue) -> str:
    """Write a value for people."""
    return FieldValue(row.text, row.number, row.on_date).shown()


def plain(row: OwnFieldValue) -> object:
    """Write a value for JSON."""
    if row.number is not None:
        whole = row.number == row.number.to_integral_value()
        return int(row.number) if whole else float(row.number)
    return row.on_date.isoformat() if row.on_date else row.text


def numbers_of(ids: Sequence[int], names: Sequence[str]) -> Program[dict[int, dict[str, Decimal]]]:
    """Read numbers of many customers at once."""
    marks = ", ".join("?" * len(ids))
    rows = yield (
        f"SELECT subject_id, name, number FROM field_values WHERE subject_kind = 'customer' AND subject_id IN ({marks})"  # noqa: S608
        f" AND name IN ({', '.join('?' * len(names))})",
        (*ids, *names),
    )
    found: dict[int, dict[str, Decimal]] = {}
    for number, name, value in rows:
        if value is not None:
            found.setdefault(int(number), {})[str(name)] = Decimal(str(value))
    return found


async def ids_with(core: Core, kind: str, said: str) -> Any:
    """Select the ids of records whose field is so, said as name:value. Raises: Invalid; UnknownField."""
    name, colon, value = said.partition(":")
    if not colon:
        raise Invalid(field="field", reason="写成 字段:值")
    field = field_named(core, kind, name)
    wanted = read_value(field, value)
    narrowed: dict[str, Any] = {"text": wanted.text}
    if wanted.number is not None:
        narrowed = {"number": wanted.number}
    elif isinstance(wanted.on_date, date):
        narrowed = {"on_date": wanted.on_date}
    return OwnFieldValue.filter(subject_kind=kind, name=field.name, **narrowed).values("subject_id")
