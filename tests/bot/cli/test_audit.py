"""`guanxi audit verify`."""

import sqlite3
from pathlib import Path

from tests.bot.cli.conftest import Run


def test_the_chain_is_verified_and_a_change_found(guanxi: Run, folder: Path) -> None:
    guanxi("employee", "add", "小王", "--role", "sales")
    whole = guanxi("audit", "verify")
    assert whole.last.startswith("审计链完整：1 条，1 块")
    with sqlite3.connect(folder / "crm.db") as raw:
        raw.execute("UPDATE audit_entries SET action = 'employee.depart'")
    raw.close()
    broken = guanxi("audit", "verify", status=1)
    assert "第 1 块与封存时不符" in broken.stderr
