"""`guanxi export`."""

import csv
import json
from pathlib import Path

import pytest

from bot.cli.sheets import resources
from tests.bot.cli.conftest import Run


@pytest.mark.parametrize("kind", sorted(resources()))
def test_every_resource_is_exported_in_every_format(guanxi: Run, folder: Path, kind: str) -> None:
    for form in ("csv", "xlsx", "jsonl"):
        out = folder / f"out.{form}"
        assert "已导出" in guanxi("export", kind, "--format", form, "--out", str(out)).stderr
        assert out.exists()
    assert sorted(path.name for path in folder.glob("*out*")) == ["out.csv", "out.jsonl", "out.xlsx"]


def test_rows_go_to_the_standard_output_with_masked_phones(guanxi: Run, folder: Path) -> None:
    guanxi("employee", "add", "=小王", "--role", "sales", "--mobile", "13800138000")
    rows = list(csv.DictReader(guanxi("export", "employees").stdout.splitlines()))
    assert [(row["name"], row["mobile"]) for row in rows] == [("'=小王", "138****8000")]
    row = json.loads(guanxi("export", "employees", "--format", "jsonl").stdout)
    assert (row["name"], row["mobile"], row["id"], row["departed_at"]) == ("=小王", "138****8000", 1, None)


def test_since_leaves_out_what_did_not_change(guanxi: Run, folder: Path) -> None:
    guanxi("employee", "add", "小王", "--role", "sales")
    assert len(guanxi("export", "employees", "--since", "2020-01-01").stdout.splitlines()) == 2
    assert len(guanxi("export", "employees", "--since", "2099-01-01T00:00:00+08:00").stdout.splitlines()) == 1


def test_what_cannot_be_exported(guanxi: Run, folder: Path) -> None:
    assert "leads" in guanxi("export", "planets", status=2).stderr
    assert "--out" in guanxi("export", "leads", "--format", "xlsx", status=2).stderr
    for since in ("gestern", "2026-11-01T10:00:00", "2026-13-01"):
        assert "--since" in guanxi("export", "leads", "--since", since, status=2).stderr
    assert guanxi("export", "leads", "--out", str(folder / "no" / "such.csv"), status=1).stderr.count("\n") == 1
