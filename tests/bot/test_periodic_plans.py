"""What runs again and again finds its rows by an index: on a full database a scan would hold up everybody who writes."""

import gc
import re
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from bot.app import App
from bot.simulator import Simulator
from crm_core import visit_plans
from crm_core.daily_work_rules import ALARM_LABELS, AlarmRule, DailyWorkSettings, VisitRhythm
from crm_core.db import Database
from crm_core.ports import Core
from crm_core.work_reports import ReportKind
from scheduler.jobs import alarms, life_cycles, overdue, unrecorded_visits, work_reports
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
    "visits",
    "documents",
    "document_parts",
    "mails",
    "announcement_receipts",
)
"""Tables that hold a row for every message, person or record."""
PLANNED = re.compile(r"\s*(WITH|SELECT|UPDATE|DELETE)\b")


@pytest.mark.sqlite_only("the plans are SQLite's")
async def test_no_periodic_job_reads_a_whole_table(db: Database, tmp_path: Path) -> None:
    # The database is opened once a test process, so its connections are listened to instead of opened anew.
    open_ones = [each for each in gc.get_objects() if isinstance(each, sqlite3.Connection)]
    seen: set[str] = set()
    app = App(settings_for(Simulator(), tmp_path), db=db)
    try:
        for connection in open_ones:
            connection.set_trace_callback(seen.add)
        for job in app._periodics():
            await job.run(app.core)
        await _what_has_its_hour(app.core)
    finally:
        for connection in open_ones:
            connection.set_trace_callback(None)
    statements = {statement for statement in seen if PLANNED.match(statement)}
    assert any("FROM messages" in statement for statement in statements)
    path = Path(db.settings.url.removeprefix("sqlite://"))
    assert _scans(path, statements) == []
    # In the order of the index: what is asked first is not sorted first.
    assert not _sorts(path, [each for each in statements if "SELECT leads.id, leads.name" in each])


async def _what_has_its_hour(core: Core) -> None:
    """Run what waits for a time of day, or for settings."""
    every = tuple(AlarmRule(what, what, 0) for what in ALARM_LABELS)
    daily = DailyWorkSettings(rhythms=(VisitRhythm(("A",), 14),), alarms=every)
    core = replace(core, settings=replace(core.settings, daily_work=daily))
    await overdue.tell_all(core)
    await life_cycles.tell_all(core)
    await visit_plans.make(core)
    await alarms.raise_all(core)
    await unrecorded_visits.tell_all(core)
    await work_reports.ask_all(core, ReportKind.WEEKLY)


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


def _sorts(path: Path, statements: list[str]) -> bool:
    assert statements
    raw = sqlite3.connect(path)
    try:
        steps = [step for each in statements for *_, step in raw.execute(f"EXPLAIN QUERY PLAN {each}")]
    finally:
        raw.close()
    return any("TEMP B-TREE" in step for step in steps)
