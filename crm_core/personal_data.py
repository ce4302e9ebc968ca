"""What hangs on a person, in every table: given out on request, or erased without a trace (个人信息).

Each folder declares its own tables as `Holding`s (crm_core/holdings.py, scheduler/ and campaigns/). What merely mentions
the person (a colleague's sentence, a notice) is found by their names, numbers and ids and blanked word by word.
Reading order: `find`, `export`, `erase`.
"""

import re
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec

from crm_core import access, quarantine
from crm_core.access import Actor
from crm_core.errors import CrmError, NotFound
from crm_core.holdings import Holding
from crm_core.identity import surviving_person
from crm_core.ports import Core, Program
from crm_core.values import show_phone

GONE = "〔已删除〕"
"""What stands where the person was mentioned."""
SLICE = 20_000
"""Rows looked through in one transaction, so that nobody who writes waits long."""
PAGE = 500
"""Rows of the quarantine read at once: each may be a whole form."""
RESUMED_WITHIN = timedelta(days=7)
"""How long an erasure that was cut off remembers what it looks for."""
_NAME = re.compile(r"[\u3400-\u9fff·]{2,}|[A-Za-z][A-Za-z'.-]+(?: [A-Za-z'.-]+)+")
"""What is looked for as a name in sentences: two Han characters or two words at least, never a number or a sign."""
_OWN_ID = re.compile(r"(?=.*[A-Za-z])(?=.*\d)[\w-]{10,}")
"""Ids that are nobody else's and no part of anything: an openid, an external_userid; not the short ones of staff."""
_SHORTEST_MARK = 7
"""A number, address or id shorter than this stands by chance in other numbers."""
_TALK = ("dialog:", "undo:", "list:", "idempotency:")
"""Small values that hold what people said; all others are the machine's own, and a word in them means nothing."""


class StillEmployed(CrmError):
    """An employee's records are the house's until they have left."""

    status = 409
    code = "person.still_employed"
    text = "{name}是在职员工，请先办理离职再删除"


@dataclass(frozen=True, slots=True)
class Found:
    """A person's numbers in every table, and the words they can be known by."""

    numbers: Mapping[str, tuple[int, ...]]
    names: tuple[str, ...]
    marks: tuple[str, ...]
    """Numbers, addresses and ids nobody else has."""
    since: Any = None
    employee: str = ""

    def expand(self, where: str) -> tuple[str, list[object]]:
        """Fill a holding's condition; an empty list matches nothing."""
        sql: list[str] = []
        values: list[object] = []
        for text, name, _, _ in string.Formatter().parse(where):
            sql.append(text)
            if name is not None:
                sql.append(", ".join("?" * len(self.numbers[name])) or "NULL")
                values += self.numbers[name]
        return "".join(sql), values


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did: rows by table, places that mentioned the person, and whose name could not be told apart."""

    rows: dict[str, int]
    mentions: int
    namesakes: tuple[str, ...]


def find(person_id: int) -> Program[Found | None]:
    """Gather a person's numbers and words, of everybody merged into them too; None for a number never given out."""
    standing = yield from surviving_person(person_id)
    people = yield "SELECT id, created_at FROM people WHERE id = ? OR merged_into_id = ?", (standing, standing)
    if not people:
        return None
    persons = tuple(row[0] for row in people)
    marks = ", ".join("?" * len(persons))
    leads = yield f"SELECT id, name, mobile, landline, wechat_id, email FROM leads WHERE person_id IN ({marks})", persons  # noqa: S608
    contacts = yield (
        f"SELECT id, name, mobile, landline, wechat_id, email, customer_id FROM contacts WHERE person_id IN ({marks})",  # noqa: S608
        persons,
    )
    staff = yield f"SELECT id, name, mobile, departed_at FROM employees WHERE person_id IN ({marks})", persons  # noqa: S608
    former = yield from _former_accounts([row[0] for row in staff])
    ours = ", ".join("?" * len(former)) or "NULL"
    accounts = yield (
        "SELECT id, nickname, external_id FROM accounts"  # noqa: S608
        f" WHERE person_id IN ({marks}) OR person_id IS NULL AND id IN ({ours})",
        (*persons, *former),
    )
    customers = yield from _own_customers([row[6] for row in contacts if row[6]], [row[0] for row in contacts])
    numbers = {
        "persons": persons,
        "leads": tuple(row[0] for row in leads),
        "contacts": tuple(row[0] for row in contacts),
        "accounts": tuple(row[0] for row in accounts),
        "employees": tuple(row[0] for row in staff),
        "customers": tuple(row[0] for row in customers),
    }
    # Not what somebody calls themselves on a platform alone: it may be any word.
    names = {row[1] for row in (*leads, *contacts, *staff, *customers) if row[1]}
    told = {word for row in (*leads, *contacts) for word in _phones(row[2], row[3]) | {row[4], row[5]} if word}
    told |= {row[2] for row in accounts if _OWN_ID.fullmatch(row[2])} | {word for row in staff for word in _phones(row[2])}
    here = next((str(row[1]) for row in staff if row[3] is None), "")
    return Found(numbers, tuple(sorted(names)), tuple(sorted(told)), min(row[1] for row in people), here)


def _former_accounts(employee_ids: Sequence[int]) -> Program[list[int]]:
    """Tell the accounts of employees who left: they are nobody's since, but hold what they wrote."""
    if not employee_ids:
        return []
    rows = yield (
        "SELECT v.after FROM audit_entries e JOIN audit_values v ON v.entry_id = e.id"  # noqa: S608
        f" WHERE e.action = 'employee.depart' AND e.object_id IN ({', '.join('?' * len(employee_ids))}) AND v.after <> ''",
        tuple(employee_ids),
    )
    return [int(number) for (words,) in rows for number in msgspec.json.decode(words).get("accounts", [])]


def _own_customers(customer_ids: Sequence[int], contact_ids: Sequence[int]) -> Program[list[tuple[int, str]]]:
    """Tell the customers that are this person alone: of kind person, with no other contact."""
    if not customer_ids:
        return []
    ours, mine = ", ".join("?" * len(customer_ids)), ", ".join("?" * len(contact_ids))
    rows = yield (
        f"SELECT id, name FROM customers WHERE kind = 'person' AND id IN ({ours}) AND NOT EXISTS"  # noqa: S608
        f" (SELECT 1 FROM contacts c WHERE c.customer_id = customers.id AND c.id NOT IN ({mine}))",
        (*customer_ids, *contact_ids),
    )
    return [(int(number), str(name)) for number, name in rows]


def _phones(*stored: str | None) -> set[str]:
    """Give each way a number may be written in a text."""
    found: set[str] = set()
    for number in filter(None, stored):
        shown = show_phone(number) or ""
        found |= {number, number.removeprefix("+"), shown, shown.replace("-", "")}
        if len(shown) == 11:
            found |= {f"{shown[:3]} {shown[3:7]} {shown[7:]}", f"{shown[:3]}-{shown[3:7]}-{shown[7:]}"}
    return {word for word in found if word}


async def export(core: Core, actor: Actor, person_id: int, holdings: Sequence[Holding]) -> dict[str, Any]:
    """Give everything that is kept about a person, unmasked; the export itself is written down. Raises: NotFound."""
    found = await _found(core, person_id)
    given: dict[str, Any] = {"person_id": person_id, "exported_at": core.clock.now().isoformat()}
    for holding in holdings:
        rows = await core.db.read(_rows_of(core, holding, found))
        if rows:
            given[holding.table] = rows
    if waiting := await _in_quarantine(core, _told_apart(found.marks, await core.db.read(_shared_marks(found)))):
        among = Holding("quarantined_rows", f"id IN ({', '.join(map(str, waiting))})")
        rows = [*given.get("quarantined_rows", []), *await core.db.read(_rows_of(core, among, found))]
        given["quarantined_rows"] = list({row["id"]: row for row in rows}.values())
    async with core.db.transaction():
        await access.record(core, actor, "person.export", ("people", person_id))
    return given


def _rows_of(core: Core, holding: Holding, found: Found) -> Program[list[dict[str, Any]]]:
    names = core.db.columns_of(holding.table)
    where, values = found.expand(holding.where)
    columns = ", ".join(f'"{name}"' for name in names)
    rows = yield f'SELECT {columns} FROM "{holding.table}" WHERE {where} ORDER BY id', values  # noqa: S608 - our own names
    return [dict(zip(names, row, strict=True)) for row in rows]


async def _found(core: Core, person_id: int) -> Found:
    found = await core.db.read(find(person_id))
    if found is None:
        raise NotFound
    return found


async def erase(core: Core, actor: Actor, person_id: int, holdings: Sequence[Holding]) -> tuple[Erased, Found]:
    """Erase a person from every table. What hangs on them goes in one transaction, mentions page by page after it.

    Cut off between, the same call again does the rest: the words are looked for before the rows are gone, so they are
    kept in the state store until all is done. Raises: NotFound; StillEmployed.
    """
    found = await _found(core, person_id)
    if found.employee:
        raise StillEmployed(name=found.employee)
    found, namesakes = await _remember(core, person_id, found)
    async with core.db.transaction():
        rows = await core.db.run(_erase_rows(holdings, found))
        await _tell(core, actor, person_id, rows.get("audit_values", 0), rows.get("audit_actors", 0))
    await core.db.run(_forget_talk(found.numbers["accounts"]))
    rows["quarantined_rows"] = rows.get("quarantined_rows", 0) + await _empty_quarantine(core, found)
    mentions = 0
    for table, columns in core.db.text_columns().items():
        mentions += await _blank_mentions(core, table, columns, found)
    async with core.db.transaction():
        forgotten = await core.db.run(_forget_values((*found.marks, *found.names)))
        mentions += forgotten
        if forgotten:
            await _tell(core, actor, person_id, forgotten)
    await core.state.delete(f"erase:{person_id}")
    await core.db.scrub()
    return Erased({table: count for table, count in rows.items() if count}, mentions, namesakes), found


async def _tell(core: Core, actor: Actor, person_id: int, emptied: int, names: int = 0) -> None:
    """Write down how many words and names the trail lost, in the transaction that empties them: `verify` adds them up."""
    told = {"audit_values": emptied, "audit_actors": names}
    await access.record(core, actor, "person.erase", ("people", person_id), after=told)


def _erase_rows(holdings: Sequence[Holding], found: Found) -> Program[dict[str, int]]:
    done: dict[str, int] = {}
    for holding in holdings:
        where, values = found.expand(holding.where)
        if holding.blank:
            changes = ", ".join(f'"{name}" = ?' for name in holding.blank)
            sql = f'UPDATE "{holding.table}" SET {changes} WHERE {where}'  # noqa: S608 - our own names
            count = yield sql, (*holding.blank.values(), *values)
        else:
            count = yield f'DELETE FROM "{holding.table}" WHERE {where}', values  # noqa: S608 - our own names
        done[holding.table] = done.get(holding.table, 0) + int(count)
    for number in found.numbers["employees"]:
        yield "UPDATE employees SET name = ? WHERE id = ?", (f"已删除员工{number}", number)
    return done


async def _remember(core: Core, person_id: int, found: Found) -> tuple[Found, tuple[str, ...]]:
    """Keep the words until all mentions are gone, and leave out names that somebody else has too."""
    key = f"erase:{person_id}"
    kept = await core.state.get(key)
    names, marks = set(found.names), set(found.marks)
    if kept is not None:
        before = msgspec.json.decode(kept, type=tuple[list[str], list[str]])
        names, marks = names | set(before[0]), marks | set(before[1])
    await core.state.set(key, msgspec.json.encode((sorted(names), sorted(marks))).decode(), lasts=RESUMED_WITHIN)
    shared = await core.db.read(_shared_names(sorted(names), found))
    own = _told_apart(marks, await core.db.read(_shared_marks(found)))
    clear = tuple(name for name in sorted(names, key=len, reverse=True) if name not in shared and _NAME.fullmatch(name))
    return Found(found.numbers, clear, own, found.since), tuple(sorted(shared))


def _told_apart(marks: Iterable[str], shared: set[str]) -> tuple[str, ...]:
    """Leave the marks that are theirs alone and long enough to be no accident, the longest first."""
    return tuple(sorted((mark for mark in set(marks) - shared if len(mark) >= _SHORTEST_MARK), key=len, reverse=True))


def _shared_names(names: Sequence[str], found: Found) -> Program[set[str]]:
    """Tell which of the names somebody else has too: in a sentence nobody can tell who is meant."""
    shared: set[str] = set()
    for table in ("leads", "contacts", "employees", "customers"):
        mine, values = found.expand("{" + table + "}")
        for name in names:
            rows = yield (
                f"SELECT 1 FROM {table} WHERE name = ? AND (id NOT IN ({mine}) OR ? = 0) LIMIT 1",  # noqa: S608
                (name, *values, len(values)),
            )
            if rows:
                shared.add(name)
    return shared


def _shared_marks(found: Found) -> Program[set[str]]:
    """Tell which numbers and addresses another person of ours has too: a company's landline is not one person's."""
    shared: set[str] = set()
    persons = ", ".join("?" * len(found.numbers["persons"]))
    for table in ("leads", "contacts"):
        mine, values = found.expand("{" + table + "}")
        for column in ("mobile", "landline", "wechat_id", "email"):
            others = f"o.{column} = {table}.{column} AND o.person_id NOT IN ({persons})"
            rows = yield (
                f"SELECT DISTINCT {column} FROM {table} WHERE id IN ({mine}) AND {column} IS NOT NULL AND (EXISTS"  # noqa: S608
                f" (SELECT 1 FROM leads o WHERE {others}) OR EXISTS (SELECT 1 FROM contacts o WHERE {others}))",
                (*values, *found.numbers["persons"], *found.numbers["persons"]),
            )
            shared |= {word for (value,) in rows for word in _phones(value) | {value}}
    return shared


async def _in_quarantine(core: Core, marks: Sequence[str]) -> list[int]:
    """Tell the rows in quarantine that hold a number or address of theirs: nobody knows yet whom such a row is of."""
    ids: list[int] = []
    if marks:
        for first in range(0, await core.db.read(_last_of("quarantined_rows")), PAGE):
            ids += await core.db.read(quarantine.said_by(marks, first, first + PAGE))
    return ids


async def _empty_quarantine(core: Core, found: Found) -> int:
    ids = await _in_quarantine(core, found.marks)
    for first in range(0, len(ids), PAGE):
        await core.db.run(_delete_quarantined(ids[first : first + PAGE]))
    return len(ids)


def _delete_quarantined(ids: Sequence[int]) -> Program[None]:
    yield f"DELETE FROM quarantined_rows WHERE id IN ({', '.join('?' * len(ids))})", tuple(ids)  # noqa: S608 - question marks


async def _blank_mentions(core: Core, table: str, columns: Sequence[str], found: Found) -> int:
    last = await core.db.read(_last_of(table))
    names = found.names if table in _OF_COLLEAGUES else ()
    count = 0
    for first in range(0, last, SLICE):
        count += await core.db.run(_blank_slice(table, columns, found.marks, first))
        count += await core.db.run(_blank_slice(table, columns, names, first, _OF_COLLEAGUES.get(table, "")))
    return count


_OF_COLLEAGUES = {
    "messages": " AND account_id IN (SELECT id FROM accounts WHERE person_kind = 'employee')",
    "follow_ups": "",
    "review_comments": "",
    "reminders": "",
    "change_sets": "",
    "opportunities": "",
    "stage_moves": "",
    "visits": "",
    "documents": "",
    "quarantined_rows": " AND employee_id IS NOT NULL",
    "work_reports": "",
    "announcements": "",
}
"""Where a name is looked for: by table, with the condition that a colleague wrote or was told the row.

Nowhere else: a customer may call themselves by any word, and that word stands in templates and other people's sentences.
"""


def _last_of(table: str) -> Program[int]:
    rows = yield f'SELECT coalesce(max(id), 0) FROM "{table}"', ()  # noqa: S608 - our own names
    return int(rows[0][0])


def _blank_slice(table: str, columns: Sequence[str], words: Sequence[str], first: int, where: str = "") -> Program[int]:
    count = 0
    for column in columns:
        for word in words:
            changed = yield (
                f'UPDATE "{table}" SET "{column}" = replace("{column}", ?, ?)'  # noqa: S608 - our own names
                f' WHERE id > ? AND id <= ? AND replace("{column}", ?, \'\') <> "{column}"{where}',
                (word, GONE, first, first + SLICE, word),
            )
            count += int(changed)
    return count


def _forget_talk(account_ids: Sequence[int]) -> Program[None]:
    """Forget the open questions of these accounts, in private and in groups."""
    for start in _TALK:
        for number in account_ids:
            place = f"{start}{number}"
            yield "DELETE FROM state_entries WHERE key = ? OR substr(key, 1, ?) = ?", (place, len(place) + 1, f"{place}:")


def _forget_values(words: Sequence[str]) -> Program[int]:
    """Forget what is kept whole or not at all: open questions, answers for a repeat, the words of audit entries.

    A word changed within an audit entry would look like a forgery; emptied, it is told as erased.
    """
    count = 0
    for word in words:
        changed = yield (
            "UPDATE audit_values SET salt = '', before = '', after = ''"
            " WHERE replace(before, ?, '') <> before OR replace(after, ?, '') <> after",
            (word, word),
        )
        count += int(changed)
        for start in _TALK:
            yield (
                "DELETE FROM state_entries WHERE substr(key, 1, ?) = ?"
                " AND (replace(key, ?, '') <> key OR replace(value, ?, '') <> value)",
                (len(start), start, word, word),
            )
    return count
