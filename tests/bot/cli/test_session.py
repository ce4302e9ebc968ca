"""Settings, folders and the database as every command meets them."""

import os
import sqlite3
from pathlib import Path

from crm_core.sqlite_dialect import back_up, has_tables
from tests.bot.cli.conftest import CONFIG, Run


def test_wrong_settings_end_with_two_and_every_problem(guanxi: Run, folder: Path) -> None:
    (folder / "config.toml").write_text("[server]\nport = 99999\ncolour = 1\n[kitchen]\nsink = 1\n")
    shown = guanxi("employee", "list", status=2)
    assert shown.stdout == ""
    assert len(shown.stderr.strip().split("\n")) == 3
    assert "[server] colour：没有这个设置" in shown.stderr


def test_no_settings_file_is_said(guanxi: Run) -> None:
    assert "打不开设置文件 nowhere.toml" in guanxi("employee", "list", config="nowhere.toml", status=2).stderr


def test_the_settings_file_may_stand_elsewhere_and_paths_follow_it(guanxi: Run, empty_folder: Path) -> None:
    elsewhere = empty_folder / "there"
    elsewhere.mkdir()
    (elsewhere / "own.toml").write_text(CONFIG)
    guanxi("migrate", config="there/own.toml")
    assert (elsewhere / "crm.db").exists()
    assert not (empty_folder / "crm.db").exists()


def test_a_folder_that_cannot_be_written_is_one_sentence(guanxi: Run, folder: Path) -> None:
    (folder / "blocked").write_text("a file where a folder should be")
    for variable in ("GUANXI_CORE__DATA_DIR", "GUANXI_DATABASE__URL"):
        value = "blocked/x" if variable.endswith("DIR") else "sqlite://blocked/x/crm.db"
        shown = guanxi("employee", "list", status=1, **{variable: value})
        assert "不可写" in shown.stderr
        assert shown.stderr.count("\n") == 1


def test_what_is_no_database_is_one_sentence(guanxi: Run, folder: Path) -> None:
    (folder / "crm.db").write_bytes(b"not a database at all" * 100)
    assert guanxi("employee", "list", status=1).stderr.count("\n") == 1


def test_an_old_schema_is_refused_until_it_is_migrated(guanxi: Run, folder: Path) -> None:
    with sqlite3.connect(folder / "crm.db") as raw:
        last = raw.execute("SELECT name FROM tortoise_migrations ORDER BY id DESC LIMIT 1").fetchone()[0]
        raw.execute("DELETE FROM tortoise_migrations WHERE name = ?", (last,))
    raw.close()
    assert "guanxi migrate" in guanxi("employee", "list", status=1).stderr


def test_a_command_waits_for_whoever_writes_and_gives_up_with_a_sentence(guanxi: Run, folder: Path) -> None:
    raw = sqlite3.connect(folder / "crm.db", isolation_level=None)
    raw.execute("BEGIN IMMEDIATE")
    assert "无法保存" in guanxi("employee", "add", "小王", "--role", "sales", status=1).stderr
    raw.execute("ROLLBACK")
    raw.close()
    guanxi("employee", "add", "小王", "--role", "sales")


def test_nobody_else_of_the_machine_reads_what_the_product_makes(guanxi: Run, empty_folder: Path) -> None:
    old = os.umask(0o022)
    try:
        guanxi("migrate", GUANXI_DATABASE__URL="sqlite://own/deep/crm.db")
    finally:
        os.umask(old)
    made = [empty_folder / "store", empty_folder / "own/deep", empty_folder / "own/deep/crm.db"]
    assert [oct(path.stat().st_mode & 0o777) for path in made] == ["0o700", "0o700", "0o600"]


def test_a_folder_that_was_there_keeps_its_rights(guanxi: Run, empty_folder: Path) -> None:
    (empty_folder / "store").mkdir(mode=0o755)
    guanxi("migrate")
    assert (empty_folder / "store").stat().st_mode & 0o777 == 0o755
    assert (empty_folder / "crm.db").stat().st_mode & 0o777 == 0o600


def test_a_copy_of_the_database_is_as_private_as_it_is(folder: Path) -> None:
    back_up(folder / "crm.db", folder / "copy.db")
    assert (folder / "copy.db").stat().st_mode & 0o777 == 0o600
    assert has_tables(folder / "copy.db")
