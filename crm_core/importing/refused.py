"""The file of refused rows: what stood in each, and why it was not let in, for a person to mend and import again. Pure.

As CSV beside a command's table, as a workbook for whoever sent the table in chat, as CSV over the API.
"""

import csv
import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import xlsxwriter

from crm_core.importing.cells import neutral
from crm_core.importing.columns import KINDS
from crm_core.importing.rows import Reason

HEAD = ("行号", "原因")
"""The first columns; those of the table follow, so that the mended file can be imported as it is."""


def sentence(reasons: Sequence[Reason]) -> str:
    """Write all that is wrong with a row in one line."""
    return "；".join(f"{label}：{why}" if label and not why.startswith(label) else why for label, why in reasons)


Row = tuple[int | None, Sequence[Reason], Mapping[str, str]]
"""Line, reasons, and what stood there by field."""


def _lines(kind: str, rows: Iterable[Row]) -> Iterator[list[str]]:
    columns = KINDS[kind].columns
    for line, reasons, said in rows:
        cells = (neutral(said.get(each.field, "")) for each in columns)
        yield [str(line or ""), neutral(sentence(reasons)), *cells]


def _head(kind: str) -> list[str]:
    return [*HEAD, *(column.label for column in KINDS[kind].columns)]


def as_csv(kind: str, rows: Iterable[Row]) -> str:
    """Write refused rows as CSV."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([_head(kind), *_lines(kind, rows)])
    return text.getvalue()


def as_workbook(kind: str, rows: Iterable[Row]) -> bytes:
    """Write refused rows as a workbook, no cell of which is a formula. On a thread."""
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet, text = book.add_worksheet(KINDS[kind].label), book.add_format({"num_format": "@"})
    for number, cells in enumerate((_head(kind), *_lines(kind, rows))):
        for column, cell in enumerate(cells):
            sheet.write_string(number, column, cell, text)
    book.close()
    return made.getvalue()


class RefusedFile:
    """A CSV beside the table, made when the first row is refused; spreadsheets take no cell of it for a formula."""

    def __init__(self, path: Path, kind: str) -> None:
        self.path = path
        self._kind = kind
        self.count = 0
        self._stream: io.TextIOWrapper | None = None

    def __enter__(self) -> "RefusedFile":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._stream is not None:
            self._stream.close()

    def _open(self) -> io.TextIOWrapper:
        """Make the file anew, for its owner alone: numbers and names of people stand in it."""
        self.path.unlink(missing_ok=True)
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        return io.TextIOWrapper(os.fdopen(handle, "wb"), encoding="utf-8-sig", newline="")

    def add(self, rows: Iterable[Row]) -> None:
        """Write refused rows."""
        for cells in _lines(self._kind, rows):
            if self._stream is None:
                # With the mark of UTF-8, by which spreadsheets know it.
                self._stream = self._open()
                csv.writer(self._stream).writerow(_head(self._kind))
            csv.writer(self._stream).writerow(cells)
            self.count += 1
