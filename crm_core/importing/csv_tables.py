"""CSV as it comes out of spreadsheets: which encoding, which separator, its rows one by one. Pure, never all at once."""

import codecs
import csv
import io
import re
from collections.abc import Generator
from pathlib import Path
from typing import IO

from crm_core.errors import Invalid

LONGEST_CELL = 32_768
_CHUNK = 1 << 20
_SEPARATORS = ",\t;|，"
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_TRIED = ("utf-8", "gb18030")
_SAMPLE = 65_536
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f]")
_NUL_SHARE = 0.2
"""Of the bytes of one parity that are NUL in UTF-16 with Latin letters and digits in it."""


class UnreadableText(Invalid):
    """Neither UTF-8 nor GBK nor UTF-16."""

    code = "import.unreadable_text"
    text = "读不懂文件的编码，请另存为 UTF-8 或 GBK 的 CSV，或用 xlsx"


class BrokenTable(Invalid):
    """A quote that never ends, or a cell beyond all measure."""

    code = "import.broken_table"
    text = "第{line}行附近有没闭合的引号或过长的单元格，请修正后再导入"


def encoding_of(path: Path) -> tuple[str, int]:
    """Tell the encoding of a file, reading all of it, and how many lines it has. Raises: UnreadableText."""
    with path.open("rb") as stream:
        sample = stream.read(_SAMPLE)
        for mark, name in _BOMS:
            if sample.startswith(mark):
                return _first_fitting(stream, (name,))
        wide = _wide(sample)
        return _first_fitting(stream, (wide,) if wide else _TRIED)


def _wide(sample: bytes) -> str:
    """Tell UTF-16 that does not say so: every second byte of what is Latin in it is nothing."""
    most = max(len(sample) // 2, 1) * _NUL_SHARE
    name = "utf-16-le" if sample[1::2].count(0) > most else "utf-16-be" if sample[0::2].count(0) > most else ""
    return "" if name and _CONTROLS.search(sample.decode(name, "ignore")) else name


def _first_fitting(stream: IO[bytes], names: tuple[str, ...]) -> tuple[str, int]:
    for name in names:
        stream.seek(0)
        count = 1
        decoder = codecs.getincrementaldecoder(name)()
        try:
            while chunk := stream.read(_CHUNK):
                text = decoder.decode(chunk)
                count += text.count("\n")
                if "\0" in text:
                    raise UnreadableText(field="file", reason="NUL")
            decoder.decode(b"", final=True)
        except UnicodeError:
            continue
        return name, count
    raise UnreadableText(field="file", reason="encoding")


def rows_of(path: Path, encoding: str) -> Generator[tuple[int, list[str]], None, None]:
    """Give each row with the number of its last line. Raises: BrokenTable."""
    csv.field_size_limit(LONGEST_CELL)
    with path.open("rb") as raw, io.TextIOWrapper(raw, encoding=encoding, newline="") as text:
        separator = _separator(text.read(_SAMPLE))
        text.seek(0)
        reader = csv.reader(text, delimiter=separator)
        try:
            for row in reader:
                yield reader.line_num, row
        except csv.Error:
            raise BrokenTable(field="file", reason="csv", line=reader.line_num) from None


def _separator(sample: str) -> str:
    """Choose what separates most evenly: the sign that all of the first lines have most often."""
    first = [line for line in sample.lstrip("\ufeff").splitlines()[:20] if line.strip()]
    counts = {sign: sorted(line.count(sign) for line in first) for sign in _SEPARATORS}
    best = max(_SEPARATORS, key=lambda sign: counts[sign][len(first) // 2] if first else 0)
    return best if first and counts[best][len(first) // 2] else ","
