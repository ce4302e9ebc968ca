"""Moving to PostgreSQL and back, backing up and restoring it: on a private real server."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.bot.cli.conftest import Run
from tests.bot.cli.test_backups import come_in
from tests.bot.cli.test_backups import is_counted as is_counted_here
from tests.old_schemas import make_schema
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
    where = settled_on(url)
    make_schema(url, "0005_wecom")
    server.sql(
        "INSERT INTO people (created_at, updated_at) VALUES (now(), now());"
        " INSERT INTO employees (person_id, name, role, created_at, updated_at) VALUES (1, '小王', 'sales', now(), now())",
        url.rpartition("/")[2],
    )
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


COUNTED = """
SELECT (SELECT count(*) FROM leads), (SELECT count(*) FROM messages), (SELECT coalesce(sum(number), 0) FROM
 (SELECT topic, number FROM rollups UNION ALL SELECT topic, number FROM rollup_deltas) q WHERE topic = 'leads'),
 (SELECT coalesce(sum(number), 0) FROM
 (SELECT topic, number FROM rollups UNION ALL SELECT topic, number FROM rollup_deltas) q WHERE topic = 'messages')
"""


def is_counted(server: PostgresServer, url: str) -> list[int]:
    """Tell the leads, the messages, and what is counted of both."""
    return [int(word) for (row,) in [server.sql(COUNTED, url.rpartition("/")[2])] for word in row]


def test_counts_stay_right_through_move_and_restore(
    process: Run, guanxi: Run, folder: Path, server: PostgresServer, url: str
) -> None:
    come_in(folder / "crm.db", 100, 105)
    here, where = f"sqlite://{folder}/crm.db", settled_on(url)
    process("move-database", here, url)
    assert is_counted(server, url) == [5, 5, 5, 5]
    come_in(folder / "crm.db", 105, 107)
    process("move-database", here, url)
    assert is_counted(server, url) == [7, 7, 7, 7]
    process("backup", "one.db", **where)
    server.sql("DELETE FROM leads WHERE person_id = 100", url.rpartition("/")[2])
    assert is_counted(server, url) == [6, 7, 6, 7]
    process("restore", "one.db", **where)
    assert is_counted(server, url) == [7, 7, 7, 7]
    guanxi("restore", "one.db")
    come_in(folder / "crm.db", 107, 108)
    assert is_counted_here(folder / "crm.db") == (8, 8, 8)


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
