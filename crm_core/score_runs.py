"""Keeping scores up to date in the background: what just happened, what fades today, and everybody after rules changed.

New messages are found by a cursor over their numbers, changed records and follow-ups by the stamp a change leaves, fading
points by the day they are due; each cursor moves in the transaction of the scores it stands for. Nothing here is on the way
of a message. Reading order: `catch_up`, then its four parts.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from tortoise import fields

from crm_core import rule_tagging
from crm_core.db import Entity, UtcDatetimeField
from crm_core.ports import Core, Program
from crm_core.rules import as_instant
from crm_core.score_pages import BESIDE_FROM, HERE_PAGE, SLICE, Judged, Order, pages
from crm_core.score_rules import Scorer
from crm_core.scoring import LETTER, PAGE, ROWS, TABLES, Change, Row, day_now, judge, keep_facts, prepare, write

log = structlog.get_logger(__name__)

MESSAGES_PAGE = 2_000
MESSAGES_SECONDS = 0.1
"""So long a look scores those who wrote, one page at least; it comes every other second, so this is its share of the loop."""
CHANGED_PAGE = 20_000
"""Changed records listed in one go."""
OVERLAP = timedelta(seconds=30)
"""A change is seen when its transaction is over, which may be later than the time it carries."""
HELD = timedelta(seconds=20)
"""How long a message whose work is not done holds the cursor: it has no account yet."""
LATE = timedelta(seconds=5)
"""Where several processes write, a smaller number may come after a larger one for so long."""
WORK_SECONDS = 60.0
"""How long one run goes on; the rest is done by the next."""
LOOK_SECONDS = 2.0
"""How often a long run looks after what just happened."""
REST_SHARE, MOST_REST_SECONDS = 2, 0.03
"""After a page of many is written, the writer is others' for so many times as long as that took, up to so long."""
_Mark = Callable[[], Program[None]]


class ScoreRun(Entity):
    """How far scoring is: over messages and changes, and over all leads and contacts under one state of the rules."""

    owner_field = None

    name = fields.CharField(max_length=16, unique=True)
    digest = fields.CharField(max_length=64, default="")
    facts_digest = fields.CharField(max_length=64, default="")
    last_id = fields.BigIntField(default=0)
    changed_at = UtcDatetimeField(null=True)
    started_at = UtcDatetimeField(null=True)
    ended_at = UtcDatetimeField(null=True)
    done_count = fields.BigIntField(default=0)
    total_count = fields.BigIntField(default=0)
    """The highest number there was at the start."""

    class Meta:
        """One row a cursor."""

        table = "score_runs"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far everybody of one kind is scored under the rules in force. `percent` is of the way through the table."""

    noun: str
    percent: int
    done_count: int
    started_at: datetime | None
    ended_at: datetime | None


class _Turn:
    """One run: how long it may go on, what it has done, and a look now and then after what just happened."""

    def __init__(self, core: Core, work_seconds: float) -> None:
        self._core = core
        self._ends = core.clock.monotonic() + work_seconds
        self._looked = core.clock.monotonic()
        self.done = 0

    async def goes_on(self) -> bool:
        """Look after what just happened if it is time; tells whether there is time left."""
        now = self._core.clock.monotonic()
        if now - self._looked >= LOOK_SECONDS:
            self.done += await _recent(self._core)
            self._looked = self._core.clock.monotonic()
        return now < self._ends


async def catch_up(core: Core, *, work_seconds: float = WORK_SECONDS, beside_from: int = BESIDE_FROM) -> int:
    """Score whatever is due; tells how many people or records. For the job; a killed run goes on where it was.

    With so many records left as `beside_from` everybody is judged in a process beside this one.
    """
    turn = _Turn(core, work_seconds)
    await _begin(core)
    turn.done += await _recent(core)
    for noun in TABLES:
        while await turn.goes_on() and (count := await _fade(core, noun)):
            turn.done += count
    for noun in TABLES:
        if not await _everybody(core, noun, turn, beside_from):
            break
    return turn.done


async def progress(core: Core) -> list[Progress]:
    """Tell how far everybody is scored under the rules in force."""
    rows = {row.name: row for row in await ScoreRun.filter(name__in=list(TABLES))}
    return [_progress(noun, rows.get(noun), core.settings.scoring.digest) for noun in TABLES]


def _progress(noun: str, row: ScoreRun | None, digest: str) -> Progress:
    if row is None or row.digest != digest:
        return Progress(noun, 0, 0, None, None)
    share = 100 if row.ended_at else min(99, row.last_id * 100 // max(row.total_count, 1))
    return Progress(noun, share, row.done_count, row.started_at, row.ended_at)


async def _begin(core: Core) -> None:
    """Set the cursors where they are not, and begin anew with everybody under changed rules."""
    settings, now = core.settings.scoring, core.clock.now()
    rows = {row.name: row for row in await ScoreRun.all()}
    for noun, table in TABLES.items():
        row = rows.get(noun) or await ScoreRun.add(core, name=noun)
        if row.digest != settings.digest:
            total = await core.db.read(_highest(table))
            await row.change(
                core, digest=settings.digest, last_id=0, done_count=0, total_count=total, started_at=now, ended_at=None
            )
            log.info("scores_begun", kind=noun, rows=total)
    # What was there before is read with everybody.
    if "messages" not in rows:
        await ScoreRun.add(core, name="messages", last_id=await core.db.read(_highest("messages")))
    for table in _OF_DEALS:
        if table not in rows:
            await ScoreRun.add(core, name=table, last_id=await core.db.read(_highest(table)))
    if "changes" not in rows:
        await ScoreRun.add(core, name="changes", changed_at=now)


def _highest(table: str) -> Program[int]:
    rows = yield f"SELECT coalesce(max(id), 0) FROM {table}", ()  # noqa: S608 - our own names
    return int(rows[0][0])


async def _recent(core: Core) -> int:
    done = await _messages(core) + await _changes(core)
    for table in _OF_DEALS:
        done += await _deals(core, table)
    return done


async def _messages(core: Core) -> int:
    """Score who wrote or did something since the last look."""
    rows = {row.name: row for row in await ScoreRun.all()}
    row = rows["messages"]
    # What is kept was read in another way as long as not everybody is read anew.
    known = all(rows[noun].facts_digest == core.settings.scoring.facts_digest for noun in TABLES)
    after, kept, done = row.last_id, row.last_id, 0
    ends = core.clock.monotonic() + MESSAGES_SECONDS
    while True:
        page = await core.db.read(_new_messages(after))
        if not page:
            return done
        if after == kept:  # nothing has held it yet
            kept = _settled(core, page, kept)
        people = sorted({number for _, number, _, _ in page if number is not None})
        await _score(core, people, partial(_move, "messages", kept), after=row.last_id if known else None)
        after, done = page[-1][0], done + len(people)
        # What came meanwhile, and what is too much for one look, is for the next: scores give way where many write.
        if len(page) < MESSAGES_PAGE or core.clock.monotonic() >= ends:
            return done


def _new_messages(after: int) -> Program[list[tuple[int, int | None, str, Any]]]:
    rows = yield (
        "SELECT m.id, a.person_id, m.status, m.created_at FROM (SELECT id, channel, external_account, direction, status,"
        " created_at FROM messages WHERE id > ? ORDER BY id LIMIT ?) m LEFT JOIN accounts a ON m.direction = 'in'"
        " AND a.channel = m.channel AND a.external_id = m.external_account AND a.person_kind = 'customer' ORDER BY m.id",
        (after, MESSAGES_PAGE),
    )
    return list(rows)


def _settled(core: Core, page: Sequence[tuple[int, int | None, str, Any]], kept: int) -> int:
    """Tell up to where nothing can change or come any more."""
    now = core.clock.now()
    for number, _, status, made in page:
        at = as_instant(made) or now
        if (status == "open" and at > now - HELD) or (not core.db.alone and at > now - LATE):
            return kept
        kept = number
    return kept


def _move(name: str, last_id: int) -> Program[None]:
    yield "UPDATE score_runs SET last_id = ? WHERE name = ? AND last_id < ?", (last_id, name, last_id)


_OF_DEALS = {
    "stage_moves": "JOIN opportunities o ON o.id = t.opportunity_id JOIN contacts c ON c.customer_id = o.customer_id",
    "purchases": "JOIN contacts c ON c.customer_id = t.customer_id",
}
"""What happens to deals and purchases, and how the people concerned are found."""


async def _deals(core: Core, table: str) -> int:
    """Score the people of customers whose deal went on, or who bought something, since the last look."""
    row = await ScoreRun.get(name=table)
    found = await core.db.read(_new_deals(table, row.last_id))
    if not found:
        return 0
    kept = _settled(core, [(number, None, "", made) for number, _, made in found], row.last_id)
    people = sorted({person for _, person, _ in found if person is not None})
    await _score(core, people, partial(_move, table, kept))
    return len(people)


def _new_deals(table: str, after: int) -> Program[list[tuple[int, int | None, Any]]]:
    rows = yield (
        f"SELECT t.id, c.person_id, t.created_at FROM (SELECT * FROM {table} WHERE id > ? ORDER BY id LIMIT ?) t"  # noqa: S608
        f" LEFT {_OF_DEALS[table].replace(' JOIN', ' LEFT JOIN')} ORDER BY t.id",
        (after, MESSAGES_PAGE),
    )
    return list(rows)


async def _changes(core: Core) -> int:
    """Score whose record, or follow-up, was changed since the last look."""
    row, now = await ScoreRun.get(name="changes"), core.clock.now()
    since = (row.changed_at or now) - OVERLAP
    people: list[int] = []
    reached = now
    for table in TABLES.values():
        found = await core.db.read(_changed(table, since))
        people += [number for number, _ in found]
        if len(found) == CHANGED_PAGE:
            reached = min(reached, as_instant(found[-1][1]) or now)

    def mark() -> Program[None]:
        yield "UPDATE score_runs SET changed_at = ? WHERE name = 'changes'", (reached,)

    if people or now - since > 2 * OVERLAP:
        await _score(core, list(dict.fromkeys(people)), mark)
    return len(people)


def _changed(table: str, since: datetime) -> Program[list[tuple[int, Any]]]:
    # Those read after their change are done already.
    rows = yield (
        f"SELECT t.person_id, t.updated_at FROM {table} t LEFT JOIN score_facts f ON f.person_id = t.person_id"  # noqa: S608
        " WHERE t.updated_at >= ? AND t.merged_into_id IS NULL AND (f.updated_at IS NULL OR f.updated_at <= t.updated_at)"
        " ORDER BY t.updated_at LIMIT ?",
        (since, CHANGED_PAGE),
    )
    return list(rows)


async def _score(core: Core, people: Sequence[int], mark: _Mark, *, after: int | None = None) -> None:
    """Score people, from messages behind a number or from all their rows; the cursor moves with the last page."""
    scorer = Scorer(core.settings.scoring, day_now(core))
    pages = [people[start : start + PAGE] for start in range(0, len(people), PAGE)]
    tags = bool(rule_tagging.asking_for_score(core))
    for page in pages if tags else pages[:-1]:
        await core.db.run(await prepare(core, scorer, page, after=after))
    if tags:
        # Before the cursor moves: a killed run sets them with its page again.
        await rule_tagging.after_scores(core, people)
    last = await prepare(core, scorer, pages[-1], after=after) if pages and not tags else None

    def program() -> Program[None]:
        if last is not None:
            yield from last
        yield from mark()

    await core.db.run(program())


async def _fade(core: Core, noun: str) -> int:
    """Score a page of those whose points become less by today."""
    scorer, letter = Scorer(core.settings.scoring, day_now(core)), LETTER[noun]
    sql = f"{ROWS[noun]} WHERE {letter}.score_due_day <= ? ORDER BY {letter}.score_due_day LIMIT ?"
    rows = await core.db.read(_rows(sql, (scorer.day, HERE_PAGE)))
    changes: list[Change] = []
    for start in range(0, len(rows), SLICE):  # a few at a time, so that the loop is never held up
        changes += judge(scorer, rows[start : start + SLICE])
        await asyncio.sleep(0)
    await core.db.run(write(noun, changes))
    await rule_tagging.after_scores(core, [row[1] for row in rows])
    return len(rows)


async def _everybody(core: Core, noun: str, turn: _Turn, beside_from: int) -> bool:
    """Score everybody under the rules in force, from where the last run stopped; tells whether all are."""
    row = await ScoreRun.get(name=noun)
    if row.ended_at is not None:
        return True
    settings, began = core.settings.scoring, row.started_at or core.clock.now()
    anew, beside = row.facts_digest != settings.facts_digest, row.total_count - row.last_id >= beside_from
    order = Order(core.db.url, noun, row.last_id, anew, day_now(core), settings)
    count = 0
    async with aclosing(pages(core, order, beside=beside)) as found:
        async for asked, page in found:
            # Whoever was scored by these rules since shortly before the page was read is scored from newer rows than it.
            since, begun = max(began, asked - OVERLAP), core.clock.monotonic()
            await core.db.run(_write_page(noun, page, since, asked))
            count += page.count
            turn.done += page.count
            if beside:
                await asyncio.sleep(min(REST_SHARE * (core.clock.monotonic() - begun), MOST_REST_SECONDS))
            if not await turn.goes_on():
                return False
    now = core.clock.now()
    await rule_tagging.look_at_everybody(core)
    await row.change(core, ended_at=now, facts_digest=settings.facts_digest)
    log.info("scores_done", kind=noun, rows=row.done_count + count, seconds=(now - began).total_seconds())
    return True


def _write_page(noun: str, page: Judged, since: datetime, asked: datetime) -> Program[None]:
    yield from write(noun, page.changes, unless_since=since)
    yield from keep_facts(page.facts, asked)
    yield (
        "UPDATE score_runs SET last_id = ?, done_count = done_count + ?, updated_at = ? WHERE name = ?",
        (page.last_id, page.count, asked, noun),
    )


def _rows(sql: str, values: Sequence[object]) -> Program[list[Row]]:
    rows = yield sql, values
    return list(rows)
