"""`backup`, `restore`, `move-database`: whole or refused, drilled on real files."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.bot.cli.conftest import Run
from tests.bot.cli.test_people import insert
from tests.old_schemas import become_older


def names(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as raw:
        return [name for (name,) in raw.execute("SELECT name FROM employees ORDER BY id")]


@pytest.fixture
def saved(guanxi: Run, folder: Path) -> Path:
    """A backup with one employee in it, of a database that has two by now."""
    guanxi("employee", "add", "小王", "--role", "sales")
    assert guanxi("backup", "one.db").last == "one.db"
    guanxi("employee", "add", "小李", "--role", "sales")
    return folder / "one.db"


def test_a_backup_is_restored_and_what_was_there_kept(guanxi: Run, folder: Path, saved: Path) -> None:
    told = guanxi("restore", "one.db")
    assert "与清单一致" in told.last
    assert "备份之后可能已经发过的，启动时都不自动再发" in told.stdout
    assert names(folder / "crm.db") == ["小王"]
    (aside,) = (folder / "store" / "backups").glob("before-restore-*.db")
    assert names(aside) == ["小王", "小李"]
    guanxi("employee", "add", "小赵", "--role", "sales")
    assert names(folder / "crm.db") == ["小王", "小赵"]
    with closing(sqlite3.connect(folder / "crm.db")) as raw:
        assert not raw.execute("SELECT 1 FROM sqlite_master WHERE name = 'backup_manifest'").fetchall()


def test_a_backup_of_a_restored_database_says_the_same(guanxi: Run, folder: Path, saved: Path) -> None:
    guanxi("restore", "one.db")
    guanxi("backup", "two.db")

    def manifest(path: Path) -> dict[str, tuple[int, str]]:
        with closing(sqlite3.connect(path)) as raw:
            rows = raw.execute("SELECT name, rows, digest FROM backup_manifest WHERE name NOT LIKE ':%'")
            return {name: (count, digest) for name, count, digest in rows}

    one, two = manifest(folder / "one.db"), manifest(folder / "two.db")
    # Taking a backup is itself written down.
    own = {"audit_entries", "audit_values", "audit_blocks", "backups"}
    assert {name: one[name] for name in one.keys() - own} == {name: two[name] for name in two.keys() - own}


def spoil_bytes(path: Path) -> None:
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4096] = b"\xff" * 4096
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])


def change_a_row(path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("UPDATE employees SET name = '别人'")
        raw.commit()


def lose_a_row(path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("DELETE FROM employees")
        raw.commit()


def lose_a_table(path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("DROP TABLE leads")
        raw.commit()


def lose_a_column(path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("ALTER TABLE leads DROP COLUMN need")
        raw.commit()


def bring_a_trigger(path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE TRIGGER evil AFTER INSERT ON audit_entries BEGIN DELETE FROM audit_entries; END")
        raw.commit()


def bring_a_view(path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("CREATE VIEW everybody AS SELECT * FROM people")
        raw.commit()


def change_a_trigger(path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("DROP TRIGGER rollup_leads_made")
        raw.execute("CREATE TRIGGER rollup_leads_made AFTER INSERT ON leads BEGIN DELETE FROM audit_entries; END")
        raw.commit()


def lose_a_trigger(path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("DROP TRIGGER rollup_leads_made")
        raw.commit()


def empty_the_manifest(path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("DELETE FROM backup_manifest WHERE name NOT LIKE ':%'")
        raw.commit()


def come_from_the_future(path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw:
        raw.execute(
            "UPDATE tortoise_migrations SET name = '9999_later' WHERE name = (SELECT max(name) FROM tortoise_migrations)"
        )
        raw.execute("UPDATE backup_manifest SET digest = '9999_later' WHERE name = ':step'")
        raw.commit()


@pytest.mark.parametrize(
    "spoil",
    [
        spoil_bytes,
        cut,
        change_a_row,
        lose_a_row,
        lose_a_table,
        lose_a_column,
        bring_a_trigger,
        bring_a_view,
        change_a_trigger,
        lose_a_trigger,
        empty_the_manifest,
        come_from_the_future,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"not a database at all" * 500),
        lambda path: path.unlink(),
    ],
)
def test_a_bad_backup_changes_nothing(guanxi: Run, folder: Path, saved: Path, spoil) -> None:
    spoil(saved)
    before = (folder / "crm.db").read_bytes()
    told = guanxi("restore", "one.db", status=1)
    assert "未改动" in told.stderr
    assert told.stderr.count("\n") == 1
    assert (folder / "crm.db").read_bytes() == before
    assert names(folder / "crm.db") == ["小王", "小李"]


def test_a_bare_copy_with_foreign_triggers_is_refused(guanxi: Run, folder: Path, saved: Path) -> None:
    for spoil in (bring_a_trigger, change_a_trigger):
        with closing(sqlite3.connect(saved)) as raw:
            raw.execute("DROP TABLE IF EXISTS backup_manifest")
            raw.commit()
        spoil(saved)
        assert "含有 guanxi 没有的触发器或视图" in guanxi("restore", "one.db", status=1).stderr


LEAD: dict[str, object] = {"name": "张伟", "status": "new", "source": "展会", "score": 0, "intent_count": 1, "claim_count": 0}
MESSAGE: dict[str, object] = {"channel": "wechat", "direction": "in", "kind": "text", "status": "done", "attempts": 0}


def come_in(database: Path, first: int, last: int) -> None:
    """Let leads and messages come in."""
    rows: list[tuple[str, dict[str, object]]] = []
    for number in range(first, last):
        rows += [("people", {"id": number}), ("leads", {"person_id": number, **LEAD})]
        rows.append(("messages", {"key": f"k{number}", "at": "2026-11-02 01:00:00+00:00", **MESSAGE}))
    insert(database, rows)


def is_counted(database: Path) -> tuple[int, int, int]:
    """Tell the leads, and the counts of leads and of messages: those behind the cursor are added at reading."""
    with closing(sqlite3.connect(database)) as raw:
        leads = raw.execute("SELECT count(*) FROM leads").fetchone()[0]
        counts = [
            raw.execute("SELECT coalesce(sum(number), 0) FROM rollups WHERE topic = ?", (topic,)).fetchone()[0]
            for topic in ("leads", "messages")
        ]
        tail = "SELECT count(*) FROM messages WHERE id > (SELECT last_id FROM rollup_cursors)"
        return leads, counts[0], counts[1] + raw.execute(tail).fetchone()[0]


def test_counts_stay_right_through_restore_and_move(guanxi: Run, folder: Path) -> None:
    come_in(folder / "crm.db", 100, 105)
    guanxi("backup", "one.db")
    come_in(folder / "crm.db", 105, 107)
    assert is_counted(folder / "crm.db") == (7, 7, 7)
    guanxi("restore", "one.db")
    assert is_counted(folder / "crm.db") == (5, 5, 5)
    come_in(folder / "crm.db", 107, 109)
    guanxi("move-database", "config", f"sqlite://{folder}/moved.db")
    come_in(folder / "crm.db", 109, 110)
    guanxi("move-database", "config", f"sqlite://{folder}/moved.db")
    come_in(folder / "moved.db", 110, 111)
    assert is_counted(folder / "moved.db") == (9, 9, 9)
    with closing(sqlite3.connect(folder / "moved.db")) as raw:
        raw.execute("DELETE FROM leads")
        raw.commit()
    assert is_counted(folder / "moved.db") == (0, 0, 9)


def test_a_backup_of_an_older_schema_is_counted_when_it_is_brought_up(guanxi: Run, folder: Path) -> None:
    come_in(folder / "crm.db", 100, 105)
    become_older(folder / "crm.db", "0008_audit_indexes")
    shutil.copy(folder / "crm.db", folder / "old.db")
    guanxi("migrate")
    guanxi("restore", "old.db")
    guanxi("migrate")
    come_in(folder / "crm.db", 105, 106)
    assert is_counted(folder / "crm.db") == (6, 6, 6)


def test_a_name_with_signs_of_an_address(guanxi: Run, folder: Path) -> None:
    guanxi("employee", "add", "小王", "--role", "sales")
    for name in ("a#b.db", "a?b.db", "100%.db"):
        guanxi("backup", name)
        assert "与清单一致" in guanxi("restore", name).last
    assert not (folder / "a").exists()


def test_a_foreign_database_is_no_backup(guanxi: Run, folder: Path) -> None:
    with closing(sqlite3.connect(folder / "foreign.db")) as raw:
        raw.execute("CREATE TABLE songs (id INTEGER)")
        raw.commit()
    assert "不是 guanxi 的备份" in guanxi("restore", "foreign.db", status=1).stderr


def test_the_database_itself_is_no_target(guanxi: Run, folder: Path) -> None:
    assert "正在使用的数据库" in guanxi("backup", "crm.db", status=1).stderr
    assert "文件夹不存在" in guanxi("backup", "nowhere/one.db", status=1).stderr


def test_what_is_no_backup_is_not_written_over(guanxi: Run, folder: Path, saved: Path) -> None:
    (folder / "notes.txt").write_text("notes", encoding="utf-8")
    with closing(sqlite3.connect(folder / "songs.db")) as raw:
        raw.execute("CREATE TABLE songs (id INTEGER)")
        raw.commit()
    (folder / "other.db").write_bytes((folder / "crm.db").read_bytes())  # in use by another installation, perhaps
    for name in ("config.toml", "notes.txt", "songs.db", "other.db"):
        before = (folder / name).read_bytes()
        assert "不是备份" in guanxi("backup", name, status=1).stderr
        assert (folder / name).read_bytes() == before
    (folder / "empty.db").write_bytes(b"")
    for name in ("one.db", "empty.db"):
        guanxi("backup", name)
    assert "与清单一致" in guanxi("restore", "one.db").last


def test_a_failed_backup_leaves_the_older_one(guanxi: Run, folder: Path, saved: Path) -> None:
    before = saved.read_bytes()
    (folder / "crm.db").write_bytes(b"broken" * 1000)
    guanxi("backup", "one.db", status=1)
    assert saved.read_bytes() == before
    assert not list(folder.glob(".*.part"))


def test_a_folder_gets_dated_files_and_loses_old_ones(guanxi: Run, folder: Path) -> None:
    import os

    place = folder / "nightly"
    place.mkdir()
    old = place / "guanxi-20200101-000000.db"
    old.write_bytes(b"")
    os.utime(old, (0, 0))
    foreign = place / "notes.db"
    foreign.write_bytes(b"")
    os.utime(foreign, (0, 0))
    made = folder / guanxi("backup", "nightly").last
    assert made.exists()
    assert not old.exists()
    assert foreign.exists()


def test_a_broken_database_is_replaced_and_kept(guanxi: Run, folder: Path, saved: Path) -> None:
    (folder / "crm.db").write_bytes(b"broken" * 1000)
    guanxi("restore", "one.db")
    assert names(folder / "crm.db") == ["小王"]


def test_a_move_is_compared_and_may_be_run_again(guanxi: Run, folder: Path) -> None:
    for number in range(5):
        guanxi("employee", "add", f"员工{number}", "--role", "sales")
    here, there = f"sqlite://{folder}/crm.db", f"sqlite://{folder}/moved.db"
    assert "已搬迁并逐行核对" in guanxi("move-database", here, there).last
    guanxi("employee", "add", "后来", "--role", "sales")
    guanxi("move-database", here, there)
    assert names(folder / "moved.db") == names(folder / "crm.db")
    with closing(sqlite3.connect(folder / "moved.db")) as raw:
        raw.execute("UPDATE employees SET name = '别人' WHERE id = 1")
        raw.commit()
    assert "核对失败：表 employees" in guanxi("move-database", here, there, status=1).stderr
    guanxi("move-database", here, here, status=1)


def test_an_address_may_come_from_the_settings_or_the_environment(guanxi: Run, folder: Path) -> None:
    guanxi("employee", "add", "小王", "--role", "sales")
    guanxi("move-database", "config", "env:TARGET", TARGET=f"sqlite://{folder}/moved.db")
    assert names(folder / "moved.db") == ["小王"]


def test_a_variable_that_is_not_set_is_named(guanxi: Run, folder: Path) -> None:
    for told in (("config", "env:NOPE"), ("env:NOPE", "config")):
        assert guanxi("move-database", *told, status=2).stderr == "环境变量 NOPE 没有设置\n"


@pytest.mark.parametrize("told", ["postgres://u:geheimPW/x@host/db", "mysql://u:geheimPW@h/x", "env:NOBODY", "nonsense", ""])
def test_a_wrong_address_is_one_sentence_without_its_password(guanxi: Run, folder: Path, told: str) -> None:
    said = guanxi("move-database", "config", told, status=2)
    assert "geheim" not in said.stderr
    assert said.stderr.count("\n") == 1
