"""`guanxi import`."""

import csv
from pathlib import Path

from tests.bot.cli.conftest import Run
from tests.crm_core.importing.conftest import csv_bytes, xlsx_bytes

ROWS = [
    ["姓名", "手机号", "地区", "颜色"],
    ["张伟", "13800138000", "上海市浦东", "红"],
    ["=李娜", "138", "", ""],
    ["王芳", "13900139000", "", ""],
]


def test_counts_first_then_rows_then_nothing_new_then_undone(guanxi: Run, folder: Path) -> None:
    table = folder / "线索.csv"
    table.write_bytes(csv_bytes(ROWS, "gbk"))
    tried = guanxi("import", "leads", str(table), "--dry-run")
    assert tried.last == "共3行：新增2、重复0、有误1"
    assert "没有用到的列：颜色" in tried.stderr
    assert guanxi("export", "leads").stdout.count("\n") == 1
    done = guanxi("import", "线索", str(table))
    assert done.last.endswith("完成：新增2、重复0（其中更新0）、有误1")
    with (folder / "线索.refused.csv").open(encoding="utf-8-sig", newline="") as stream:
        refused = list(csv.DictReader(stream))
    assert [(row["行号"], row["姓名"], row["原因"]) for row in refused] == [("3", "'=李娜", "手机号格式不对")]
    again = guanxi("import", "leads", str(table))
    assert "已经导入过" in again.last
    number = done.last.split("#")[1].split("「")[0]
    assert guanxi("import", "leads", "--undo", number).last == f"已撤销导入 #{number}：取回2处改动"
    assert guanxi("export", "leads").stdout.count("\n") == 1
    assert "import.not_ready" not in guanxi("import", "leads", "--undo", number, status=1).stderr


def test_a_workbook_of_customers_and_contacts(guanxi: Run, folder: Path) -> None:
    table = folder / "t.xlsx"
    table.write_bytes(xlsx_bytes([["客户名称", "行业"], ["东风机械厂", "制造"]]))
    assert "新增1" in guanxi("import", "customers", str(table), "--on-duplicate", "skip").last
    table.write_bytes(xlsx_bytes([["姓名", "公司"], ["张伟", "东风机械厂"]]))
    assert "新增1" in guanxi("import", "contacts", str(table), "--yes").last


def test_templates(guanxi: Run, folder: Path) -> None:
    for name in ("t.csv", "t.xlsx"):
        guanxi("import", "leads", "--template", str(folder / name))
        assert (folder / name).stat().st_size > 50


def test_one_sentence_for_what_is_wrong(guanxi: Run, folder: Path) -> None:
    (folder / "x.csv").write_bytes(b"a,b\n1,2\n")
    assert "没有找到表头" in guanxi("import", "leads", str(folder / "x.csv"), status=2).stderr
    assert "没有找到表头" in guanxi("import", "leads", str(folder / "x.csv"), "--dry-run", status=2).stderr
    assert "商品导入还没有开通" in guanxi("import", "products", str(folder / "x.csv"), status=1).stderr
    assert "不能导入「planets」" in guanxi("import", "planets", str(folder / "x.csv"), status=1).stderr
    gone = guanxi("import", "leads", str(folder / "nowhere.csv"), status=1).stderr
    assert gone == f"没有这个文件：{folder / 'nowhere.csv'}\n"
    assert "--template" in guanxi("import", "leads", status=2).stderr
    assert guanxi("export", "leads").stdout.count("\n") == 1
