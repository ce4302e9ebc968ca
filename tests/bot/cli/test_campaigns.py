"""`guanxi broadcast` and `guanxi greetings`."""

import sqlite3
from pathlib import Path

from bot.cli.campaigns import BAR_WIDTH, progress
from campaigns.broadcasts import Broadcast
from tests.bot.cli.conftest import Run

NOW = "2026-11-25 02:00:00+00:00"
ALL_LEADS = '{"conditions": {"kind": "lead"}}'
ROWS: list[tuple[str, dict[str, object]]] = [
    ("people", {"id": 1}),
    ("leads", {"person_id": 1, "name": "张伟", "status": "new", "score": 0, "intent_count": 1, "claim_count": 0}),
    ("accounts", {"channel": "wechat", "external_id": "o1", "person_kind": "customer", "person_id": 1}),
    ("segments", {"id": 1, "name": "全部", "conditions": '{"kind": "lead"}'}),
    ("templates", {"id": 1, "name": "问候", "kind": "text", "body": "您好", "version": 1}),
    (
        "broadcasts",
        {
            "name": "秋季问候",
            "segment_id": 1,
            "template_id": 1,
            "channel": "wechat",
            "status": "draft",
            "conditions": ALL_LEADS,
        },
    ),
    (
        "greeting_plans",
        {
            "name": "中秋祝福",
            "segment_id": 1,
            "template_id": 1,
            "channel": "wechat",
            "time": "09:00",
            "festival": "mid_autumn",
            "status": "approved",
            "selection": ALL_LEADS,
        },
    ),
]


def fill(raw: sqlite3.Connection) -> None:
    """Insert the rows; what must be there and is not given is empty or nought."""
    for table, given in ROWS:
        values: dict[str, object] = {"created_at": NOW, "updated_at": NOW}
        for _, name, kind, required, _, is_key in raw.execute(f"PRAGMA table_info({table})"):
            if required and not is_key and name not in values:
                values[name] = 0 if "INT" in kind else ""
        values |= given
        marks = ", ".join("?" * len(values))
        raw.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", list(values.values()))


def test_a_bar_shows_how_far_it_is() -> None:
    row = Broadcast(name="秋季问候", status="running", segment_id=1, template_id=1, channel="wechat")
    half = progress(row, {"planned": 4, "claimed": 1, "sent": 4, "failed": 1})
    assert (
        half == f"秋季问候　发送中　{'█' * (BAR_WIDTH // 2)}{'░' * (BAR_WIDTH // 2)} 5/10　待发送 4，发送中 1，已送达 4，失败 1"
    )
    assert "0/0" in progress(row, {})


def test_what_is_not_there_is_said(guanxi: Run, folder: Path) -> None:
    for command in ("preview", "status"):
        assert "没有找到" in guanxi("broadcast", command, "7", status=1).stderr
    told = guanxi("greetings", "preview", "--year", "2026")
    assert (told.stdout, told.stderr) == ("", "2026 年没有计划的祝福\n")
    guanxi("greetings", "preview", "--year", "1800", status=2)


def test_a_draft_is_tried_and_shown(guanxi: Run, folder: Path) -> None:
    with sqlite3.connect(folder / "crm.db") as raw:
        fill(raw)
    raw.close()
    shown = guanxi("broadcast", "preview", "1").stdout.splitlines()
    assert shown[0] == "选中 1 人，发送 1 人，不发 0 人"
    assert shown[1].endswith("\t您好")
    assert "秋季问候　草稿　" in guanxi("broadcast", "status", "1", "--watch").stdout
    with sqlite3.connect(folder / "crm.db") as raw:
        raw.execute("UPDATE accounts SET channel = 'other'")
    raw.close()
    assert "不发\t没有该渠道的账号\t1" in guanxi("broadcast", "preview", "1").stdout
    days = guanxi("greetings", "preview", "--year", "2026").stdout
    assert days.startswith("2026-09-25\t09:00\t中秋祝福\t中秋")
