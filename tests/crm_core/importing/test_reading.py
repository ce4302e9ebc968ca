"""Reading tables, honest and hostile ones: values or one clear sentence, never an exception of ours."""

import io
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_core.errors import Invalid
from crm_core.importing import csv_tables, reader, workbooks
from crm_core.importing.cells import as_written, cell_text, neutral
from crm_core.importing.reader import End, Failed, Head, Order, Page, ReaderEnded, frames_of, read_table
from crm_core.importing.refused import as_csv
from crm_core.lead_rules import ImportSettings, LeadSettings
from tests.crm_core.importing.conftest import csv_bytes, xlsx_bytes

HEAD = ["姓名", "手机号", "备注"]
ROWS = [HEAD, ["张伟", "13800138000", "=1+1"], ["李娜", "021-62881234", "二\n行"]]


def order(path: Path, **limits: int) -> Order:
    return Order(path=str(path), kind="leads", imports=ImportSettings(**limits), leads=LeadSettings())


def read(path: Path, content: bytes, **limits: int) -> list[object]:
    path.write_bytes(content)
    return list(frames_of(order(path, **limits)))


def why(path: Path, content: bytes, **limits: int) -> str:
    frames = read(path, content, **limits)
    assert isinstance(frames[-1], Failed), frames
    error = reader._MISTAKES[frames[-1].code](**frames[-1].fields)
    assert len(error.sentence()) <= 80
    return frames[-1].code


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_of_every_encoding_and_separator(tmp_path: Path, encoding: str, separator: str) -> None:
    text = "\r\n".join(separator.join(row) for row in (HEAD, ["张伟", "13800138000", "要网关"], ["李娜", "13900139000", ""]))
    head, page, end = read(tmp_path / "t.csv", text.encode(encoding))
    assert isinstance(head, Head)
    assert isinstance(page, Page)
    assert isinstance(end, End)
    assert [(line, values[0], values[1]) for line, values in page.rows] == [
        (2, "张伟", "+8613800138000"),
        (3, "李娜", "+8613900139000"),
    ]


@pytest.mark.parametrize("shared", [True, False])
def test_a_workbook_says_the_same_as_a_csv(tmp_path: Path, shared: bool) -> None:
    mine = read(tmp_path / "t.xlsx", xlsx_bytes(ROWS, shared=shared))[1]
    theirs = read(tmp_path / "t.csv", csv_bytes(ROWS))[1]
    assert isinstance(mine, Page)
    assert isinstance(theirs, Page)
    assert [values for _, values in mine.rows] == [values for _, values in theirs.rows]


def test_numbers_and_times_of_a_workbook_are_read_as_written(tmp_path: Path) -> None:
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made)
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["姓名", "手机号", "创建时间"])
    sheet.write_row(1, 0, ["张伟", 13800138000])
    sheet.write_datetime(1, 2, datetime(2026, 1, 5, 9, 3), book.add_format({"num_format": "yyyy-mm-dd hh:mm"}))
    book.close()
    page = read(tmp_path / "t.xlsx", made.getvalue())[1]
    assert isinstance(page, Page)
    said = dict(zip(reader.FIELDS["leads"], page.rows[0][1], strict=True))
    assert said["mobile"] == "+8613800138000"
    assert said["created_at"].isoformat() == "2026-01-05T01:03:00+00:00"


def test_many_pieces_and_many_shared_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from crm_core.importing import shared_strings

    monkeypatch.setattr(workbooks, "_PIECE", 3_000)
    monkeypatch.setattr(shared_strings, "IN_MEMORY", 50)
    rows = [HEAD, *([f"客人{number}", f"138{number:08d}", f"第{number}个 <&> é"] for number in range(300))]
    page = read(tmp_path / "t.xlsx", xlsx_bytes(rows))[1]
    assert isinstance(page, Page)
    assert [line for line, _ in page.rows] == list(range(2, 302))
    assert [values[1] for _, values in page.rows] == [f"+86138{number:08d}" for number in range(300)]
    assert {values[12] for _, values in page.rows} == {f"第{number}个 <&> é" for number in range(300)}


def test_hostile_workbooks_are_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    good = xlsx_bytes(ROWS)
    assert why(path, good[: len(good) // 2]) == "import.no_workbook"
    assert why(path, b"PK\x03\x04" + b"\0" * 50) == "import.no_workbook"
    assert why(path, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600) == "import.no_workbook"
    assert why(path, xlsx_bytes([*ROWS, *[["x"]] * 9], merged="A3:A5")) == "import.merged_cells"
    big = xlsx_bytes([HEAD, *([["张伟", "13800138000", "a" * 2000]] * 700)], shared=False)
    assert why(path, big, max_unpacked_mib=1) == "import.too_big"
    assert why(path, xlsx_bytes([HEAD, *([["张伟", "13800138000"]] * 40)]), max_rows=10) == "import.too_many_rows"


def test_a_bomb_is_stopped_while_it_unpacks(tmp_path: Path) -> None:
    """The size a part claims may be a lie; what counts is what comes out."""
    inner = io.BytesIO(xlsx_bytes(ROWS))
    bomb = io.BytesIO()
    with zipfile.ZipFile(inner) as source, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "xl/worksheets/sheet1.xml":
                content = content.replace(b"<sheetData>", b"<sheetData>" + b" " * (64 << 20))
            target.writestr(name, content)
    assert len(bomb.getvalue()) < 1 << 20
    assert why(tmp_path / "t.xlsx", bomb.getvalue(), max_unpacked_mib=16) == "import.too_big"


def test_a_document_type_in_a_workbook_is_refused(tmp_path: Path) -> None:
    inner, evil = io.BytesIO(xlsx_bytes(ROWS)), io.BytesIO()
    with zipfile.ZipFile(inner) as source, zipfile.ZipFile(evil, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "xl/workbook.xml":
                content = b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + content
            target.writestr(name, content)
    assert why(tmp_path / "t.xlsx", evil.getvalue()) == "import.no_workbook"


def test_titles_may_be_merged_above_the_names(tmp_path: Path) -> None:
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made)
    sheet = book.add_worksheet()
    sheet.merge_range("A1:C2", "展会名单")
    sheet.write_row(2, 0, HEAD)
    sheet.write_row(3, 0, ["张伟", "13800138000"])
    book.close()
    page = read(tmp_path / "t.xlsx", made.getvalue())[1]
    assert isinstance(page, Page)
    assert [line for line, _ in page.rows] == [4]


def test_hostile_csv_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    assert why(path, b"\x00\x01\x02\x03" * 100) == "import.unreadable_text"
    assert why(path, b"\xff\x80\x81" * 100) == "import.unreadable_text"
    assert why(path, '姓名,手机号\n"张伟,138'.encode() + b"x" * 50_000) == "import.broken_table"
    assert why(path, b"a,b\n1,2\n") == "import.no_head"
    assert why(path, "姓名,手机,移动电话\n".encode()) == "import.column_doubled"
    assert why(path, csv_bytes([HEAD, *([["张伟", "13800138000"]] * 40)]), max_rows=10) == "import.too_many_rows"
    assert why(path, csv_bytes([HEAD, ["", "", ""]])) == "import.no_rows"
    assert why(path, b"<html><table><tr><td>1</td></tr></table></html>") == "import.no_head"
    lines = csv_bytes([HEAD, ["张伟", "13800138000", "\n" * 40]])
    assert isinstance(read(path, lines, max_rows=10)[-1], End)


def packed(changes: dict[str, Callable[[bytes], bytes]], content: bytes) -> bytes:
    """A workbook with some of its parts changed."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, changes.get(name, bytes)(source.read(name)))
    return made.getvalue()


def test_entities_are_never_unfolded(tmp_path: Path) -> None:
    """A billion laughs in the texts or the sheet stays a few signs, or is refused."""
    bomb = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>'
    for part in ("xl/sharedStrings.xml", "xl/worksheets/sheet1.xml"):
        evil = packed({part: lambda raw: bomb + raw.replace("张伟".encode(), b"&c;&c;")}, xlsx_bytes(ROWS))
        for frame in read(tmp_path / "t.xlsx", evil):
            assert isinstance(frame, (Head, Page, End, Failed))
            if isinstance(frame, Page):
                assert all(len(str(value)) < 200 for _, values in frame.rows for value in values)


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    ("part", "before", "tags"),
    [
        ("xl/worksheets/sheet1.xml", b"</worksheet>", b"<mergeCell "),
        ("xl/worksheets/sheet1.xml", b"</row>", b"<c "),
        ("xl/worksheets/sheet1.xml", b"</row>", b'<c t="s">'),
        ("xl/sharedStrings.xml", b"</sst>", b"<si "),
        ("xl/sharedStrings.xml", b"</sst>", b"<si>"),
        ("xl/sharedStrings.xml", b"</si>", b"<rPh "),
    ],
)
def test_tags_that_are_never_closed_are_read_once(tmp_path: Path, part: str, before: bytes, tags: bytes) -> None:
    """Each of these held a processor for many minutes."""
    evil = packed({part: lambda raw: raw.replace(before, tags * (2 << 20) + before, 1)}, xlsx_bytes(ROWS, shared=True))
    assert isinstance(read(tmp_path / "t.xlsx", evil)[-1], (End, Failed))


def test_a_table_of_all_columns_there_can_be(tmp_path: Path) -> None:
    wide = [f"列{number}" for number in range(16_000)]
    for name, content in (("t.csv", csv_bytes([[*HEAD, *wide], ROWS[1]])), ("t.xlsx", xlsx_bytes([[*HEAD, *wide], ROWS[1]]))):
        head, page, _ = read(tmp_path / name, content)
        assert isinstance(head, Head)
        assert (len(head.unknown), head.unknown[-1]) == (21, "等16000列")
        assert isinstance(page, Page)
        assert len(page.rows) == 1


def test_formulas_are_text_and_never_run(tmp_path: Path) -> None:
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made)
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, HEAD)
    sheet.write_formula(1, 0, '=HYPERLINK("http://evil","张伟")', value="张伟")
    sheet.write_string(1, 1, "13800138000")
    sheet.write_formula(1, 2, "=1/0", value="#DIV/0!")
    book.close()
    page = read(tmp_path / "t.xlsx", made.getvalue())[1]
    assert isinstance(page, Page)
    assert page.rows[0][1][:2] == ["张伟", "+8613800138000"]
    evil = csv_bytes([HEAD, ["=cmd|'/c calc'!A1", "138", ""]])
    page = read(tmp_path / "t.csv", evil)[1]
    assert isinstance(page, Page)
    line, reasons, said = page.refused[0]
    assert ",'=cmd|" in as_csv("leads", [(line, reasons, said)])


@pytest.mark.parametrize("day", ["2024-02-30", "2024-13-01", "0", "60", "-1", "1e300", "99999-01-01", "昨天", "1900-02-29"])
def test_impossible_days_are_told(tmp_path: Path, day: str) -> None:
    page = read(tmp_path / "t.csv", csv_bytes([["姓名", "手机号", "创建时间"], ["张伟", "13800138000", day]]))[1]
    assert isinstance(page, Page)
    assert [reason[0][0] for _, reason, _ in page.refused] == ["创建时间"]


def test_each_bad_row_has_its_reasons(tmp_path: Path) -> None:
    rows = [HEAD, ["张伟", "138", ""], ["", "", ""], ["", "", "只有备注"], ["李\x00娜\u202e", "13800138000", "a\x07b"]]
    page = read(tmp_path / "t.xlsx", xlsx_bytes(rows[:4]))[1]
    assert isinstance(page, Page)
    assert [(line, reasons) for line, reasons, _ in page.refused] == [
        (2, [("手机号", "手机号格式不对")]),
        (4, [("姓名", "姓名、公司和联系方式都没有")]),
    ]


async def test_the_reading_process_ends_within_its_limits(tmp_path: Path) -> None:
    """A sheet that claims a cell at its far end makes the library ask for more than there is."""
    inner, evil = io.BytesIO(xlsx_bytes(ROWS)), io.BytesIO()
    with zipfile.ZipFile(inner) as source, zipfile.ZipFile(evil, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "xl/worksheets/sheet1.xml":
                content = content.replace(b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>')
            target.writestr(name, content)
    path = tmp_path / "t.xlsx"
    path.write_bytes(evil.getvalue())
    with pytest.raises((ReaderEnded, workbooks.NoWorkbook)):
        async for _ in read_table(order(path, reader_memory_mib=256)):
            pass


async def test_pages_come_from_a_process_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(csv_bytes([HEAD, *([f"人{number}", f"138{number:08d}", ""] for number in range(4_500))]))
    frames = [frame async for frame in read_table(order(path))]
    assert [len(frame.rows) for frame in frames if isinstance(frame, Page)] == [750] * 6
    with pytest.raises(csv_tables.UnreadableText):
        path.write_bytes(b"\0\1")
        async for _ in read_table(order(path)):
            pass


@pytest.mark.parametrize("text", ["=1+1", "+861380", "-1", "@x", "\t=1", " =1", "平常", "'平常", "", "'"])
def test_import_undoes_exactly_what_export_does(text: str) -> None:
    assert as_written(neutral(text)) == text


def test_values_of_a_workbook_as_texts() -> None:
    assert [cell_text(value) for value in (1.0, 1.5, True, False, None, 3, datetime(2026, 1, 5))] == [
        *("1", "1.5", "是", "否", "", "3", "2026-01-05 00:00:00")
    ]


FUZZ = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@FUZZ
@given(st.binary(max_size=600))
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    assert isinstance(read(tmp_path / "fuzz", content or b" ")[-1], (End, Failed))


@FUZZ
@given(st.lists(st.lists(st.text(max_size=12), max_size=5), max_size=6))
def test_any_table_of_texts_is_read_or_refused(tmp_path: Path, rows: list[list[str]]) -> None:
    text = "\n".join(["姓名,手机号,邮箱,创建时间,地区", *(",".join(row) for row in rows)])
    assert isinstance(read(tmp_path / "fuzz.csv", text.encode("utf-8", "surrogatepass"))[-1], (End, Failed))


GOOD = xlsx_bytes([*ROWS, *[["王芳", "13700137000", "x"]] * 5])


@FUZZ
@given(st.data())
def test_any_damaged_workbook_is_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    """Damage within the parts, packed anew, so that it is the XML that is strange and not the packing alone."""
    evil = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(GOOD)) as source, zipfile.ZipFile(evil, "w") as target:
        for name in source.namelist():
            content = bytearray(source.read(name))
            if name.startswith("xl/"):
                for _ in range(data.draw(st.integers(0, 4))):
                    at = data.draw(st.integers(0, len(content) - 1))
                    content[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=6))
            target.writestr(name, bytes(content))
    assert isinstance(read(tmp_path / "fuzz.xlsx", evil.getvalue())[-1], (End, Failed))


def test_invalid_is_the_only_thing_that_leaves(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    path.write_bytes(b"PK\x03\x04")
    with pytest.raises(Invalid):
        workbooks.check(path, 1)
