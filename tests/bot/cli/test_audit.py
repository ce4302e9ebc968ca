"""`guanxi audit verify`."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.bot.cli.conftest import Run
from tests.old_schemas import become_older


def test_the_chain_is_verified_and_a_change_found(guanxi: Run, folder: Path) -> None:
    guanxi("employee", "add", "小王", "--role", "sales")
    whole = guanxi("audit", "verify")
    assert whole.last.startswith("审计链完整：1 条，1 块")
    with sqlite3.connect(folder / "crm.db") as raw:
        raw.execute("UPDATE audit_entries SET action = 'employee.depart'")
    raw.close()
    broken = guanxi("audit", "verify", status=1)
    assert "第 1 块与封存时不符" in broken.stderr


def test_a_digest_kept_elsewhere_is_looked_for(guanxi: Run, folder: Path) -> None:
    guanxi("employee", "add", "小王", "--role", "sales")
    first = guanxi("audit", "verify").last.rpartition("末块 ")[2]
    assert len(first) == 64
    saved = guanxi("backup", "one.db")
    assert first in saved.stdout
    assert saved.last == "one.db"
    guanxi("employee", "add", "小李", "--role", "sales")
    in_log = ":".join(first[start : start + 8] for start in range(0, 64, 8))
    told = guanxi("audit", "verify", "--expect", first[:20], "--expect", in_log.upper(), "--backup", "one.db")
    assert "留存的 3 个摘要都在链中" in told.last
    cut_to_the_first_entry(folder / "crm.db")
    assert guanxi("audit", "verify").last.startswith("审计链完整")
    for words in (("--expect", told.last.rpartition("末块 ")[2]), ("--expect", "0" * 64)):
        assert "此后有块被截去" in guanxi("audit", "verify", *words, status=1).stderr
    with closing(sqlite3.connect(folder / "crm.db")) as raw:
        raw.execute("UPDATE audit_blocks SET digest = ?", ("1" * 64,))
        raw.commit()
    assert f"没有摘要为 {first[:16]} 的块" in guanxi("audit", "verify", "--backup", "one.db", status=1).stderr


def cut_to_the_first_entry(database: Path) -> None:
    """Take the newest entries and blocks away, as somebody with the whole file could."""
    with closing(sqlite3.connect(database)) as raw:
        raw.execute("DELETE FROM audit_values WHERE entry_id > 1")
        raw.execute("DELETE FROM audit_entries WHERE id > 1")
        raw.execute("DELETE FROM audit_blocks WHERE number > 1")
        raw.commit()


def test_what_is_no_digest_or_no_backup_is_refused(guanxi: Run, folder: Path) -> None:
    assert "不是摘要" in guanxi("audit", "verify", "--expect", "abc", status=2).stderr
    assert "没有这个文件" in guanxi("audit", "verify", "--backup", "none.db", status=1).stderr
    (folder / "bad.db").write_bytes(b"nothing" * 1000)
    assert "不是备份" in guanxi("audit", "verify", "--backup", "bad.db", status=1).stderr


def test_a_trail_from_before_the_names_hash_is_taken_over(guanxi: Run, folder: Path) -> None:
    guanxi("employee", "add", "小王", "--role", "sales")
    digest = guanxi("audit", "verify").last.rpartition("末块 ")[2]
    become_older(folder / "crm.db", "0006_backups")
    guanxi("migrate")
    guanxi("employee", "add", "小李", "--role", "sales")
    assert guanxi("audit", "verify", "--expect", digest).last.startswith("审计链完整：2 条，2 块")
