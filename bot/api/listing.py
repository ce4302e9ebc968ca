"""Lists: filters named after fields, `q=` over a few columns, and paging by key, newest first."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from tortoise.expressions import Q, Subquery
from tortoise.queryset import QuerySet

from bot.api.bodies import MAX_ID, read_field, wrong_fields
from bot.api.problems import what_is_wrong
from bot.api.resources import Form, Resource, is_unmasked, seen_in_full, show
from bot.api.routes import Call
from crm_core import access
from crm_core.db import Entity
from crm_core.identity import Person
from crm_core.values import normalize_phone

DEFAULT_LIMIT = 100
MAX_LIMIT = 500
_PAGING = {"limit", "cursor", "q"}
_MAX_TEXT = 200
Complete = Callable[[Call, list[dict[str, Any]], list[dict[str, Any]]], Awaitable[None]]


def read_query(
    query: Mapping[str, str], names: list[str], filters: Mapping[str, Any]
) -> tuple[dict[str, Any], int, int | None]:
    """Check the query of a list: gives filters, limit and cursor. Raises: WrongFields."""
    problems = {name[:64]: "没有这个筛选条件" for name in names if name not in filters and name not in _PAGING}
    problems |= {name[:64]: "只能给一次" for name in names if names.count(name) > 1}
    found: dict[str, Any] = {}
    for name, kind in {**filters, "q": str, "limit": int, "cursor": int}.items():
        if name in query and name not in problems:
            try:
                found[name] = _read(query[name], kind)
            except msgspec.ValidationError as error:
                problems[name] = what_is_wrong(error, kind)
            except UnicodeError:
                problems[name] = "不是有效的文字"
            except ValueError as error:
                problems[name] = str(error)
    limit = found.pop("limit", DEFAULT_LIMIT)
    if not 1 <= limit <= MAX_LIMIT:
        problems["limit"] = f"需要在 1 到 {MAX_LIMIT} 之间"
    if problems:
        raise wrong_fields(problems)
    return found, limit, found.pop("cursor", None)


def _read(text: str, kind: Any) -> Any:
    if kind is int:
        if not text.isascii() or not text.isdecimal() or len(text) > 16 or int(text) > MAX_ID:
            raise ValueError("需要编号")
        return int(text)
    if kind is bool:
        if text not in ("true", "false"):
            raise ValueError("需要 true 或 false")
        return text == "true"
    if kind is str:
        text.encode()  # a lone surrogate is no text: UnicodeEncodeError is a ValueError
        return text[:_MAX_TEXT].replace("\0", "")
    return read_field(text, kind)


async def list_rows(
    call: Call, resource: Resource, *, query: "QuerySet[Any] | None" = None, complete: Complete | None = None
) -> dict[str, Any]:
    """Answer one page of the rows the actor may see; `complete` puts in the fields that have no column."""
    chosen = access.visible(resource.model, call.actor) if query is None else query
    chosen = _narrowed(chosen, resource, call)
    if call.cursor is not None:
        chosen = chosen.filter(id__lt=call.cursor)
    rows: list[dict[str, Any]] = await chosen.order_by("-id").limit(call.limit + 1).values(*resource.columns)
    more, rows = len(rows) > call.limit, rows[: call.limit]
    items = [show(resource, row, call.actor, record=False) for row in rows]
    if complete is not None:
        await complete(call, rows, items)
    return {"items": items, "next": str(rows[-1]["id"]) if more else None}


async def open_row(call: Call, resource: Resource, row: Entity, *, complete: Complete | None = None) -> dict[str, Any]:
    """Answer one record to whoever looked it up; seeing the numbers of somebody else's record is written down."""
    values = {name: getattr(row, name) for name in resource.columns}
    if is_unmasked(resource, values, call.actor):
        await access.record(call.core, call.actor, f"{resource.name}.unmask", row)
    return await show_row(call, resource, row, complete=complete)


async def show_row(call: Call, resource: Resource, row: Entity, *, complete: Complete | None = None) -> dict[str, Any]:
    """Answer one record that was loaded through the door of access."""
    values = {name: getattr(row, name) for name in resource.columns}
    item = show(resource, values, call.actor, record=True)
    if complete is not None:
        await complete(call, [values], [item])
    return item


def _narrowed(query: "QuerySet[Any]", resource: Resource, call: Call) -> "QuerySet[Any]":
    fields = {field.name: field for field in resource.fields}
    for name, value in call.query.items():
        if name == "q":
            query = query.filter(_search(resource, value, call)) if value.strip() else query
            continue
        field = fields[name]
        if field.form is Form.MADE:
            continue  # the resource file has narrowed by it already
        if field.form is Form.PHONE:
            value = normalize_phone(value) or value
        if field.form in (Form.PHONE, Form.PERSONAL):
            # Whoever sees a number masked must not find it out by asking for one after another.
            query = query.filter(seen_in_full(resource, call.actor))
        query = query.filter(_person(value) if name == "person_id" else Q(**{field.source: value}))
    return query


def _person(number: int) -> Q:
    """Select the rows of a person; the number of a merged one finds those of the surviving one."""
    into: Any = Subquery(Person.filter(id=number).exclude(merged_into_id=None).values("merged_into_id"))
    return Q(person_id=number) | Q(person_id__in=into)


def _search(resource: Resource, text: str, call: Call) -> Q:
    found = Q()
    for column in resource.search:
        found |= Q(**{f"{column}__icontains": text.strip()})
    phone = normalize_phone(text)
    if phone:
        for field in resource.fields:
            if field.form is Form.PHONE:
                found |= Q(**{field.source: phone}) & seen_in_full(resource, call.actor)
    return found
