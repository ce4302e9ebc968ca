"""`guanxi export`."""

import csv
import json
import sqlite3
from contextlib import closing
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


@pytest.mark.parametrize("name", ["crm.db", "crm.db-wal", "crm.db-shm", "config.toml", "./crm.db", "link.csv", "old.csv"])
def test_what_we_live_on_is_no_target(guanxi: Run, folder: Path, name: str) -> None:
    (folder / "store").mkdir()
    (folder / "link.csv").symlink_to(folder / "crm.db")
    (folder / "old.csv").hardlink_to(folder / "config.toml")
    before = {path: path.read_bytes() for path in (folder / "crm.db", folder / "config.toml")}
    told = guanxi("export", "leads", "--out", name, status=2)
    assert told.stderr.count("\n") == 1
    assert {path: path.read_bytes() for path in before} == before
    assert (folder / "link.csv").is_symlink()


def test_a_database_of_somebody_else_is_no_target(guanxi: Run, folder: Path) -> None:
    with closing(sqlite3.connect(folder / "songs.csv")) as raw:
        raw.execute("CREATE TABLE songs (id INTEGER)")
    assert "数据库" in guanxi("export", "leads", "--out", "songs.csv", status=2).stderr
    (folder / "sub").mkdir()
    assert "文件夹" in guanxi("export", "leads", "--out", "sub", status=2).stderr
    assert "普通文件" in guanxi("export", "leads", "--out", "/dev/null", status=2).stderr


def test_an_earlier_export_is_written_over_and_read_by_nobody_else(guanxi: Run, folder: Path) -> None:
    out = folder / "out.csv"
    out.write_text("earlier", encoding="utf-8")
    out.chmod(0o644)
    guanxi("export", "leads", "--out", "out.csv")
    assert out.read_text(encoding="utf-8-sig").startswith("id,")
    assert out.stat().st_mode & 0o777 == 0o600


def test_a_folder_that_is_not_there_is_named(guanxi: Run, folder: Path) -> None:
    told = guanxi("export", "leads", "--out", str(folder / "no" / "such.csv"), status=1).stderr
    assert told == f"文件夹 {folder / 'no'} 不存在\n"
