"""The texts a workbook keeps once for all its cells: the first in memory, the rest in a file beside."""

import mmap
import re
import tempfile
from array import array
from collections.abc import Iterator, Sequence
from html import unescape
from types import TracebackType
from typing import IO, Any

from crm_core.importing.cells import cell_text

MARK = "\ue0f3"
"""In front of the number of a text, where a cell only points to it; a sign no writing has."""
IN_MEMORY = 100_000
"""Texts that are kept decoded; the common ones stand first, because they were met first."""


class SharedStrings:
    """Texts by number. Add all, then get."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="guanxi-strings-")  # noqa: SIM115 - closed by the block it is used in
        self._ends = array("Q", [0])
        self._map: mmap.mmap | None = None
        self._first: list[str] = []

    def __enter__(self) -> "SharedStrings":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._map is not None:
            self._map.close()
        self._file.close()

    def add(self, texts: list[str]) -> None:
        """Keep more texts, in their order."""
        room = IN_MEMORY - len(self._first)
        self._first += texts[:room]
        texts = texts[room:]
        end = self._ends[-1]
        parts = [text.encode("utf-8", "replace") for text in texts]
        for part in parts:
            end += len(part)
            self._ends.append(end)
        self._file.write(b"".join(parts))

    def fill_in(self, row: Sequence[Any]) -> list[str]:
        """Write a row's values as texts, each pointer as the text it points to. Raises: ValueError; IndexError."""
        first = self._first
        filled = []
        for cell in row:
            if cell.__class__ is not str:
                filled.append(cell_text(cell))
            elif cell[:1] != MARK:
                filled.append(cell)
            else:
                number = int(cell[1:])
                filled.append(first[number] if 0 <= number < len(first) else self._get(number))
        return filled

    def _get(self, number: int) -> str:
        number -= IN_MEMORY
        if number < 0:
            raise IndexError(number)
        first, last = self._ends[number], self._ends[number + 1]
        return (self._map or self._bytes())[first:last].decode() if last > first else ""

    def _bytes(self) -> mmap.mmap:
        if self._map is None:
            self._file.flush()
            self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        return self._map


# Nothing looks past the next tag of its kind: a list full of tags that are never closed must not be read again from each.
_TEXT = re.compile(r"<si\b[^<>]{0,200}?(?:/>|>(?:<t(?:\s[^<>]{0,200})?>([^<]*)</t>|(.*?))</si>)", re.DOTALL)
_EMPTY = re.compile(r"<si\b[^<>]{0,200}?/>")
_RUN = re.compile(r"<rPh\b(?:(?!<rPh\b).)*?</rPh>|<t(?:\s[^<>]{0,200})?>([^<]*)</t>", re.DOTALL)
_LONGEST = 16 << 20
"""What one text may have, its marks and how it is spoken among it."""
_CONTROL = re.compile(r"_x([0-9A-Fa-f]{4})_")


def texts_of(stream: IO[bytes], size: int) -> Iterator[list[str]]:
    """Read the list of shared texts in pieces; a text in several runs is put together, how it is spoken left out."""
    held = b""
    while True:
        more = stream.read(size)
        held += more
        end = held.rfind(b"</si>")
        if end >= 0:
            piece = held[: end + 5].decode("utf-8", "replace")
            found = [plain or (_joined(rich) if rich else "") for plain, rich in _TEXT.findall(piece)]
            special = "&" in piece or "_x" in piece
            yield [_unescaped(text) for text in found] if special else found
            held = held[end + 5 :]
        if not more:
            # What is left may still be texts without anything in them.
            yield [""] * len(_EMPTY.findall(held.decode("utf-8", "replace")))
            return
        if len(held) > _LONGEST:
            raise ValueError("a text without an end")


def _joined(rich: str) -> str:
    return "".join(_RUN.findall(rich))


def _unescaped(text: str) -> str:
    if "_x" in text:
        text = _CONTROL.sub(lambda found: chr(int(found[1], 16)), text)
    return unescape(text) if "&" in text else text
