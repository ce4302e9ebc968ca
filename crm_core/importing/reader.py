"""Reads a table in a process of its own: whatever a hostile file does, it does it there, within limits, off the event loop.

The order comes on the standard input, pages of checked rows go out, each a length and a frame. `read_table` is the other end.
"""

import asyncio
import os
import resource
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import closing, suppress
from itertools import chain, islice
from pathlib import Path
from typing import Any

import msgspec

from crm_core.errors import CrmError, Invalid
from crm_core.importing import columns, csv_tables, workbooks
from crm_core.importing.columns import HEAD_WITHIN, KINDS
from crm_core.importing.rows import FIELDS, Reason, RowMaker
from crm_core.lead_rules import ImportSettings, LeadSettings

PAGE = 750
"""Rows of one frame, and of one transaction: their pages of the database are held in memory until it ends."""
_LENGTH_BYTES = 4
_STOP_SECONDS = 5.0
_PIPE_BYTES = 1 << 16
_ZIP = b"PK\x03\x04"
_HARD = ("mobile", "email", "wechat_id", "openid", "credit_code")


class TooManyRows(Invalid):
    """More rows than one import may have."""

    code = "import.too_many_rows"
    text = "超过{most}行，请分成几个文件导入"


class NoRows(Invalid):
    """Nothing below the names of the columns."""

    code = "import.no_rows"
    text = "表头下面没有数据，请填好再导入"


class ReaderEnded(Invalid):
    """The process that reads ran into its limits."""

    code = "import.reader_ended"
    text = "表格太大或已损坏，读不下去，请另存为 CSV 或分成几个文件"


class Order(msgspec.Struct, frozen=True):
    """What to read, and by which rules. `owners`: the names rows may be given to (null: several of that name)."""

    path: str
    kind: str
    imports: ImportSettings
    leads: LeadSettings
    owners: dict[str, int | None] = {}
    channels: list[str] = []
    """Customers' channels: an openid belongs to one of them."""
    source: str = ""
    mark_repeats: bool = False
    """Whether rows that repeat an id of an earlier row of the file are told: a dry run asks, the database tells else."""


class Head(msgspec.Struct, tag="head", frozen=True):
    """What the table is like. `lines` is how many it has, about."""

    labels: list[str]
    unknown: list[str]
    lines: int
    form: str


class Page(msgspec.Struct, tag="page", frozen=True):
    """Some rows, in their order. `rows`: line and values by `FIELDS`; `refused`: line, reasons, what stood there."""

    last_line: int
    rows: list[tuple[int, list[Any]]]
    refused: list[tuple[int, list[Reason], dict[str, str]]]
    repeats: list[int] = []


class End(msgspec.Struct, tag="end", frozen=True):
    """Everything was read."""


class Failed(msgspec.Struct, tag="failed", frozen=True):
    """Why it could not be."""

    code: str
    fields: dict[str, str | int]


_Rows = Generator[tuple[int, list[str]], None, None]
Frame = Head | Page | End | Failed
_MISTAKES: dict[str, type[CrmError]] = {
    each.code: each
    for each in (
        columns.NoHead,
        columns.ColumnDoubled,
        columns.ColumnMissing,
        csv_tables.UnreadableText,
        csv_tables.BrokenTable,
        workbooks.NoWorkbook,
        workbooks.TooBig,
        workbooks.Merged,
        TooManyRows,
        NoRows,
    )
}


async def read_table(order: Order) -> AsyncGenerator[Head | Page, None]:
    """Read a table page by page, no faster than the pages are used. Raises: Invalid for what is wrong with the file."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONDONTWRITEBYTECODE": "1"}
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "crm_core.importing.reader")
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, env=environment)
    try:
        if process.stdin is None or process.stdout is None:
            raise ReaderEnded
        process.stdin.write(msgspec.json.encode(order))
        process.stdin.close()
        async for frame in _frames(process.stdout):
            if isinstance(frame, End):
                return
            if isinstance(frame, Failed):
                raise _MISTAKES[frame.code](**frame.fields)
            yield frame
        raise ReaderEnded(field="file", reason="ended")
    finally:
        await _end(process)


async def _frames(stream: asyncio.StreamReader) -> AsyncIterator[Frame]:
    decoder = msgspec.msgpack.Decoder(Frame)
    with suppress(asyncio.IncompleteReadError):
        while True:
            length = int.from_bytes(await stream.readexactly(_LENGTH_BYTES), "big")
            yield decoder.decode(await stream.readexactly(length))


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
    with suppress(TimeoutError):
        async with asyncio.timeout(_STOP_SECONDS):
            # What nobody wants any more is read to its end: a pipe that is held back is never closed.
            while process.stdout is not None and await process.stdout.read(_PIPE_BYTES):
                pass
            await process.wait()


def frames_of(order: Order) -> Iterator[Frame]:
    """Read a table in this process."""
    try:
        yield from _read(order)
        yield End()
    except Invalid as error:
        yield Failed(
            error.code, {name: value if isinstance(value, int) else str(value) for name, value in error.fields.items()}
        )


def _read(order: Order) -> Iterator[Frame]:
    form, lines, rows, merged = _open(Path(order.path), order.imports)
    with closing(rows):
        kind, first = KINDS[order.kind], list(islice(rows, HEAD_WITHIN))
        matched = columns.match(kind, [cells for _, cells in first])
        for begin, end in merged:
            if end > first[matched.row][0]:
                raise workbooks.Merged(field="file", reason="merged", first=begin, last=end)
        labels = [kind.by_field[name].label for _, name in matched.fields]
        yield Head(labels, list(matched.unknown), lines, form)
        maker = RowMaker(kind, matched, order.leads, order.owners, order.channels, order.source)
        yield from _pages(order, maker, chain(first[matched.row + 1 :], rows))


def _open(path: Path, limits: ImportSettings) -> tuple[str, int, _Rows, tuple[tuple[int, int], ...]]:
    with path.open("rb") as stream:
        start = stream.read(8)
    if start.startswith(_ZIP) or start.startswith(b"\xd0\xcf\x11\xe0"):
        book = workbooks.check(path, limits.max_unpacked_mib)
        _refuse_many(book.row_count, limits)
        return "xlsx", book.row_count, workbooks.rows_of(book), book.merged
    encoding, lines = csv_tables.encoding_of(path)
    if lines > limits.max_rows:  # a cell may have several lines: then they are counted one by one
        _refuse_many(sum(1 for _ in csv_tables.rows_of(path, encoding)), limits)
    return encoding, lines, csv_tables.rows_of(path, encoding), ()


def _refuse_many(count: int, limits: ImportSettings) -> None:
    if count > limits.max_rows + HEAD_WITHIN:
        raise TooManyRows(field="file", reason="rows", most=limits.max_rows)


def _pages(order: Order, maker: RowMaker, rows: Iterator[tuple[int, list[str]]]) -> Iterator[Page]:
    repeats = _Repeats(order) if order.mark_repeats else None
    page, last, count = Page(0, [], []), 0, 0
    for line, cells in rows:
        last = line
        values, reasons = maker.make(cells)
        if values is not None:
            page.rows.append((line, values))
            if repeats is not None and repeats.seen(values):
                page.repeats.append(line)
        elif reasons:
            page.refused.append((line, reasons, maker.said(cells)))
        if len(page.rows) + len(page.refused) >= PAGE:
            count += 1
            yield msgspec.structs.replace(page, last_line=line)
            page = Page(line, [], [])
    if page.rows or page.refused:
        yield msgspec.structs.replace(page, last_line=last)
    elif not count:
        raise NoRows(field="file", reason="rows")


class _Repeats:
    """Remembers the ids of the rows before, as numbers."""

    def __init__(self, order: Order) -> None:
        fields = FIELDS[order.kind]
        ids = ("name",) if order.kind == "customers" else _HARD
        self._slots = [fields.index(name) for name in ids if name in fields]
        self._known: set[int] = set()

    def seen(self, values: list[Any]) -> bool:
        """Tell whether an earlier row had one of these ids, and remember them."""
        ids = [hash((slot, values[slot])) for slot in self._slots if values[slot]]
        known = any(each in self._known for each in ids)
        self._known.update(ids)
        return known


def main() -> None:
    """Read the order, write the frames."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    for what, most in (
        (resource.RLIMIT_AS, order.imports.reader_memory_mib << 20),
        (resource.RLIMIT_CPU, order.imports.reader_seconds),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    encoder, out = msgspec.msgpack.Encoder(), sys.stdout.buffer
    with suppress(BrokenPipeError, MemoryError):  # nobody waits any more, or too little room: either way there is no end
        for frame in frames_of(order):
            encoded = encoder.encode(frame)
            out.write(len(encoded).to_bytes(_LENGTH_BYTES, "big") + encoded)
            out.flush()
    os._exit(0)  # without closing a pipe that may be gone


if __name__ == "__main__":
    main()
