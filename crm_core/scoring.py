"""Scores of leads and contacts (评分): points by rules, kept beside the records, a grade that a hand may set apart.

What happens counts soon after: `score_runs.py` finds it by cursors, so that nobody who writes waits for a sum. A score is
what the rules make of a record and of the days its person did something: from nothing the same as step by step.
Reading order: `rescore`, `explain`, `set_grade`, then the pages they are made of.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from crm_core import access, change_sets, rule_tagging
from crm_core.access import Actor
from crm_core.activities import Subject
from crm_core.change_sets import ChangeSet
from crm_core.clock import today
from crm_core.customers import Contact, require_change
from crm_core.errors import Invalid
from crm_core.leads import Lead, require_claimed
from crm_core.ports import Core, Program
from crm_core.score_facts import gather, joined, read_days, write_days
from crm_core.score_rules import GRADES, Facts, Line, Record, Scorer

PAGE = 200
"""People whose messages are read in one go."""
WRITTEN = 500
"""Scores written in one statement."""
TABLES = {"lead": "leads", "contact": "contacts"}
_FIRST_DAY = date(1970, 1, 1).toordinal()
_OPEN = ("new", "following")

_OF_LEAD = "l.name, l.company, l.title, l.mobile, l.landline, l.wechat_id, l.email, l.birthday, l.region, l.need, l.amount," + (
    " l.source, l.channel, l.campaign, '', l.intent_count, 0"
)
_OF_CONTACT = (
    "c.name, coalesce(u.name, l.company), c.title, c.mobile, c.landline, c.wechat_id, c.email, c.birthday,"
    " coalesce(nullif(u.region, ''), l.region), l.need, l.amount, l.source, l.channel, l.campaign, c.role, l.intent_count,"
    " c.decision_maker"
)
_KEPT = "{0}.id, {0}.person_id, {1}, {0}.score, {0}.grade, {0}.score_grade, {0}.hand_grade," + (
    " {0}.score_due_day, f.days, f.updated_at > {0}.updated_at"
)
_GONE = "coalesce(c.merged_into_id, CASE WHEN c.deleted_at IS NOT NULL THEN c.id END)"
"""Something where a contact does not count any more."""
ROWS = {
    "lead": (
        f"SELECT {_KEPT.format('l', 'l.merged_into_id')}, {_OF_LEAD} FROM leads l"  # noqa: S608
        " LEFT JOIN score_facts f ON f.person_id = l.person_id"
    ),
    "contact": (
        f"SELECT {_KEPT.format('c', _GONE)}, {_OF_CONTACT} FROM contacts c LEFT JOIN score_facts f ON f.person_id = c.person_id"  # noqa: S608
        " LEFT JOIN customers u ON u.id = c.customer_id LEFT JOIN leads l ON l.person_id = c.person_id"
    ),
}
"""Whatever a score is made of; the record's own columns begin at `RECORD`."""
LETTER = {"lead": "l", "contact": "c"}
RECORD = 10
Row = Sequence[Any]
Change = tuple[int, int, str, int | None]
"""Number of the row, score, grade by the rules, day on which it is due again."""


@dataclass(frozen=True, slots=True)
class Explained:
    """A score line by line. `score_grade` is the rules' grade; `hand_grade` wins where somebody has set one."""

    kind: str
    id: int
    name: str
    score: int
    score_grade: str
    hand_grade: str
    lines: tuple[Line, ...]
    day: int

    @property
    def grade(self) -> str:
        """Tell the grade that holds."""
        return self.hand_grade or self.score_grade


def day_now(core: Core) -> int:
    """Tell today's Shanghai day as a number, from 1970 on."""
    return today(core.clock).toordinal() - _FIRST_DAY


def date_of(day: int) -> date:
    """Tell the date of a numbered day."""
    return date.fromordinal(day + _FIRST_DAY)


async def rescore(core: Core, person_ids: Iterable[int]) -> None:
    """Score these people anew from the rows themselves; not inside a transaction, because the rows are read beside it."""
    scorer, numbers = Scorer(core.settings.scoring, day_now(core)), list(dict.fromkeys(person_ids))
    for start in range(0, len(numbers), PAGE):
        page = numbers[start : start + PAGE]
        await core.db.run(await prepare(core, scorer, page))
        await rule_tagging.after_scores(core, page)


async def prepare(core: Core, scorer: Scorer, people: Sequence[int], *, after: int | None = None) -> Program[None]:
    """Read what a page of people is worth; gives the program that writes it.

    With the number of a message: what they did up to it is as kept, and only what came later is read.
    """
    began = core.clock.now()
    facts, rows = await core.db.read(_read_people(scorer, people, after))
    # Whoever is no record keeps nothing either.
    known = {row[1] for found in rows.values() for row in found}
    changes = {noun: judge(scorer, found, facts) for noun, found in rows.items()}

    def program() -> Program[None]:
        yield from keep_facts({person: write_days(facts[person]) for person in known}, began)
        for noun, found in changes.items():
            yield from write(noun, found)

    return program()


def _read_people(
    scorer: Scorer, people: Sequence[int], after: int | None = None
) -> Program[tuple[dict[int, Facts], dict[str, list[Row]]]]:
    marks = ", ".join("?" * len(people))
    rows = {}
    for noun, letter in LETTER.items():
        rows[noun] = yield f"{ROWS[noun]} WHERE {letter}.person_id IN ({marks})", tuple(people)
    if after is None:
        return (yield from gather(scorer.settings, people)), rows
    every = [row for found in rows.values() for row in found]
    # After a change of the record, an undone follow-up for one, what is kept may hold too much.
    changed = {row[1] for row in every if not row[9]}
    kept = {row[1]: read_days(row[8]) for row in every if row[1] not in changed}
    more = yield from gather(scorer.settings, list(kept), after=after)
    facts = yield from gather(scorer.settings, [number for number in people if number not in kept])
    return {**facts, **{number: joined(kept[number], days) for number, days in more.items()}}, rows


def judge(scorer: Scorer, rows: Sequence[Row], facts: dict[int, Facts] | None = None) -> list[Change]:
    """Tell which of these rows have another score than is kept; facts: else those kept."""
    found: list[Change] = []
    for row in rows:
        if row[2] is not None:  # merged or deleted: nothing of it counts any more
            if row[7] is not None:
                found.append((row[0], row[3], row[5], None))
            continue
        days = read_days(row[8]) if facts is None else facts[row[1]]
        made = scorer.score(row[RECORD:], days)
        if (made.score, made.grade, made.due_day, row[6] or made.grade) != (row[3], row[5], row[7], row[4]):
            found.append((row[0], made.score, made.grade, made.due_day))
    return found


def write(noun: str, changes: Sequence[Change], *, unless_since: datetime | None = None) -> Program[None]:
    """Write scores, but not of people who were scored after an instant. No stamp: a score is no change of the record."""
    table = TABLES[noun]
    newer = f"SELECT 1 FROM score_facts f WHERE f.person_id = {table}.person_id AND f.updated_at > ?"  # noqa: S608
    bound, values = ("", []) if unless_since is None else (f" AND NOT EXISTS ({newer})", [unless_since])
    for start in range(0, len(changes), WRITTEN):
        page = changes[start : start + WRITTEN]
        marks = ", ".join(["(CAST(? AS BIGINT), CAST(? AS INTEGER), CAST(? AS VARCHAR(8)), CAST(? AS INTEGER))"] * len(page))
        yield (
            f"WITH v (id, score, grade, due_day) AS (VALUES {marks}) UPDATE {table} SET score = v.score,"  # noqa: S608
            f" score_grade = v.grade, score_due_day = v.due_day, grade = CASE WHEN {table}.hand_grade <> ''"
            f" THEN {table}.hand_grade ELSE v.grade END FROM v WHERE {table}.id = v.id{bound}",
            [*(value for change in page for value in change), *values],
        )


def keep_facts(facts: dict[int, str], began: object) -> Program[None]:
    """Keep what people did, written down, as read from `began` on; what was read later stays."""
    if not facts:
        return
    rows = ", ".join(["(?, ?, ?, ?)"] * len(facts))
    yield (
        f"INSERT INTO score_facts (person_id, days, created_at, updated_at) VALUES {rows}"  # noqa: S608 - question marks
        " ON CONFLICT (person_id) DO UPDATE SET days = excluded.days, updated_at = excluded.updated_at"
        " WHERE score_facts.updated_at <= excluded.updated_at",
        [value for person, days in facts.items() for value in (person, days, began, began)],
    )


async def explain(core: Core, actor: Actor, subject: Subject) -> Explained:
    """Tell a lead's or contact's score as of this moment, line by line. Raises: NotFound; Invalid for anything else."""
    if subject.kind not in TABLES:
        raise Invalid(field="评分", reason="只有线索和联系人有评分")
    access.require(actor, f"{TABLES[subject.kind]}:read")
    model: type[Lead] | type[Contact] = Lead if subject.kind == "lead" else Contact
    row = await access.load(model, actor, subject.id)
    scorer = Scorer(core.settings.scoring, day_now(core))
    facts, rows = await core.db.read(_read_people(scorer, [row.person_id]))
    record = next((found for found in rows[subject.kind] if found[0] == row.id), None)
    known: Sequence[Any] = record[RECORD:] if record else Record()
    made, lines = scorer.score(known, facts[row.person_id]), scorer.lines(known, facts[row.person_id])
    return Explained(subject.kind, row.id, row.name, made.score, made.grade, row.hand_grade, tuple(lines), scorer.day)


async def top(actor: Actor, *, limit: int = 10) -> list[Lead]:
    """List the open leads one may see that have most points (高分线索)."""
    access.require(actor, "leads:read")
    query = access.visible(Lead, actor).filter(status__in=list(_OPEN), score__gt=0)
    return await query.order_by("-score", "-id").limit(limit)


async def set_grade(core: Core, actor: Actor, kind: str, subject_id: int, grade: str) -> ChangeSet:
    """Set a grade by hand, which wins over the rules'; "" gives it back to them. Can be taken back.

    Raises: NotFound; Invalid; LeadNotOwned.
    """
    if kind not in TABLES:
        raise Invalid(field="等级", reason="只有线索和联系人有等级")
    access.require(actor, f"{TABLES[kind]}:write")
    grade = grade.strip().upper()
    if grade and grade not in GRADES:
        raise Invalid(field="等级", reason="只能是 A、B、C、D，或取消")
    async with core.db.transaction():
        row = await _loaded(actor, kind, subject_id)
        changes = await change_sets.begin(core, actor, f"{kind}.grade", f"定级：{row.name} {grade or '按规则'}")
        values = {"hand_grade": grade, "grade": grade or row.score_grade}
        await core.db.run(change_sets.change_row(core, changes.id, TABLES[kind], row.id, values, person_id=row.person_id))
        before = {"hand_grade": row.hand_grade}
        await access.record(core, actor, f"{kind}.grade", row, before=before, after={"hand_grade": grade})
    return changes


async def _loaded(actor: Actor, kind: str, number: int) -> Lead | Contact:
    if kind == "contact":
        contact = await access.load(Contact, actor, number)
        await require_change(actor, contact)
        return contact
    lead = await access.load(Lead, actor, number)
    require_claimed(actor, lead)
    return lead
