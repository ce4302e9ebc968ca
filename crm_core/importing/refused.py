"""The file of refused rows: what stood in each, and why it was not let in, for a person to mend and import again. Pure."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from crm_core.importing.cells import neutral
from crm_core.importing.columns import KINDS
from crm_core.importing.rows import Reason

HEAD = ("行号", "原因")
"""The first columns; those of the table follow, so that the mended file can be imported as it is."""


def sentence(reasons: Sequence[Reason]) -> str:
    """Write all that is wrong with a row in one line."""
    return "；".join(f"{label}：{why}" if label and not why.startswith(label) else why for label, why in reasons)


class RefusedFile:
    """A CSV beside the table, made when the first row is refused; spreadsheets take no cell of it for a formula."""

    def __init__(self, path: Path, kind: str) -> None:
        self.path = path
        self._columns = KINDS[kind].columns
        self.count = 0
        self._stream: io.TextIOWrapper | None = None

    def __enter__(self) -> "RefusedFile":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._stream is not None:
            self._stream.close()

    def add(self, rows: Iterable[tuple[int, Sequence[Reason], Mapping[str, str]]]) -> None:
        """Write refused rows: line, reasons, and what stood there by field."""
        for line, reasons, said in rows:
            if self._stream is None:
                # With the mark of UTF-8, by which spreadsheets know it.
                self._stream = self.path.open("w", encoding="utf-8-sig", newline="")
                csv.writer(self._stream).writerow([*HEAD, *(column.label for column in self._columns)])
            csv.writer(self._stream).writerow(
                [line, neutral(sentence(reasons)), *(neutral(said.get(each.field, "")) for each in self._columns)]
            )
            self.count += 1
