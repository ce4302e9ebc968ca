"""Which column means what."""

import pytest

from crm_core.importing.columns import KINDS, ColumnDoubled, ColumnMissing, NoHead, NotYet, UnknownKind, kind_of, match
from crm_core.importing.template import template

LEADS = KINDS["leads"]


def test_names_of_columns_in_many_words() -> None:
    head = ["客户姓名*", "手机号码（必填）", "E-Mail", "Company Name", "所在地区", "奇怪的列", "Lead Source", "联系电话"]
    found = match(LEADS, [["2026年展会名单"], [], head])
    assert found.row == 2
    assert [name for _, name in found.fields] == ["name", "mobile", "email", "company", "region", "source", "phone"]
    assert found.unknown == ("奇怪的列",)


def test_two_columns_of_one_meaning_are_refused() -> None:
    with pytest.raises(ColumnDoubled) as refused:
        match(LEADS, [["姓名", "手机", "移动电话"]])
    assert refused.value.sentence() == "有两列都是「手机号」：手机、移动电话，请只留一列"


def test_a_need_and_a_remark_are_two_columns() -> None:
    found = match(LEADS, [["姓名", "手机", "需求", "备注"]])
    assert [name for _, name in found.fields] == ["name", "mobile", "need", "remark"]


def test_a_table_without_names_is_refused() -> None:
    for rows in ([["a", "b"], ["c", "d"]], [], [[]]):
        with pytest.raises(NoHead):
            match(LEADS, rows)
    with pytest.raises(ColumnMissing):
        match(LEADS, [["职位", "来源"]])


def test_kinds_by_name_and_label() -> None:
    assert [kind_of(word).name for word in ("leads", "线索", "Customer", "联系人")] == [
        "leads",
        "leads",
        "customers",
        "contacts",
    ]
    with pytest.raises(UnknownKind):
        kind_of("星球")
    with pytest.raises(NotYet):
        kind_of("products")


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_the_template_is_a_table_we_understand(kind: str, form: str, tmp_path: object) -> None:
    from pathlib import Path

    from crm_core.importing import workbooks

    raw = template(kind, form)
    if form == "csv":
        rows = [line.split(",") for line in raw.decode("utf-8-sig").splitlines()]
    else:
        path = Path(str(tmp_path)) / "t.xlsx"
        path.write_bytes(raw)
        rows = [cells for _, cells in workbooks.rows_of(workbooks.check(path, 100))]
    found = match(KINDS[kind], rows)
    assert [name for _, name in found.fields] == [column.field for column in KINDS[kind].columns]
    assert found.unknown == ()
