"""One page of rows into the database, in one transaction with the import's cursor and counts. Plain SQL.

What is new is inserted, what is there already is treated by the rule. Reading order: `Job`, `Plan`, `plan`, `write`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from crm_core import change_sets, overwriting
from crm_core.access import Actor
from crm_core.accounts import PersonKind, ensure_account
from crm_core.cleaning import FIELDS as FIELDS_REASON
from crm_core.errors import Conflict
from crm_core.importing import inserting
from crm_core.importing.finding import HARD, Existing, Known, Row, customers_called, find, ids_of, load, said_of
from crm_core.importing.reader import Page
from crm_core.importing.rows import FIELDS
from crm_core.messages import Address
from crm_core.name_keys import company_key
from crm_core.overwriting import FIELD_LABELS, KEPT, PENDING, REPLACED, Decision
from crm_core.ports import Core, Program
from crm_core.quarantine import Refused, put
from crm_core.values import mask_phone

_NOT_STORED = {
    "leads": ("openid",),
    "customers": ("parent",),
    "contacts": ("company", "company_key"),
}
"""Fields that lead somewhere else than a column of the record."""


class ImportStopped(Conflict):
    """It was cancelled, or another process goes on with it."""

    code = "import.stopped"
    text = "导入已停止：被取消，或另一个进程正在导入同一个文件"


@dataclass(frozen=True, slots=True)
class Job:
    """What every page of one import shares. `sees`: tells which owners' records the actor may change (None: all)."""

    core: Core
    actor: Actor
    id: int
    set_id: int
    kind: str
    on_duplicate: str
    label: str
    source: str = ""
    keeps_refused: bool = True
    """Whether refused rows go into quarantine; a command writes them into a file instead."""

    def may_change(self, existing: Existing) -> bool:
        """Tell whether a record is the actor's to change."""
        actor = self.actor
        if actor.sees_all or (existing.owner_id is not None and existing.owner_id in (actor.team or {actor.employee_id})):
            return True
        return existing.owner_id is None and existing.known.noun == "lead"


@dataclass(slots=True)
class Tally:
    """What became of a page. `foreign`: rows of records of somebody else, with the sentence that says whose."""

    new: int = 0
    changed: int = 0
    duplicate: int = 0
    bad: int = 0
    foreign: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Plan:
    """What was found out about a page before the writer is asked for."""

    rows: Sequence[Row]
    known: Sequence[Known | None]
    existing: dict[tuple[str, int], Existing]
    owners: dict[int, str]


def plan(kind: str, rows: Sequence[Row]) -> Program[Plan]:
    """Find out which rows are there already; reads only."""
    known = yield from find(kind, rows)
    here = [each for each in known if each is not None]
    existing = yield from load(here)
    numbers = sorted({each.owner_id for each in existing.values() if each.owner_id is not None})
    owners: dict[int, str] = {}
    for first in range(0, len(numbers), 400):
        page = numbers[first : first + 400]
        marks = ", ".join("?" * len(page))
        rows_found = yield f"SELECT id, name FROM employees WHERE id IN ({marks})", page  # noqa: S608 - marks alone
        owners |= {int(number): str(name) for number, name in rows_found}
    return Plan(rows, known, existing, owners)


def split(kind: str, rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Part rows that repeat an id of an earlier row of the page from the others: they are looked up after those are there."""
    seen: set[tuple[str, str]] = set()
    first: list[Row] = []
    again: list[Row] = []
    for row in rows:
        by, known_by = ids_of(kind, row[1])
        (again if any(each in seen for each in by) else first).append(row)
        seen.update(known_by)
    return first, again


def write(job: Job, page: Page, planned: Plan, again: Sequence[Row], before: int) -> Program[Tally]:
    """Write a page whose first rows were looked up; the import must still be at line `before`. Raises: ImportStopped."""
    now = job.core.clock.now()
    moved = yield (
        "UPDATE imports SET cursor = ?, updated_at = ? WHERE id = ? AND cursor = ? AND status = 'running'",
        (page.last_line, now, job.id, before),
    )
    if not moved:
        raise ImportStopped
    tally = Tally(bad=len(page.refused))
    yield from _write_rows(job, planned, tally)
    if again:
        late = yield from plan(job.kind, again)
        yield from _write_repeats(job, late, tally)
    if job.keeps_refused and (refused := _refused(job, page, tally)):
        yield from put(job.core, job.kind, job.label, refused, import_id=job.id, employee_id=job.actor.employee_id)
    yield (
        "UPDATE imports SET new_count = new_count + ?, changed_count = changed_count + ?, duplicate_count ="
        " duplicate_count + ?, bad_count = bad_count + ? WHERE id = ?",
        (tally.new, tally.changed, tally.duplicate, tally.bad, job.id),
    )
    return tally


def _refused(job: Job, page: Page, tally: Tally) -> list[Refused]:
    """Write down by column what was refused, and what belongs to somebody else."""
    found: list[Refused] = [(line, cells, reasons) for line, reasons, cells in page.refused]
    values = dict(page.rows)
    for line, why in tally.foreign:
        said = said_of(job.kind, values[line])
        found.append((line, {name: str(value) for name, value in said.items() if value}, [("", why)]))
    return found


def _write_repeats(job: Job, late: Plan, tally: Tally) -> Program[None]:
    """Write rows that repeat earlier ones of the page; a third of a kind may repeat the second, which was new itself."""
    for number in range(len(late.rows)):
        planned = late if late.known[number] is not None else (yield from plan(job.kind, [late.rows[number]]))
        at = number if planned is late else 0
        existing = yield from load([known for known in (planned.known[at],) if known is not None])
        yield from _write_rows(job, Plan([late.rows[number]], [planned.known[at]], existing, late.owners), tally)


def _write_rows(job: Job, planned: Plan, tally: Tally) -> Program[None]:
    new: list[Row] = []
    for row, known in zip(planned.rows, planned.known, strict=True):
        existing = planned.existing.get((known.noun, known.id)) if known is not None else None
        if existing is None:
            new.append(row)
            continue
        tally.duplicate += 1
        if not job.may_change(existing):
            tally.foreign.append((row[0], _whose(existing, planned.owners)))
        elif job.on_duplicate != "skip":
            tally.changed += yield from _meet(job, existing, said_of(job.kind, row[1]))
    if new:
        tally.new += yield from _INSERT[job.kind](job, new)


def _whose(existing: Existing, owners: dict[int, str]) -> str:
    owner = f"归属：{owners[existing.owner_id]}" if existing.owner_id in owners else "在公海"
    phone = mask_phone(existing.values.get("mobile") or existing.values.get("landline"))
    return "，".join(filter(None, ["已有", owner, phone]))


def _meet(job: Job, existing: Existing, said: dict[str, Any]) -> Program[bool]:
    """Let a row and the record it belongs to meet by the rule; tells whether anything came of it."""
    known, before = existing.known, existing.values
    said = {name: None if name in known.others else value for name, value in said.items()}
    decision = yield from _decide(job, existing, said)
    if not decision.changes and not decision.told:
        return False
    also = {}
    if "region" in decision.changes and known.noun != "contact":
        also = {"region_code": said.get("region_code") or ""}
    yield from overwriting.write(job.core, job.set_id, known.noun, known.id, known.person_id, decision, before, said, also)
    if PENDING in decision.told.values():
        yield from _ask(job, existing, [name for name, word in decision.told.items() if word == PENDING])
    return True


def _decide(job: Job, existing: Existing, said: dict[str, Any]) -> Program[Decision]:
    noun, before = existing.known.noun, existing.values
    made = overwriting.decide(job.core.settings.identity.overwrite, noun, before, said)
    filled = {name: value for name, value in made.changes.items() if name not in made.told}
    differing = list(made.told)
    if job.on_duplicate == "merge":
        told = {name: KEPT for name in differing if name == "need"}
        if told and (yield from _is_told(existing.known, str(said["need"]))):
            told = {}
        return Decision(filled, told)
    if job.on_duplicate == "ask":
        return Decision(filled, dict.fromkeys(differing, PENDING))
    # Two ids of one kind are never made one by a table alone.
    hard = {name for name in HARD[job.kind] if made.told.get(name) == REPLACED}
    changes = {name: value for name, value in made.changes.items() if name not in hard}
    return Decision(
        changes, {**{name: word for name, word in made.told.items() if word != KEPT}, **dict.fromkeys(hard, PENDING)}
    )


def _is_told(known: Known, need: str) -> Program[bool]:
    rows = yield (
        "SELECT 1 FROM field_changes WHERE subject_kind = ? AND subject_id = ? AND name = 'need' AND new = ? LIMIT 1",
        (known.noun, known.id, need),
    )
    return bool(rows)


def _ask(job: Job, existing: Existing, names: Sequence[str]) -> Program[None]:
    """Put fields that differ into the cleaning queue, once a record."""
    known, now = existing.known, job.core.clock.now()
    pair = (known.noun, known.id, known.noun, known.id, FIELDS_REASON)
    labels = msgspec.json.encode([f"{FIELD_LABELS[name]}不同" for name in names]).decode()
    rows = yield (
        "SELECT id FROM cleaning_cases WHERE subject_kind = ? AND subject_id = ? AND other_kind = ? AND other_id = ?"
        " AND reason = ?",
        pair,
    )
    if rows:
        values = {"status": "open", "reasons": labels, "answered_at": None, "answered_by_id": None}
        yield from change_sets.change_row(job.core, job.set_id, "cleaning_cases", int(rows[0][0]), values)
        return
    made = yield (
        "INSERT INTO cleaning_cases (subject_kind, subject_id, other_kind, other_id, reason, person_id, score, reasons,"
        " status, owner_id, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, 100, ?, 'open', ?, ?, ?) RETURNING id",
        (*pair, known.person_id, labels, existing.owner_id, now, now),
    )
    yield from change_sets.note_made(job.core, job.set_id, "cleaning_cases", int(made[0][0]), person_id=known.person_id)


def _insert_leads(job: Job, rows: Sequence[Row]) -> Program[int]:
    now = job.core.clock.now()
    stored = [name for name in FIELDS["leads"] if name not in (*_NOT_STORED["leads"], "created_at")]
    slots = [FIELDS["leads"].index(name) for name in stored]
    at, owner = FIELDS["leads"].index("created_at"), FIELDS["leads"].index("owner_id")
    own = _own_owner(job)
    people = yield from inserting.new_people(now, len(rows))
    made = []
    for person, (_, values) in zip(people, rows, strict=True):
        if values[owner] is None and own is not None:
            values[owner] = own
        claimed = now if values[owner] is not None else None
        made.append(
            (*[_text(stored[n], values[slot]) for n, slot in enumerate(slots)], claimed, person, values[at] or now, now)
        )
    columns = (*stored, "claimed_at", "person_id", "created_at", "updated_at")
    yield from inserting.insert(job.core, job.set_id, "leads", columns, made)
    yield from _add_accounts(job, people, rows)
    return len(rows)


_NULLABLE = frozenset(
    {"mobile", "landline", "wechat_id", "email", "birthday", "owner_id", "name_key", "company_key", "credit_code"}
)


def _text(name: str, value: Any) -> Any:
    return "" if value is None and name not in _NULLABLE else value


def _own_owner(job: Job) -> int | None:
    """Tell who owns what has no owner in the table: a salesperson owns what they bring."""
    return job.actor.employee_id if job.actor.role.value == "sales" else None


def _add_accounts(job: Job, people: Sequence[int], rows: Sequence[Row]) -> Program[None]:
    openid, channel = FIELDS["leads"].index("openid"), FIELDS["leads"].index("channel")
    for person, (_, values) in zip(people, rows, strict=True):
        if not values[openid]:
            continue
        account = yield from ensure_account(job.core, Address(values[channel], values[openid]))
        if account.person_id is None:
            bound = {"person_kind": PersonKind.CUSTOMER.value, "person_id": person}
            yield from change_sets.change_row(job.core, job.set_id, "accounts", account.id, bound, person_id=person)


def _insert_customers(job: Job, rows: Sequence[Row]) -> Program[int]:
    now, fields = job.core.clock.now(), FIELDS["customers"]
    at, parent, owner = fields.index("created_at"), fields.index("parent"), fields.index("owner_id")
    parents = sorted({values[parent] for _, values in rows if values[parent]})
    known = yield from _companies(job, parents, make=True)
    stored = [name for name in fields if name not in (*_NOT_STORED["customers"], "created_at")]
    slots = [fields.index(name) for name in stored]
    made = []
    for _, values in rows:
        values[owner] = values[owner] if values[owner] is not None else job.actor.employee_id
        row = [_text(name, values[slot]) for name, slot in zip(stored, slots, strict=True)]
        row[stored.index("kind")] = row[stored.index("kind")] or "organisation"
        above = known.get(values[parent]) if values[parent] else None
        made.append((*row, above.id if above else None, values[at] or now, now))
    yield from inserting.insert(job.core, job.set_id, "customers", (*stored, "parent_id", "created_at", "updated_at"), made)
    return len(rows)


def _companies(job: Job, names: Sequence[str], *, make: bool) -> Program[dict[str, Known]]:
    """Find customers by name, and make those that are missing when the rule says so."""
    keys = {name: company_key(name) for name in names}
    found = yield from customers_called(keys)
    missing = [name for name in names if name not in found] if make and job.core.settings.imports.make_customers else []
    if missing:
        now = job.core.clock.now()
        columns = ("name", "name_key", "owner_id", "created_at", "updated_at")
        rows = [(name, keys[name], job.actor.employee_id, now, now) for name in missing]
        yield from inserting.insert(job.core, job.set_id, "customers", columns, rows)
        found |= yield from customers_called({name: keys[name] for name in missing})
    return found


def _insert_contacts(job: Job, rows: Sequence[Row]) -> Program[int]:
    now, fields = job.core.clock.now(), FIELDS["contacts"]
    company, at = fields.index("company"), fields.index("created_at")
    known = yield from _companies(job, sorted({values[company] for _, values in rows if values[company]}), make=True)
    existing = yield from load(list(known.values()))
    stored = [name for name in fields if name not in (*_NOT_STORED["contacts"], "created_at")]
    slots = [fields.index(name) for name in stored]
    people = yield from inserting.new_people(now, len(rows))
    made = []
    for person, (_, values) in zip(people, rows, strict=True):
        customer = known.get(values[company]) if values[company] else None
        owner_id = existing["customer", customer.id].owner_id if customer else job.actor.employee_id
        row = [_text(name, values[slot]) for name, slot in zip(stored, slots, strict=True)]
        row[stored.index("decision_maker")] = bool(row[stored.index("decision_maker")])
        made.append((*row, customer.id if customer else None, owner_id, person, values[at] or now, now))
    columns = (*stored, "customer_id", "owner_id", "person_id", "created_at", "updated_at")
    yield from inserting.insert(job.core, job.set_id, "contacts", columns, made)
    return len(rows)


_INSERT = {"leads": _insert_leads, "customers": _insert_customers, "contacts": _insert_contacts}
