"""Workbooks (xlsx): checked before they are read, then read in pieces, so that neither size nor shape can hurt. Pure.

The library reads whole sheets into memory. So a sheet is unpacked by us, cut between two rows every few megabytes, and each
piece given to it as a small workbook of its own. What is strange to us (rows with a namespace) goes to it whole.
Reading order: `check`, `rows_of`.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from crm_core.errors import Invalid
from crm_core.importing.cells import cell_text
from crm_core.importing.shared_strings import MARK, SharedStrings, texts_of

_PIECE = 1 << 20
_SMALL = 4 << 20
"""What the list of sheets and the like may have."""
_WHOLE = 64 << 20
"""What a sheet of another shape may have, which the library reads at once."""
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
# Bounded, and never past the next sign of a tag: a part full of tags that are never closed must not be read again from each.
_MERGED = re.compile(rb'<mergeCell [^<>]{0,200}?ref="[A-Z]{1,3}(\d{1,7}):[A-Z]{1,3}(\d{1,7})"')
_INDEXED = re.compile(rb'(<c [^<>]{0,200}?)\bt="s"([^<>]{0,200}>\s{0,200}<v>)')
_HEAD = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
_FOOT = b"</sheetData></worksheet>"


class NoWorkbook(Invalid):
    """Not a workbook of the new kind, or a broken, protected one."""

    code = "import.no_workbook"
    text = "文件打不开：请另存为 xlsx（不加密码）或 CSV 再导入"


class TooBig(Invalid):
    """It unpacks to more than the settings allow."""

    code = "import.too_big"
    text = "表格解压后超过{most}MB，请分成几个文件导入"


class Merged(Invalid):
    """Merged cells below the names of the columns: a value that belongs to several rows belongs to none."""

    code = "import.merged_cells"
    text = "第{first}到{last}行有合并单元格，请取消合并、补全内容后再导入"


@dataclass(frozen=True, slots=True)
class Book:
    """A checked workbook: its first sheet that is shown, and where rows of it are merged."""

    path: Path
    sheet: str
    strings: str
    styles: str
    dates_from_1904: bool
    merged: tuple[tuple[int, int], ...]
    unpacked_bytes: int
    row_count: int
    plain: bool = True
    """Whether its rows are written as nearly every program writes them."""


def check(path: Path, most_mib: int) -> Book:
    """Unpack a workbook without keeping it. Raises: NoWorkbook; TooBig."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            sheet, dates_from_1904 = _first_sheet(archive)
            strings = next((name for name in names if name.lower() == "xl/sharedstrings.xml"), "")
            styles = "xl/styles.xml" if "xl/styles.xml" in names else ""
            room, tail, count = most_mib << 20, b"", 0
            for name in filter(None, (strings, styles, sheet)):
                tail, size, count = _unpack(archive, name, room, most_mib)
                room -= size
            with archive.open(sheet) as stream:
                plain = b"<sheetData" in stream.read(_PIECE)
    except (
        zipfile.BadZipFile,
        zlib.error,
        KeyError,
        RuntimeError,
        NotImplementedError,
        EOFError,
        ElementTree.ParseError,
        ValueError,
        OSError,
    ):
        raise NoWorkbook(field="file", reason="xlsx") from None
    merged = tuple((int(first), int(last)) for first, last in _MERGED.findall(tail) if last != first)
    unpacked = (most_mib << 20) - room
    if not plain and unpacked > _WHOLE:
        raise NoWorkbook(field="file", reason="xlsx")
    return Book(path, sheet, strings, styles, dates_from_1904, merged, unpacked, count, plain)


def _unpack(archive: zipfile.ZipFile, name: str, room: int, most_mib: int) -> tuple[bytes, int, int]:
    """Count what a part unpacks to; gives what stands behind its last row, the bytes and the rows."""
    size, count, tail = 0, 0, b""
    with archive.open(name) as stream:
        while part := stream.read(_PIECE):
            size += len(part)
            if size > room:
                raise TooBig(field="file", reason="size", most=most_mib)
            tail += part
            found = tail.count(b"</row>")
            count += found
            tail = tail[tail.rfind(b"</row>") + 6 if found else 0 :][-_SMALL:]
    return tail, size, count


def _first_sheet(archive: zipfile.ZipFile) -> tuple[str, bool]:
    book = _small_xml(archive, "xl/workbook.xml")
    targets = {each.get("Id"): each.get("Target") or "" for each in _small_xml(archive, "xl/_rels/workbook.xml.rels")}
    sheets = [each for each in book.iter() if each.tag.endswith("}sheet")]
    shown = [each for each in sheets if each.get("state", "visible") == "visible"] or sheets
    target = targets[shown[0].get(_RELATION)] if shown else ""
    dates = any(each.get("date1904") in ("1", "true") for each in book.iter() if each.tag.endswith("}workbookPr"))
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}", dates


def _small_xml(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    with archive.open(name) as stream:
        raw = stream.read(_SMALL + 1)
    if len(raw) > _SMALL or b"<!" in raw.replace(b"<!--", b""):
        raise ValueError("no plain part of a workbook")
    return ElementTree.fromstring(raw)  # noqa: S314 - no document type, so no entities, and its size is known


def rows_of(book: Book) -> Generator[tuple[int, list[str]], None, None]:
    """Give each row with its number. Raises: NoWorkbook."""
    try:
        with zipfile.ZipFile(book.path) as archive, SharedStrings() as strings:
            for texts in _strings(archive, book):
                strings.add(texts)
            yield from _sheet_rows(archive, book, strings) if book.plain else _whole_rows(book)
    except (CalamineError, zipfile.BadZipFile, zlib.error, EOFError, IndexError, ValueError, OSError):
        raise NoWorkbook(field="file", reason="xlsx") from None


def _strings(archive: zipfile.ZipFile, book: Book) -> Iterator[list[str]]:
    if not book.strings:
        return
    with archive.open(book.strings) as stream:
        yield from texts_of(stream, _PIECE)


def _sheet_rows(archive: zipfile.ZipFile, book: Book, strings: SharedStrings) -> Iterator[tuple[int, list[str]]]:
    styles = archive.read(book.styles) if book.styles else b""
    last = 0
    with archive.open(book.sheet) as stream:
        for piece in _pieces(stream):
            first, left, rows = _read_piece(_pointing(piece), styles, book)
            # Rows that do not say their number are counted on from the last.
            number = first + 1 if re.search(rb'<row\b[^>]*\br="', piece[:2000]) else last + first + 1
            for row in rows:
                filled = strings.fill_in(row)
                yield number, [""] * left + filled if left else filled
                number += 1
            last = number - 1


def _whole_rows(book: Book) -> Iterator[tuple[int, list[str]]]:
    sheets = CalamineWorkbook.from_path(str(book.path))
    shown = [each.name for each in sheets.sheets_metadata if each.visible == SheetVisibleEnum.Visible] or sheets.sheet_names
    for number, row in enumerate(sheets.get_sheet_by_name(shown[0]).iter_rows(), 1):
        yield number, [cell_text(cell) for cell in row]


def _pieces(stream: Any) -> Iterator[bytes]:
    """Cut a sheet between rows. Raises: ValueError for one without rows as we know them."""
    held = stream.read(_PIECE)
    begin = held.find(b"<sheetData")
    if begin < 0:
        raise ValueError("a sheet of another shape")
    held = held[held.find(b">", begin) + 1 :]
    while True:
        more = stream.read(_PIECE)
        end = held.rfind(b"</row>")
        if end >= 0:
            yield held[: end + 6]
            held = held[end + 6 :]
        if not more:
            return
        if len(held) > _WHOLE:
            raise ValueError("a row without an end")
        held += more


def _pointing(piece: bytes) -> bytes:
    """Turn references to shared strings into texts that say which, because the strings are not in the piece."""
    mark = MARK.encode()
    if mark in piece:
        raise ValueError("our own mark")
    piece = piece.replace(b't="s"><v>', b't="str"><v>' + mark)
    return _INDEXED.sub(rb'\1t="str"\2' + mark, piece) if b't="s"' in piece else piece


def _read_piece(rows: bytes, styles: bytes, book: Book) -> tuple[int, int, list[list[Any]]]:
    """Read rows as a workbook of their own; gives the first row and column, and the values."""
    small = io.BytesIO()
    with zipfile.ZipFile(small, "w", zipfile.ZIP_STORED) as archive:
        for name, text in _frame(book.dates_from_1904, with_styles=bool(styles)).items():
            archive.writestr(name, text)
        if styles:
            archive.writestr("xl/styles.xml", styles)
        archive.writestr("xl/worksheets/sheet1.xml", _HEAD + rows + _FOOT)
    small.seek(0)
    sheet = CalamineWorkbook.from_object(small).get_sheet_by_index(0)
    first = sheet.start or (0, 0)
    return first[0], first[1], sheet.to_python(skip_empty_area=True)


def _frame(dates_from_1904: bool, *, with_styles: bool) -> dict[str, str]:
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    document = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    dates = '<workbookPr date1904="1"/>' if dates_from_1904 else ""
    styles = f'<Relationship Id="rId2" Type="{document}/styles" Target="styles.xml"/>' if with_styles else ""
    return {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType='
        f'"application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1"'
        f' Type="{document}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{document}">{dates}<sheets>'
        '<sheet name="1" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1"'
        f' Type="{document}/worksheet" Target="worksheets/sheet1.xml"/>{styles}</Relationships>',
    }
