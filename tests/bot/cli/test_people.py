"""`export-person` and `erase`: everything is given out, and nothing is left in any file."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.erasures import holdings
from bot.models import all_models
from tests.bot.cli.conftest import Run

NOW = "2026-11-01 02:00:00+00:00"
NAME, MOBILE, OPENID, MAIL = "欧阳千惠", "+8613912345678", "oERASEme0001", "qianhui@example.cn"
ROWS: list[tuple[str, dict[str, object]]] = [
    ("people", {"id": 1}),
    ("people", {"id": 2}),
    ("employees", {"id": 1, "person_id": 2, "name": "小王", "role": "sales"}),
    (
        "leads",
        {
            **{"id": 1, "person_id": 1, "name": NAME, "mobile": MOBILE, "email": MAIL, "status": "converted", "score": 0},
            **{"intent_count": 1, "claim_count": 0, "owner_id": 1, "need": f"{NAME}要20台", "contact_id": 1},
        },
    ),
    ("customers", {"id": 1, "name": NAME, "kind": "person", "status": "potential", "owner_id": 1}),
    ("contacts", {"id": 1, "person_id": 1, "customer_id": 1, "name": NAME, "mobile": MOBILE, "owner_id": 1}),
    ("accounts", {"id": 1, "channel": "wechat", "external_id": OPENID, "person_kind": "customer", "person_id": 1}),
    ("accounts", {"id": 2, "channel": "dingtalk", "external_id": "staff-1", "person_kind": "employee", "person_id": 2}),
    (
        "messages",
        {"id": 1, "account_id": 1, "direction": "in", "text": "我的号码13912345678", "key": "m1", "external_account": OPENID},
    ),
    ("messages", {"id": 2, "account_id": 2, "direction": "in", "text": f"刚和{NAME}通话，139 1234 5678", "key": "m2"}),
    (
        "messages",
        {
            "id": 3,
            "account_id": 2,
            "direction": "out",
            "text": "公众号 客户发来消息",
            "payload": f'{{"n":"{NAME}"}}',
            "key": "m3",
        },
    ),
    ("follow_ups", {"id": 1, "subject_kind": "contact", "subject_id": 1, "person": NAME, "method": "phone", "at": NOW}),
    ("follow_ups", {"id": 2, "subject_kind": "lead", "subject_id": 9, "person": "李娜", "method": "phone", "at": NOW}),
    ("review_comments", {"follow_up_id": 1, "text": "抓紧"}),
    (
        "reminders",
        {"id": 1, "owner_id": 1, "about_kind": "contact", "about_id": 1, "text": f"联系{NAME}", "status": "pending", "at": NOW},
    ),
    ("recipients", {"id": 1, "broadcast_id": 1, "person_id": 1, "account_id": 1, "status": "sent", "text": f"{NAME}您好"}),
    ("state_entries", {"key": "dialog:1", "value": "{}", "expires_at": NOW}),
    ("state_entries", {"key": "idempotency:1", "value": f'{{"name": "{NAME}"}}', "expires_at": NOW}),
    ("audit_entries", {"id": 1, "action": "lead.update", "object_kind": "leads", "object_id": 1}),
    ("audit_values", {"entry_id": 1, "salt": "s", "before": f'{{"name": "{NAME}"}}', "after": ""}),
    ("audit_entries", {"id": 2, "action": "reminder.set", "object_kind": "reminders", "object_id": 7}),
    ("audit_values", {"entry_id": 2, "salt": "s", "before": "", "after": f'{{"text": "联系{NAME}"}}'}),
]


def insert(database: Path, rows: list[tuple[str, dict[str, object]]]) -> None:
    with closing(sqlite3.connect(database)) as raw:
        for table, values in rows:
            kinds = {row[1]: (row[2], row[3]) for row in raw.execute(f'PRAGMA table_info("{table}")')}
            full: dict[str, object] = {"created_at": NOW, "updated_at": NOW} | values
            for name, (kind, needed) in kinds.items():
                if needed and name not in full and name != "id":
                    full[name] = 0 if "INT" in kind.upper() else NOW if name.endswith("at") else ""
            marks = ", ".join("?" * len(full))
            names = ", ".join(f'"{name}"' for name in full)
            raw.execute(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', list(full.values()))
        raw.commit()


@pytest.fixture
def known(folder: Path) -> Path:
    insert(folder / "crm.db", ROWS)
    return folder / "crm.db"


def left(database: Path, sql: str) -> list[object]:
    with closing(sqlite3.connect(database)) as raw:
        return [row[0] for row in raw.execute(sql)]


def test_everything_about_a_person_is_given_out(guanxi: Run, known: Path) -> None:
    given = json.loads(guanxi("export-person", "--person", "1").stdout)
    assert given["person_id"] == 1
    assert given["leads"][0]["mobile"] == MOBILE
    assert given["contacts"][0]["name"] == NAME
    assert [row["text"] for row in given["messages"]] == ["我的号码13912345678"]
    assert {"follow_ups", "review_comments", "reminders", "recipients", "accounts", "customers"} <= given.keys()
    assert left(known, "SELECT action FROM audit_entries ORDER BY id DESC LIMIT 1") == ["person.export"]


def test_no_trace_is_left_in_any_file(guanxi: Run, known: Path) -> None:
    guanxi("backup", "one.db")
    receipt = json.loads(guanxi("erase", "--person", "1").stdout)
    for path in known.parent.glob("crm.db*"):
        content = path.read_bytes()
        for word in (NAME, "13912345678", "139 1234 5678", OPENID, MAIL):
            assert word.encode() not in content, (path.name, word)
    assert receipt["rows"]["messages"] == 1
    assert receipt["mentions"] >= 2
    assert [Path(row["file"]).name for row in receipt["backups"]] == ["one.db"]
    assert receipt["backups"][0]["ends"] > receipt["backups"][0]["taken_at"][:10]


def test_what_is_not_theirs_stays(guanxi: Run, known: Path) -> None:
    guanxi("erase", "--person", "1")
    assert left(known, "SELECT person FROM follow_ups") == ["李娜"]
    assert left(known, "SELECT text FROM messages WHERE id = 2") == ["刚和〔已删除〕通话，〔已删除〕"]
    assert left(known, "SELECT name FROM employees") == ["小王"]
    assert left(known, "SELECT status FROM recipients") == ["sent"]
    assert guanxi("audit", "verify").status == 0
    assert left(known, "SELECT id FROM people ORDER BY id") == [1, 2]


def test_what_an_outsider_calls_themselves_spoils_nothing(guanxi: Run, known: Path) -> None:
    rows: list[tuple[str, dict[str, object]]] = [
        ("people", {"id": 5}),
        ("leads", {"id": 5, "person_id": 5, "name": "88", "status": "new", "score": 0, "intent_count": 1, "claim_count": 0}),
        (
            "accounts",
            {"id": 5, "channel": "kf", "external_id": "7", "person_kind": "customer", "person_id": 5, "nickname": "您好"},
        ),
        ("accounts", {"id": 6, "channel": "kf", "external_id": "wm6", "person_kind": "customer", "person_id": 6}),
        ("messages", {"id": 9, "account_id": 6, "direction": "in", "text": "您好，出价88000元，电话13812348887", "key": "m9"}),
        ("state_entries", {"key": "kf:cursor", "value": "c-88-7", "expires_at": NOW}),
        ("state_entries", {"key": "token:wechat", "value": "t88您好", "expires_at": NOW}),
    ]
    insert(known, rows)
    guanxi("erase", "--person", "5")
    assert left(known, "SELECT text FROM messages WHERE id = 9") == ["您好，出价88000元，电话13812348887"]
    assert left(known, "SELECT count(*) FROM state_entries") == [4]
    assert left(known, "SELECT count(*) FROM leads WHERE id = 5") == [0]


def test_a_name_is_blanked_in_colleagues_sentences_alone(guanxi: Run, known: Path) -> None:
    rows: list[tuple[str, dict[str, object]]] = [
        ("people", {"id": 5}),
        (
            "leads",
            {"id": 5, "person_id": 5, "name": "客户经理", "status": "new", "score": 0, "intent_count": 1, "claim_count": 0},
        ),
        ("messages", {"id": 8, "account_id": 2, "direction": "in", "text": "刚和客户经理通话", "key": "m8"}),
        ("messages", {"id": 9, "account_id": 1, "direction": "in", "text": "您的客户经理是谁", "key": "m9"}),
        ("templates", {"id": 3, "name": "回访", "kind": "text", "body": "您的客户经理很高兴", "version": 1}),
    ]
    insert(known, rows)
    guanxi("erase", "--person", "5")
    assert left(known, "SELECT text FROM messages WHERE id IN (8, 9) ORDER BY id") == ["刚和〔已删除〕通话", "您的客户经理是谁"]
    assert left(known, "SELECT body FROM templates") == ["您的客户经理很高兴"]


def test_a_number_two_people_have_stays_the_others(guanxi: Run, known: Path) -> None:
    plain = {"status": "new", "score": 0, "intent_count": 1, "claim_count": 0, "landline": "+862161234567"}
    rows: list[tuple[str, dict[str, object]]] = [
        ("people", {"id": 5}),
        ("people", {"id": 6}),
        ("leads", {"id": 5, "person_id": 5, "name": "李总经", **plain}),
        ("leads", {"id": 6, "person_id": 6, "name": "张总经", **plain}),
    ]
    insert(known, rows)
    guanxi("erase", "--person", "5")
    assert left(known, "SELECT landline FROM leads WHERE id = 6") == ["+862161234567"]


def test_a_namesake_keeps_the_name(guanxi: Run, known: Path) -> None:
    more = {"id": 2, "person_id": 3, "name": NAME, "status": "new", "score": 0, "intent_count": 1, "claim_count": 0}
    insert(known, [("people", {"id": 3}), ("leads", more)])
    receipt = json.loads(guanxi("erase", "--person", "1").stdout)
    assert NAME in receipt["note"]
    assert left(known, "SELECT name FROM leads") == [NAME]
    assert left(known, "SELECT text FROM messages WHERE id = 2") == [f"刚和{NAME}通话，〔已删除〕"]


def test_twice_is_once_and_nobody_is_an_error(guanxi: Run, known: Path) -> None:
    guanxi("erase", "--person", "1")
    assert json.loads(guanxi("erase", "--person", "1").stdout)["rows"] == {}
    guanxi("erase", "--person", "99", status=1)
    guanxi("export-person", "--person", "99", status=1)


def test_an_employee_must_have_left(guanxi: Run, known: Path) -> None:
    assert "在职" in guanxi("erase", "--person", "2", status=1).stderr
    guanxi("employee", "depart", "1")
    guanxi("erase", "--person", "2")
    assert left(known, "SELECT name FROM employees") == ["已删除员工1"]
    assert left(known, "SELECT count(*) FROM accounts WHERE channel = 'dingtalk'") == [0]


ABOUT_NOBODY = {"people", "audit_entries", "audit_blocks", "mass_sends", "group_sends"}
"""Tables with such a column that hold nothing a person could be known by."""


def test_every_table_about_people_is_declared() -> None:
    told = {
        "person_id",
        "account_id",
        "lead_id",
        "contact_id",
        "subject_id",
        "about_id",
        "follow_up_id",
        "external_id",
        "entry_id",
    }
    about = {model._meta.db_table for model in all_models() if told & set(model._meta.fields_map)}
    assert about - ABOUT_NOBODY <= {holding.table for holding in holdings()}


def test_the_deals_of_a_person_go_with_them(guanxi: Run, known: Path) -> None:
    """A deal, its moves, what was written about it and what is kept to take it back."""
    deal = {
        "customer_id": 1,
        "name": f"{NAME}网关",
        "stage": "initial",
        "stage_since": NOW,
        "status": "open",
        "pipeline": "default",
    }
    rows: list[tuple[str, dict[str, object]]] = [
        ("customers", {"id": 9, "name": "别家", "kind": "person", "status": "potential"}),
        ("opportunities", {**deal, "id": 1}),
        ("opportunities", {**deal, "id": 2, "customer_id": 9, "name": "别家网关"}),
        (
            "stage_moves",
            {"id": 1, "opportunity_id": 1, "pipeline": "default", "kind": "open", "to_stage": "initial", "at": NOW},
        ),
        ("purchase_proposals", {"id": 1, "opportunity_id": 1, "customer_id": 1, "kind": "repeat", "customer": NAME}),
        ("follow_ups", {"id": 7, "subject_kind": "opportunity", "subject_id": 1, "person": NAME, "method": "phone", "at": NOW}),
        ("review_comments", {"id": 7, "follow_up_id": 7, "text": "抓紧"}),
        ("change_sets", {"id": 1, "kind": "opportunity.win", "summary": NAME, "actor": "小王"}),
        ("changed_rows", {"id": 1, "set_id": 1, "table_name": "opportunities", "row_id": 1, "before": f'{{"name": "{NAME}"}}'}),
        ("audit_entries", {"id": 8, "action": "opportunity.update", "object_kind": "opportunities", "object_id": 1}),
        ("audit_values", {"entry_id": 8, "salt": "s", "before": f'{{"name": "{NAME}"}}', "after": ""}),
    ]
    insert(known, rows)
    assert {"opportunities", "stage_moves", "purchase_proposals"} <= json.loads(
        guanxi("export-person", "--person", "1").stdout
    ).keys()
    guanxi("erase", "--person", "1")
    assert left(known, "SELECT name FROM opportunities") == ["别家网关"]
    for table in ("stage_moves", "purchase_proposals", "changed_rows", "review_comments"):
        assert left(known, f"SELECT count(*) FROM {table}") == [0], table
    assert NAME.encode() not in b"".join(path.read_bytes() for path in known.parent.glob("crm.db*"))


def test_what_waits_or_was_decided_in_quarantine_goes_too(guanxi: Run, known: Path) -> None:
    plain = {"kind": "leads", "reason": "[]", "at": NOW}
    said = {
        1: "139-1234 5678",
        2: "+86１３９１２３４５６７８",
        3: MAIL.upper(),
        4: "1391234567x",
        5: "1391234567x",
        6: "13700137000",
    }
    rows: list[tuple[str, dict[str, object]]] = [
        ("quarantined_rows", {"id": number, **plain, "payload": json.dumps({"name": NAME, "mobile": cell}, ensure_ascii=False)})
        for number, cell in said.items()
    ]
    rows[1][1].update(status="dropped", settled_at=NOW)
    rows[3][1].update(status="released", person_id=1)
    rows[4][1].update(status="waiting", employee_id=1)
    rows[5][1].update(payload='{"name": "李娜"}')
    insert(known, rows)
    given = json.loads(guanxi("export-person", "--person", "1").stdout)
    assert sorted(row["id"] for row in given["quarantined_rows"]) == [1, 2, 3, 4]
    receipt = json.loads(guanxi("erase", "--person", "1").stdout)
    assert receipt["rows"]["quarantined_rows"] == 4
    assert left(known, "SELECT payload FROM quarantined_rows ORDER BY id") == [
        '{"name": "〔已删除〕", "mobile": "1391234567x"}',
        '{"name": "李娜"}',
    ]
