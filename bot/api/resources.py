"""What a resource shows: its fields, how each is written, and who sees it in full."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any

import msgspec
from tortoise.expressions import Q

from crm_core.access import Actor, Role, sees_personal
from crm_core.db import Entity
from crm_core.values import mask_phone, mask_text, show_phone

_NOBODY = Q(id=0)


class Form(Enum):
    """How a field is written."""

    TEXT = auto()
    COUNT = auto()
    TRUTH = auto()
    TIME = auto()
    MONEY = auto()
    PHONE = auto()
    PERSONAL = auto()
    """Masked where phones are: e-mail, WeChat id."""
    JSON = auto()
    MADE = auto()
    """No column: put in by the resource itself."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One field of a resource. `column` when the table calls it otherwise."""

    name: str
    form: Form = Form.TEXT
    column: str = ""

    @property
    def source(self) -> str:
        """Name the column."""
        return self.column or self.name


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of the contract over its table.

    `owner` names the column of whoever sees numbers in full; empty: nobody but admin. `search` lists what `q=` looks into.
    """

    name: str
    model: type[Entity]
    fields: tuple[Shown, ...]
    owner: str = "owner_id"
    search: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Name the columns to read, the owner's among them."""
        names = [field.source for field in self.fields if field.form is not Form.MADE]
        return tuple(dict.fromkeys([*names, *([self.owner] if self.owner else [])]))


def texts(*names: str) -> tuple[Shown, ...]:
    """Declare plain texts."""
    return tuple(Shown(name) for name in names)


def counts(*names: str) -> tuple[Shown, ...]:
    """Declare numbers and references."""
    return tuple(Shown(name, Form.COUNT) for name in names)


def times(*names: str) -> tuple[Shown, ...]:
    """Declare instants."""
    return tuple(Shown(name, Form.TIME) for name in names)


ID = counts("id")
STAMPS = times("created_at", "updated_at")


def show(resource: Resource, row: Mapping[str, Any], actor: Actor, *, record: bool) -> dict[str, Any]:
    """Write one row: numbers in full on the record for those who may, masked anywhere else."""
    owner = row.get(resource.owner) if resource.owner else None
    in_full = record and sees_personal(actor, owner)
    return {field.name: _write(field.form, row.get(field.source), in_full=in_full) for field in resource.fields}


def seen_in_full(resource: Resource, actor: Actor) -> Q:
    """Select the rows of which `show` writes the numbers in full; no other row may be found by one."""
    if actor.role is Role.VIEWER:
        return _NOBODY
    if actor.system or actor.role is Role.ADMIN:
        return Q()
    owners: Any = [number for number in {*actor.team, actor.employee_id} if number is not None]
    return Q(**{f"{resource.owner}__in": owners}) if resource.owner and owners else _NOBODY


def is_unmasked(resource: Resource, row: Mapping[str, Any], actor: Actor) -> bool:
    """Tell whether the record shows somebody else's numbers in full, which is written into the audit trail."""
    owner = row.get(resource.owner) if resource.owner else None
    personal = any(row.get(field.source) for field in resource.fields if field.form in (Form.PHONE, Form.PERSONAL))
    return personal and actor.role is not Role.VIEWER and owner != actor.employee_id and sees_personal(actor, owner)


def _write(form: Form, value: Any, *, in_full: bool) -> Any:
    if value is None:
        return None
    if form is Form.TIME:
        return value.isoformat() if isinstance(value, datetime) else str(value)
    if form is Form.MONEY:
        return str(value)
    if form is Form.PHONE:
        return show_phone(value) if in_full else mask_phone(value)
    if form is Form.PERSONAL:
        return value if in_full else mask_text(value)
    if form is Form.JSON:
        return msgspec.json.decode(value) if value else None
    return value


_SCHEMAS: dict[Form, dict[str, Any]] = {
    Form.TEXT: {"type": ["string", "null"]},
    Form.COUNT: {"type": ["integer", "null"]},
    Form.TRUTH: {"type": "boolean"},
    Form.TIME: {"type": ["string", "null"], "format": "date-time"},
    Form.MONEY: {"type": ["string", "null"]},
    Form.PHONE: {"type": ["string", "null"], "description": "13800138000 or 021-62881234; masked as 138****8000"},
    Form.PERSONAL: {"type": ["string", "null"]},
    Form.JSON: {},
    Form.MADE: {},
}


def schema_of(resource: Resource) -> dict[str, Any]:
    """Describe a resource as JSON Schema."""
    return {
        "type": "object",
        "title": resource.name,
        "properties": {field.name: _SCHEMAS[field.form] for field in resource.fields},
        "required": [field.name for field in resource.fields],
    }
