"""Rows as CSV, XLSX and JSON lines."""

import csv
import io
import json
import re
import zipfile
from datetime import UTC, datetime

import pytest

from bot.api.activities import FOLLOW_UPS
from bot.api.leads import LEADS
from bot.cli import sheets
from bot.cli.sheets import exported, neutral, parse_since
from crm_core import activities
from crm_core.access import Actor, Role
from crm_core.audit import AuditEntry, values_of
from crm_core.errors import Refused
from crm_core.ports import Core
from tests.factories import SYSTEM, make_lead


async def test_pages_follow_each_other_without_a_gap(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "PAGE_ROWS", 3)
    for number in range(7):
        await make_lead(core, f"张{number}", mobile="13800138000")
    stream = io.BytesIO()
    assert await exported(core, SYSTEM, LEADS, "csv", stream) == 7
    rows = list(csv.DictReader(io.StringIO(stream.getvalue().decode())))
    assert [row["name"] for row in rows] == [f"张{number}" for number in range(7)]
    assert {row["mobile"] for row in rows} == {"138****8000"}
    assert rows[0]["created_at"] == "2026-11-25T02:00:00+00:00"
    entry = await AuditEntry.get(action="leads.export")
    assert json.loads((await values_of([entry.id]))[entry.id].after) == {"format": "csv", "rows": 7}


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r"])
def test_a_text_that_could_be_a_formula_is_neutral(sign: str) -> None:
    assert neutral(f"{sign}SUM(A1)") == f"'{sign}SUM(A1)"
    assert neutral(f"a{sign}") == f"a{sign}"
    for blank in ("\n", "\r\n", "\t", " ", "\u3000", "\n \t") if sign in "=+-@＝＋－＠" else ():
        assert neutral(f"{blank}{sign}SUM(A1)") == f"'{blank}{sign}SUM(A1)"


@pytest.mark.parametrize("text", ["", "a\n=1", "展会 +1", " 张伟", "\u3000张伟"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert neutral(text) == text


async def test_a_text_too_long_for_a_workbook_is_cut_and_said_once(core: Core) -> None:
    long = "长" * 40_000
    await make_lead(core, "张伟", need=long, raw_text=long)
    await make_lead(core, "李娜", need="😀" * 16_384)
    await make_lead(core, "王芳", need="字" * 32_767)
    stream, said = io.BytesIO(), []
    await exported(core, SYSTEM, LEADS, "xlsx", stream, tell=said.append)
    with zipfile.ZipFile(stream) as book:
        cells = re.findall("<t[^>]*>(.*?)</t>", book.read("xl/worksheets/sheet1.xml").decode())
    assert "长" * 32_766 + "…" in cells
    assert "😀" * 16_383 + "…" in cells
    assert "字" * 32_767 in cells
    assert said == ["有 2 个单元格超过 32767 个字符，在 xlsx 里已截断并以“…”结尾；需要全文请用 csv 或 jsonl"]
    for kind in ("csv", "jsonl"):
        stream, said = io.BytesIO(), []
        await exported(core, SYSTEM, LEADS, kind, stream, tell=said.append)
        assert (long in stream.getvalue().decode(), said) == (True, [])


async def test_a_workbook_holds_texts_and_no_formulas(core: Core) -> None:
    await make_lead(core, "=HYPERLINK(0)", need="@cmd")
    stream = io.BytesIO()
    await exported(core, SYSTEM, LEADS, "xlsx", stream)
    with zipfile.ZipFile(stream) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "&#39;=HYPERLINK(0)" in sheet or "'=HYPERLINK(0)" in sheet
    assert "'@cmd" in sheet


async def test_a_workbook_goes_on_in_the_next_sheet(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "_SHEET_ROWS", 3)
    for number in range(5):
        await make_lead(core, f"张{number}")
    stream = io.BytesIO()
    assert await exported(core, SYSTEM, LEADS, "xlsx", stream) == 5
    with zipfile.ZipFile(stream) as book:
        assert len([name for name in book.namelist() if name.startswith("xl/worksheets/")]) == 3


async def test_json_lines_keep_types(core: Core) -> None:
    lead = await make_lead(core)
    subject = activities.subject_of(lead)
    await activities.add_follow_up(core, SYSTEM, subject, summary="-1 元", amount="35000")
    stream = io.BytesIO()
    await exported(core, SYSTEM, FOLLOW_UPS, "jsonl", stream)
    row = json.loads(stream.getvalue())
    assert (row["summary"], row["amount"], row["subject_id"]) == ("-1 元", "35000.00", lead.id)


async def test_who_may_not_read_may_not_export(core: Core) -> None:
    with pytest.raises(Refused):
        await exported(core, Actor(Role.VIEWER, "x", scopes=frozenset({"tags:read"})), LEADS, "csv", io.BytesIO())


def test_a_day_is_one_in_shanghai() -> None:
    assert parse_since("2026-11-01") == datetime(2026, 10, 31, 16, tzinfo=UTC)
