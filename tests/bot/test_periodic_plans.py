"""What runs again and again finds its rows by an index: on a full database a scan would hold up everybody who writes."""

import re
import sqlite3
from pathlib import Path
from typing import ClassVar

import pytest

from bot.app import App
from bot.models import MODEL_MODULES
from bot.simulator import Simulator
from crm_core.db import Database, DatabaseSettings
from tests.house import settings_for

GROWS = (
    "messages",
    "recipients",
    "accounts",
    "leads",
    "contacts",
    "customers",
    "follow_ups",
    "reminders",
    "taggings",
    "opportunities",
    "stage_moves",
)
"""Tables that hold a row for every message, person or record."""
PLANNED = re.compile(r"\s*(WITH|SELECT|UPDATE|DELETE)\b")


class Traced(sqlite3.Connection):
    """A connection that keeps what was run over it."""

    statements: ClassVar[set[str]] = set()

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.set_trace_callback(Traced.statements.add)


@pytest.mark.sqlite_only("the plans are SQLite's")
async def test_no_periodic_job_reads_a_whole_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **kwargs: connect(*args, **kwargs, factory=Traced))
    database = Database(DatabaseSettings(f"sqlite://{tmp_path / 'house.db'}"), MODEL_MODULES)
    await database.open()
    await database.migrate()
    simulator = Simulator()
    app = App(settings_for(simulator, tmp_path), db=database)
    try:
        Traced.statements.clear()
        for job in app._periodics():
            await job.run(app.core)
        seen = {statement for statement in Traced.statements if PLANNED.match(statement)}
    finally:
        await database.close()
    assert any("FROM messages" in statement for statement in seen)
    assert _scans(tmp_path / "house.db", seen) == []


def _scans(path: Path, statements: set[str]) -> list[tuple[str, str]]:
    found = []
    raw = sqlite3.connect(path)
    try:
        for statement in sorted(statements):
            for *_, step in raw.execute(f"EXPLAIN QUERY PLAN {statement}"):
                table = re.fullmatch(r"SCAN (\w+)(?: AS \w+)?( USING (?:COVERING )?INDEX .*)?", step)
                if table and table[1] in GROWS and not table[2]:
                    found.append((step, statement))
    finally:
        raw.close()
    return found
