"""Moving to PostgreSQL and back, backing up and restoring it: on a private real server."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.bot.cli.conftest import Run
from tests.postgres import PostgresServer

pytestmark = pytest.mark.faults  # a server of its own, and many processes


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    made = PostgresServer().make()
    yield made
    made.stop()


@pytest.fixture
def url(server: PostgresServer) -> str:
    return server.database()


def settled_on(url: str) -> dict[str, str]:
    return {"GUANXI_DATABASE__URL": url}


def names(server: PostgresServer, url: str) -> list[str]:
    return [row[0] for row in server.sql("SELECT name FROM employees ORDER BY id", url.rpartition("/")[2])]


def test_there_and_back_is_the_same(guanxi: Run, process: Run, folder: Path, server: PostgresServer, url: str) -> None:
    for name in ("小王", "小李"):
        guanxi("employee", "add", name, "--role", "sales", "--mobile", "13800138000" if name == "小王" else "13900139000")
    here, back = f"sqlite://{folder}/crm.db", f"sqlite://{folder}/back.db"
    assert "已搬迁并逐行核对" in process("move-database", here, url).stdout
    assert names(server, url) == ["小王", "小李"]
    # Numbers go on after the highest.
    process("employee", "add", "小赵", "--role", "sales", **settled_on(url))
    assert names(server, url) == ["小王", "小李", "小赵"]
    process("move-database", url, back)
    with closing(sqlite3.connect(folder / "back.db")) as raw:
        assert [name for (name,) in raw.execute("SELECT name FROM employees ORDER BY id")] == ["小王", "小李", "小赵"]
    assert "审计链完整" in process("audit", "verify", **settled_on(url)).stdout


def test_a_cut_off_move_goes_on(guanxi: Run, process: Run, folder: Path, server: PostgresServer, url: str) -> None:
    for number in range(4):
        guanxi("employee", "add", f"员工{number}", "--role", "sales")
    here = f"sqlite://{folder}/crm.db"
    process("move-database", here, url)
    server.sql("DELETE FROM employees WHERE id > 2; DELETE FROM people WHERE id > 3", url.rpartition("/")[2])
    process("move-database", here, url)
    assert names(server, url) == [f"员工{number}" for number in range(4)]
    server.sql("UPDATE employees SET name = '别人' WHERE id = 1", url.rpartition("/")[2])
    assert "核对失败：表 employees" in process("move-database", here, url, status=1).stderr


def test_a_backup_of_a_server_is_restored(process: Run, folder: Path, server: PostgresServer, url: str) -> None:
    where = settled_on(url)
    process("migrate", **where)
    process("employee", "add", "小王", "--role", "sales", **where)
    assert process("backup", "one.db", **where).stdout.rstrip().endswith("one.db")
    process("employee", "add", "小李", "--role", "sales", **where)
    (folder / "bad.db").write_bytes((folder / "one.db").read_bytes()[:9000])
    assert "未改动" in process("restore", "bad.db", status=1, **where).stderr
    assert names(server, url) == ["小王", "小李"]
    assert "与清单一致" in process("restore", "one.db", **where).stdout
    assert names(server, url) == ["小王"]
    # The mark is on the server, where every machine finds it.
    marks = server.sql("SELECT count(*) FROM state_entries WHERE key = 'restored'", url.rpartition("/")[2])
    assert [int(count) for (count,) in marks] == [1]
    process("employee", "add", "小赵", "--role", "sales", **where)


def test_a_backup_is_restored_into_a_fresh_server(
    guanxi: Run, process: Run, folder: Path, server: PostgresServer, url: str
) -> None:
    guanxi("employee", "add", "小王", "--role", "sales")
    guanxi("backup", "one.db")
    process("restore", "one.db", **settled_on(url))
    assert names(server, url) == ["小王"]


def test_a_server_of_an_older_schema_is_backed_up_before_it_is_migrated(
    process: Run, folder: Path, server: PostgresServer, url: str
) -> None:
    where, database = settled_on(url), url.rpartition("/")[2]
    process("migrate", **where)
    process("employee", "add", "小王", "--role", "sales", **where)
    undone = "DROP TABLE backups, audit_actors; ALTER TABLE audit_entries DROP COLUMN actor_digest"
    server.sql(f"DELETE FROM tortoise_migrations WHERE name >= '0006'; {undone}", database)
    process("backup", "old.db", **where)
    process("migrate", **where)
    process("employee", "add", "小李", "--role", "sales", **where)
    process("restore", "old.db", **where)
    assert names(server, url) == ["小王"]


def test_a_backup_of_a_server_restores_an_embedded_one(process: Run, folder: Path, url: str) -> None:
    where = settled_on(url)
    process("migrate", **where)
    process("employee", "add", "小王", "--role", "sales", **where)
    process("backup", "one.db", **where)
    process("restore", "one.db")
    with closing(sqlite3.connect(folder / "crm.db")) as raw:
        assert [name for (name,) in raw.execute("SELECT name FROM employees")] == ["小王"]


def test_nobody_answers(process: Run, folder: Path) -> None:
    gone = settled_on("postgres://guanxi:x@127.0.0.1:1/none")
    for words in (
        ("backup", "one.db"),
        ("restore", "one.db"),
        ("move-database", f"sqlite://{folder}/crm.db", gone["GUANXI_DATABASE__URL"]),
    ):
        process(*words, status=1, **gone)


def test_the_erased_stay_erased(process: Run, folder: Path, server: PostgresServer, url: str) -> None:
    where = settled_on(url)
    process("migrate", **where)
    process("employee", "add", "小王", "--role", "sales", **where)
    process("backup", "one.db", **where)
    process("employee", "depart", "1", **where)
    process("erase", "--person", "1", "--yes", **where)
    (folder / "store" / "erasures.jsonl").unlink()
    assert "已再次删除：1" in process("restore", "one.db", **where).stdout
    assert names(server, url) == ["已删除员工1"]
