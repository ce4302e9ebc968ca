"""`guanxi token` and what its last line is."""

import sqlite3
from pathlib import Path

from tests.bot.cli.conftest import Run


def test_a_token_is_shown_once_and_stored_hashed(guanxi: Run, folder: Path) -> None:
    scopes = ("--scope", "leads:read", "--scope", "customers:read")
    token = guanxi("token", "create", "报表", "--role", "viewer", *scopes).last
    assert len(token) == 43
    stored = b"".join(path.read_bytes() for path in folder.glob("crm.db*"))
    assert token.encode() not in stored
    listed = guanxi("token", "list").stdout
    assert '报表\tviewer\t["leads:read", "customers:read"]\t有效' in listed
    assert token not in listed
    guanxi("token", "revoke", "报表")
    assert "已吊销" in guanxi("token", "list").stdout
    assert guanxi("token", "revoke", "报表", status=1).stderr


def test_a_token_may_act_as_an_employee(guanxi: Run, folder: Path) -> None:
    guanxi("employee", "add", "小王", "--role", "sales")
    guanxi("token", "create", "小王的", "--employee", "1")
    with sqlite3.connect(folder / "crm.db") as raw:
        assert raw.execute("SELECT role, employee_id FROM api_tokens").fetchall() == [("sales", 1)]
    raw.close()


def test_what_is_no_token(guanxi: Run, folder: Path) -> None:
    guanxi("token", "create", "a", status=2)
    guanxi("token", "create", "a", "--role", "admin", "--scope", "planets:read", status=2)
    guanxi("token", "create", "a", "--employee", "9", status=1)
    guanxi("token", "create", "a", "--role", "admin")
    assert "已有" in guanxi("token", "create", "a", "--role", "admin", status=1).stderr


def test_whoever_has_left_gets_no_token(guanxi: Run, folder: Path) -> None:
    guanxi("employee", "add", "小王", "--role", "sales")
    guanxi("employee", "depart", "1")
    assert guanxi("token", "create", "小王的", "--employee", "1", status=1).stderr == "小王已离职\n"
    assert guanxi("token", "list").stdout == ""
