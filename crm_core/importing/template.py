"""The table people fill in (导入模板): one line of names, and an example. On a thread."""

import csv
import io

import xlsxwriter

from crm_core.importing.columns import KINDS

_WIDTH = 18
_REMARK = "第2行是示例，导入前请删除"


def as_csv(kind: str) -> bytes:
    """Write the template as CSV that spreadsheets open in the right encoding."""
    text = io.StringIO(newline="")
    columns = KINDS[kind].columns
    csv.writer(text).writerows([[column.label for column in columns], [column.example for column in columns]])
    return text.getvalue().encode("utf-8-sig")


def as_xlsx(kind: str) -> bytes:
    """Write the template as a workbook; every column is text, so that no number loses its zeros."""
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet(KINDS[kind].label)
    text, bold = book.add_format({"num_format": "@"}), book.add_format({"bold": True, "num_format": "@"})
    columns = KINDS[kind].columns
    sheet.set_column(0, len(columns) - 1, _WIDTH, text)
    for index, column in enumerate(columns):
        sheet.write_string(0, index, column.label, bold)
        sheet.write_string(1, index, column.example, text)
    sheet.write_comment(1, 0, _REMARK)
    sheet.freeze_panes(1, 0)
    book.close()
    return made.getvalue()


def template(kind: str, form: str) -> bytes:
    """Write a template: `form` is csv or xlsx."""
    return as_xlsx(kind) if form == "xlsx" else as_csv(kind)
