"""Rows of a resource as CSV, XLSX or JSON lines: read by page, written as they come."""

import asyncio
import csv
import io
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from operator import itemgetter
from typing import IO, Any, Protocol

import msgspec
import xlsxwriter

from bot.api.app import all_routes
from bot.api.resources import Form, Resource, Shown
from crm_core import access
from crm_core.access import Actor
from crm_core.clock import at_local
from crm_core.importing.cells import RISKY, neutral
from crm_core.ports import Core, Program
from crm_core.values import mask_phone, mask_text

PAGE_ROWS = 2000
OTHERS_ROWS = 500
"""The same for whoever does not see all: their rows are named one by one."""
_FIRST = itemgetter(0)
_SHEET_ROWS = 1_048_576
"""What one sheet of a workbook holds."""
_CELL_CHARACTERS = 32_767
"""What one cell of a workbook holds, counted as the format does: in halves of UTF-16."""
_MOBILE = len("+8613800138000")
CUT = "有 {count} 个单元格超过 {most} 个字符，在 xlsx 里已截断并以“…”结尾；需要全文请用 csv 或 jsonl"
Column = Sequence[Any]
Convert = Callable[[Column], Column]


def resources() -> dict[str, Resource]:
    """Tell everything the API shows, by name."""
    return {route.shows.name: route.shows for route in all_routes() if route.shows is not None}


def parse_since(text: str) -> datetime:
    """Read a day in Shanghai or an instant with a zone. Raises: ValueError."""
    if len(text) == len("2026-11-01"):
        return at_local(date.fromisoformat(text), time())
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("no zone")
    return found


async def exported(
    core: Core,
    actor: Actor,
    resource: Resource,
    kind: str,
    stream: IO[bytes],
    *,
    since: datetime | None = None,
    tell: Callable[[str], object] = len,
) -> int:
    """Write a resource and note it in the audit trail; tells how many rows, and by `tell` what could not be kept whole.

    Raises: Refused.
    """
    access.require(actor, f"{resource.name}:read" if resource.name in access.RESOURCES else "audit:read")
    shown = [field for field in resource.fields if field.form is not Form.MADE]
    sheet = _SHEETS[kind](stream, [field.name for field in shown])
    converters = [_converter(field, sheet.keeps_types) for field in shown]
    count = 0
    async with asyncio.TaskGroup() as ahead:
        rows = await _next(core, actor, resource, shown, since, 0)
        while rows:
            # The next page is read while this one is written.
            coming = ahead.create_task(_next(core, actor, resource, shown, since, rows[-1][0]))
            await asyncio.sleep(0)
            # By column and not by row: one call a column and page instead of one a cell. The first is the key of the page.
            columns = list(zip(*rows, strict=True))[1:]
            converted = [convert(column) for convert, column in zip(converters, columns, strict=True)]
            sheet.write(list(zip(*converted, strict=True)))
            count += len(rows)
            rows = await coming
    sheet.close()
    if sheet.cut:
        tell(CUT.format(count=sheet.cut, most=_CELL_CHARACTERS))
    async with core.db.transaction():
        table = str(resource.model._meta.db_table)
        await access.record(core, actor, f"{resource.name}.export", (table, None), after={"format": kind, "rows": count})
    return count


async def _next(
    core: Core, actor: Actor, resource: Resource, shown: Sequence[Shown], since: datetime | None, last: int
) -> list[Any]:
    """Read the rows behind a number that the actor may see; merged and deleted ones are nobody's to export."""
    if actor.sees_all:
        return await core.db.read(_page(resource, shown, since, last, access.standing_sql(resource.model), ()))
    query = access.visible(resource.model, actor).filter(id__gt=last).order_by("id").limit(OTHERS_ROWS)
    numbers = await (query.filter(updated_at__gte=since) if since else query).values_list("id", flat=True)
    if not numbers:
        return []
    return await core.db.read(_page(resource, shown, None, last, f"id IN ({', '.join('?' * len(numbers))})", list(numbers)))


def _page(
    resource: Resource, shown: Sequence[Shown], since: datetime | None, last: int, which: str, values: Sequence[Any]
) -> Program[list[Any]]:
    columns = ", ".join(f'"{field.source}"' for field in shown)
    changed = " AND updated_at >= ?" if since else ""
    rows = yield (
        f'SELECT id, {columns} FROM "{resource.model._meta.db_table}" WHERE id > ? AND {which}{changed}'  # noqa: S608 - our own names
        f" ORDER BY id LIMIT {PAGE_ROWS}",
        (last, *values, since) if since else (last, *values),
    )
    return list(rows)


class Sheet(Protocol):
    """Something rows are written to."""

    keeps_types: bool
    cut: int
    """Cells that hold less than they should."""

    def write(self, rows: list[tuple[Any, ...]]) -> None:
        """Write one page."""

    def close(self) -> None:
        """Write the end."""


class CsvSheet:
    """Comma-separated, UTF-8, a line of names first."""

    keeps_types = False
    cut = 0

    def __init__(self, stream: IO[bytes], names: list[str]) -> None:
        self._text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=False)
        self._writer = csv.writer(self._text)
        self._writer.writerow(names)

    def write(self, rows: list[tuple[Any, ...]]) -> None:
        """Write one page."""
        self._writer.writerows(rows)

    def close(self) -> None:
        """Give everything to the stream and leave it open."""
        self._text.flush()
        self._text.detach()


class JsonSheet:
    """One object a line."""

    keeps_types = True
    cut = 0

    def __init__(self, stream: IO[bytes], names: list[str]) -> None:
        self._stream = stream
        # A struct of its own is made and written faster than a dictionary a row.
        fields = [(f"f{number}", Any) for number in range(len(names))]
        self._row: Any = msgspec.defstruct("Row", fields, rename={f"f{n}": name for n, name in enumerate(names)})
        self._encode = msgspec.json.Encoder().encode_lines

    def write(self, rows: list[tuple[Any, ...]]) -> None:
        """Write one page."""
        make = self._row
        self._stream.write(self._encode([make(*row) for row in rows]))

    def close(self) -> None:
        """Give everything to the stream."""
        self._stream.flush()


class XlsxSheet:
    """A workbook; what does not fit one sheet goes on in the next."""

    keeps_types = False

    def __init__(self, stream: IO[bytes], names: list[str]) -> None:
        self._book = xlsxwriter.Workbook(
            stream, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        )
        self._names = names
        self._row = _SHEET_ROWS
        self.cut = 0

    def write(self, rows: list[tuple[Any, ...]]) -> None:
        """Write one page."""
        for row in rows:
            if self._row >= _SHEET_ROWS:
                self._begin()
            for column, value in enumerate(row):
                if isinstance(value, (int, float)) and not isinstance(value, bool):
                    self._sheet.write_number(self._row, column, value)
                elif value not in (None, ""):
                    text = str(value)
                    kept = fitting(text)
                    self.cut += kept is not text
                    self._sheet.write_string(self._row, column, kept)
            self._row += 1

    def close(self) -> None:
        """Write the workbook."""
        if self._row >= _SHEET_ROWS:
            self._begin()
        self._book.close()

    def _begin(self) -> None:
        self._sheet = self._book.add_worksheet()
        for column, name in enumerate(self._names):
            self._sheet.write_string(0, column, name)
        self._row = 1


def fitting(text: str) -> str:
    """Cut a text to what a cell of a workbook holds, marked with an ellipsis."""
    if len(text) * 2 <= _CELL_CHARACTERS:
        return text
    units = text.encode("utf-16-le")
    if len(units) <= _CELL_CHARACTERS * 2:
        return text
    return units[: (_CELL_CHARACTERS - 1) * 2].decode("utf-16-le", errors="ignore") + "…"


def _converter(field: Shown, keeps_types: bool) -> Convert:
    convert = _CONVERTERS.get(field.form, _same)
    if field.form is Form.JSON and not keeps_types:
        convert = _same
    if keeps_types or field.form in (Form.COUNT, Form.TIME, Form.TRUTH, Form.MONEY):
        return convert
    return lambda values: _neutralised(convert(values))


def _neutralised(values: Column) -> Column:
    # Asked of the first signs alone, and of a column at once: this is done for every cell.
    if RISKY.isdisjoint(map(_FIRST, filter(None, values))):
        return values
    return [neutral(value) if value and value[0] in RISKY else value for value in values]


def _same(values: Column) -> Column:
    return values


def _json(values: Column) -> Column:
    return [msgspec.json.decode(value) if value else None for value in values]


def _truth(values: Column) -> Column:
    return [None if value is None else bool(value) for value in values]


def _time(values: Column) -> Column:
    # A driver gives its own time or the text it stored; many columns hold none at all.
    if not any(values):
        return values
    return [f"{value[:10]}T{value[11:]}" if value.__class__ is str else value and value.isoformat() for value in values]


def _money(values: Column) -> Column:
    return [None if value is None else str(value) for value in values]


def _phone(values: Column) -> Column:
    # Mainland mobiles, which nearly all are, by hand: a call a cell is what takes the time.
    return [
        f"{value[3:6]}****{value[10:]}" if value and len(value) == _MOBILE and value.startswith("+861") else mask_phone(value)
        for value in values
    ]


def _personal(values: Column) -> Column:
    return [mask_text(value) for value in values]


_CONVERTERS: dict[Form, Convert] = {
    Form.TIME: _time,
    Form.MONEY: _money,
    Form.PHONE: _phone,
    Form.PERSONAL: _personal,
    Form.TRUTH: _truth,
    Form.JSON: _json,
}
_SHEETS: dict[str, Callable[[IO[bytes], list[str]], Sheet]] = {"csv": CsvSheet, "xlsx": XlsxSheet, "jsonl": JsonSheet}
