"""One page of rows into the database, in one transaction with the import's cursor and counts. Plain SQL.

What is new is inserted (inserting.py), what is there already is treated by the rule. Reading order: `Job`, `write`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from crm_core import overwriting
from crm_core.access import Actor
from crm_core.importing.columns import KINDS
from crm_core.importing.finding import HARD, Row, said_of
from crm_core.importing.imports import ImportStopped
from crm_core.importing.new_records import INSERT, Batch
from crm_core.importing.planning import Plan, Reason, plan
from crm_core.importing.reader import Page
from crm_core.importing.standing import Existing, Known, Sight
from crm_core.overwriting import KEPT, PENDING, REPLACED, Decision
from crm_core.ports import Core, Program
from crm_core.quarantine import Refused, put
from crm_core.values import show_phone

_TRUE = "是"


@dataclass(frozen=True, slots=True)
class Job:
    """What every page of one import shares. `unit_id`: the unit its new leads were won by (谁收集归谁)."""

    core: Core
    actor: Actor
    id: int
    set_id: int
    kind: str
    on_duplicate: str
    label: str
    source: str = ""
    unit_id: int | None = None
    keeps_refused: bool = True
    """Whether refused rows go into quarantine; a command writes them into a file instead."""

    @property
    def sight(self) -> Sight:
        """What the importer sees and may change."""
        return Sight(self.actor)


@dataclass(slots=True)
class Tally:
    """What became of a page. `stopped`: by line, why a row that can be read was not written."""

    new: int = 0
    changed: int = 0
    duplicate: int = 0
    bad: int = 0
    kept: int = 0
    """Fields of an overwrite that stay, because the table alone does not make two ids one."""
    stopped: list[tuple[int, Reason]] = field(default_factory=list)


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
    for row in again:
        # Each repeats an earlier row, which is there only now.
        yield from _write_rows(job, (yield from plan(job.kind, [row], job.sight)), tally)
    if job.keeps_refused and (refused := _refused(job, page, tally)):
        yield from put(job.core, job.kind, job.label, refused, import_id=job.id, employee_id=job.actor.employee_id)
    yield (
        "UPDATE imports SET new_count = new_count + ?, changed_count = changed_count + ?, duplicate_count ="
        " duplicate_count + ?, bad_count = bad_count + ?, kept_count = kept_count + ? WHERE id = ?",
        (tally.new, tally.changed, tally.duplicate, tally.bad, tally.kept, job.id),
    )
    return tally


def _refused(job: Job, page: Page, tally: Tally) -> list[Refused]:
    """Write down by column what was refused, and what is not the importer's to write."""
    return [(line, cells, reasons) for line, reasons, cells in page.refused] + stopped_rows(job, page, tally)


def stopped_rows(job: Job, page: Page, tally: Tally) -> list[Refused]:
    """Write down by column the rows that were not written."""
    values = dict(page.rows)
    return [(line, _as_written(job.kind, values[line]), [why]) for line, why in tally.stopped]


def _as_written(kind: str, values: Sequence[Any]) -> dict[str, str]:
    """Write what was read the way a table may say it again."""
    columns = KINDS[kind].by_field
    said = {name: value for name, value in said_of(kind, values).items() if value not in (None, "") and name in columns}
    shown = {name: show_phone(said[name]) or "" for name in ("mobile", "landline") if name in said}
    return {name: _TRUE if value is True else str(value) for name, value in (said | shown).items() if value is not False}


def _write_rows(job: Job, planned: Plan, tally: Tally) -> Program[None]:
    new: list[Row] = []
    for row, existing in zip(planned.rows, planned.existing, strict=True):
        if existing is None and row[0] in planned.blocked:
            tally.bad += 1
            tally.stopped.append((row[0], planned.blocked[row[0]]))
            continue
        if existing is None:
            new.append(row)
            continue
        tally.duplicate += 1
        if not job.sight.may_change(existing):
            owner = planned.owners.get(existing.owner_id or 0, "")
            tally.stopped.append((row[0], ("", job.sight.whose(existing, owner))))
        elif job.on_duplicate != "skip":
            tally.changed += yield from _meet(job, existing, said_of(job.kind, row[1]), tally)
    if new:
        batch = Batch(job.core, job.actor, job.set_id, job.sight, job.unit_id)
        tally.new += yield from INSERT[job.kind](batch, new)


def _meet(job: Job, existing: Existing, said: dict[str, Any], tally: Tally) -> Program[bool]:
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
        waiting = [name for name, word in decision.told.items() if word == PENDING]
        tally.kept += len(waiting) if job.on_duplicate == "overwrite" else 0
        yield from overwriting.ask(job.core, job.set_id, known.noun, known.id, known.person_id, existing.owner_id)
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
    return _table_wins(job, made, said)


def _table_wins(job: Job, made: Decision, said: dict[str, Any]) -> Decision:
    """Let the table write over what stands there; two ids of one kind are never made one by a table alone."""
    told = {name: PENDING if name in HARD[job.kind] else REPLACED for name in made.told}
    if told.get("source") and job.source and said["source"] == job.core.settings.leads.source(job.source)[0]:
        del told["source"]  # the table itself said none
    filled = {name: value for name, value in made.changes.items() if name not in made.told}
    return Decision({**filled, **{name: said[name] for name, word in told.items() if word == REPLACED}}, told)


def _is_told(known: Known, need: str) -> Program[bool]:
    rows = yield (
        "SELECT 1 FROM field_changes WHERE subject_kind = ? AND subject_id = ? AND name = 'need' AND new = ? LIMIT 1",
        (known.noun, known.id, need),
    )
    return bool(rows)
