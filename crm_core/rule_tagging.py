"""Setting the tags of rules (系统标签): soon after rows change, over everybody now and then, and when somebody asks.

A rule never touches a tagging that a hand has set. Reading order: `run_due`, `run_rule`, `_settle`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tortoise import fields

from crm_core import access
from crm_core.access import Actor, Role
from crm_core.conditions import leaves_of
from crm_core.db import Entity, UtcDatetimeField
from crm_core.errors import NotFound, Refused
from crm_core.ports import Core, Program
from crm_core.segments import Tag, Tagging
from crm_core.selection import Selection, people_sql
from crm_core.tag_rules import TagRule

PAGE = 500
"""People looked at in one statement, and taggings written in one transaction."""
WINDOW = 20_000
"""Person ids looked at together when everybody is."""
MOST_CHANGED = 20_000
"""People changed since the last look; of more, everybody is looked at."""
OVERLAP = timedelta(seconds=30)
"""A change is seen when its transaction is over, which may be later than the time it carries."""


class TagRuleRun(Entity):
    """How far a rule has been run: over everybody last, over changed rows up to, and what it did then."""

    owner_field = None

    name = fields.CharField(max_length=64, unique=True)
    digest = fields.CharField(max_length=64, default="")
    whole_at = UtcDatetimeField(null=True)
    changed_at = UtcDatetimeField(null=True)
    message_id = fields.BigIntField(default=0)
    set_count = fields.IntField(default=0)
    taken_count = fields.IntField(default=0)

    class Meta:
        """One row a rule."""

        table = "tag_rule_runs"


class NoSuchRule(NotFound):
    """No rule sets this tag."""

    code = "tag.no_such_rule"
    text = "没有标签规则「{name}」"


@dataclass(frozen=True, slots=True)
class Done:
    """What a run did: on how many people the tag was set, off how many it was taken."""

    name: str
    set_count: int = 0
    taken_count: int = 0


async def run_due(core: Core) -> list[Done]:
    """Run every rule over whoever changed since the last time, or over everybody where it is due; for the job."""
    async with core.db.exclusively("tag_rules") as mine:
        return [await _run_due(core, rule) for rule in core.settings.tags.rules] if mine else []


async def run_rule(core: Core, actor: Actor, name: str) -> Done:
    """Run one rule over everybody now (运行标签规则). Raises: NoSuchRule; Refused for a salesperson."""
    access.require(actor, "tags:write")
    if actor.role is Role.SALES:
        raise Refused
    rule = next((one for one in core.settings.tags.rules if one.name == name), None)
    if rule is None:
        raise NoSuchRule(name=name)
    done = await _run_whole(core, rule)
    async with core.db.transaction():
        counts = {"set": done.set_count, "taken": done.taken_count}
        await access.record(core, actor, "tag_rule.run", ("tags", await _tag_id(core, rule)), after=counts)
    return done


def asking_for_score(core: Core) -> list[TagRule]:
    """List the rules that ask for the score or the grade."""
    return [rule for rule in core.settings.tags.rules if any(_asks_for_score(leaf) for leaf in leaves_of(rule.condition))]


def _asks_for_score(leaf: tuple[str, Any]) -> bool:
    key, value = leaf
    return key == "level" or (key == "leaf" and value.get("field") in ("score", "grade"))


async def after_scores(core: Core, people: Sequence[int]) -> int:
    """Set the tags of rules that ask for score or grade on people who were just scored; tells how many were set or taken off.

    A score leaves no stamp on its record by which `run_due` would find it.
    """
    done = 0
    for rule in asking_for_score(core):
        for start in range(0, len(people), PAGE):
            page = people[start : start + PAGE]
            settled = await _settle(core, rule, page, await _matching(core, rule, page))
            done += settled.set_count + settled.taken_count
    return done


async def look_at_everybody(core: Core) -> None:
    """Let the rules that ask for score or grade be run over everybody next: all were scored anew."""
    names = [rule.name for rule in asking_for_score(core)]
    if names:
        await TagRuleRun.filter(name__in=names).update(whole_at=None)


async def would_set(core: Core, person_id: int, names: Iterable[str]) -> list[str]:
    """Name those of the tags that a rule would put on this person again."""
    wanted = set(names)
    rules = [rule for rule in core.settings.tags.rules if rule.name in wanted]
    return [rule.name for rule in rules if await _matching(core, rule, [person_id])]


async def _run_due(core: Core, rule: TagRule) -> Done:
    now = core.clock.now()
    known = await TagRuleRun.get_or_none(name=rule.name)
    whole_due = known is None or known.digest != rule.digest or known.whole_at is None or known.changed_at is None
    if whole_due or (known and known.whole_at and now - known.whole_at >= core.settings.tags.whole_every):
        return await _run_whole(core, rule)
    assert known is not None  # noqa: S101 - said above
    since = known.changed_at or now
    people, last = await core.db.read(_changed(since - OVERLAP, known.message_id))
    if len(people) > MOST_CHANGED:
        return await _run_whole(core, rule)
    done = Done(rule.name)
    for start in range(0, len(people), PAGE):
        page = people[start : start + PAGE]
        done = _sum(done, await _settle(core, rule, page, await _matching(core, rule, page)))
    if people or last != known.message_id or now - since > OVERLAP:
        await known.change(core, changed_at=now, message_id=last)
    return done


async def _run_whole(core: Core, rule: TagRule) -> Done:
    now = core.clock.now()
    highest, message_id = await core.db.read(_ends())
    done, after = Done(rule.name), 0
    while after < highest:
        until = after + WINDOW
        sql, values = people_sql(Selection(rule.condition), now, after=after, until=until)
        matching = {int(number) for (number,) in await core.db.read(_rows(sql, values))}
        tagged = await core.db.read(_tagged(rule.name, after, until))
        different = sorted(matching ^ tagged)
        for start in range(0, len(different), PAGE):
            page = different[start : start + PAGE]
            done = _sum(done, await _settle(core, rule, page, matching & set(page)))
        after = until
    known = await TagRuleRun.get_or_none(name=rule.name) or await TagRuleRun.add(core, name=rule.name)
    counts = {"set_count": done.set_count, "taken_count": done.taken_count}
    await known.change(core, digest=rule.digest, whole_at=now, changed_at=now, message_id=message_id, **counts)
    return done


def _sum(one: Done, other: Done) -> Done:
    return Done(one.name, one.set_count + other.set_count, one.taken_count + other.taken_count)


async def _matching(core: Core, rule: TagRule, people: Sequence[int]) -> set[int]:
    sql, values = people_sql(Selection(rule.condition), core.clock.now(), among=people)
    return {int(number) for (number,) in await core.db.read(_rows(sql, values))}


async def _settle(core: Core, rule: TagRule, people: Sequence[int], matching: set[int]) -> Done:
    """Put the tag on those of a page it belongs to and take it off the others; what a hand has set stays."""
    tag_id = await _tag_id(core, rule)
    wanted, others = sorted(matching), sorted(set(people) - matching)
    now = core.clock.now()

    def program() -> Program[Done]:
        made = taken = 0
        if wanted:
            rows = ", ".join(["(?, ?, ?, ?, ?)"] * len(wanted))
            made = yield (
                "INSERT INTO taggings (tag_id, person_id, manual, created_at, updated_at)"  # noqa: S608 - question marks
                f" VALUES {rows} ON CONFLICT (tag_id, person_id) DO NOTHING",
                [value for number in wanted for value in (tag_id, number, False, now, now)],
            )
        if others:
            marks = ", ".join("?" * len(others))
            taken = yield (
                f"DELETE FROM taggings WHERE tag_id = ? AND manual = FALSE AND person_id IN ({marks})",  # noqa: S608
                (tag_id, *others),
            )
        return Done(rule.name, int(made), int(taken))

    return await core.db.run(program)


async def _tag_id(core: Core, rule: TagRule) -> int:
    tag = await Tag.get_or_none(name=rule.name)
    if tag is None:
        tag = await Tag.add(core, name=rule.name, group=rule.group, manual=False)
    return int(tag.id)


def _rows(sql: str, values: Sequence[object]) -> Program[list[tuple[int]]]:
    rows: list[tuple[int]] = yield sql, values
    return rows


def _tagged(name: str, after: int, until: int) -> Program[set[int]]:
    rows = yield (
        "SELECT t.person_id FROM taggings t JOIN tags g ON g.id = t.tag_id WHERE g.name = ? AND t.person_id > ?"
        " AND t.person_id <= ?",
        (name, after, until),
    )
    return {int(number) for (number,) in rows}


def _ends() -> Program[tuple[int, int]]:
    rows = yield "SELECT (SELECT coalesce(max(id), 0) FROM people), (SELECT coalesce(max(id), 0) FROM messages)", ()
    return int(rows[0][0]), int(rows[0][1])


_CHANGED = (
    "SELECT person_id FROM leads WHERE updated_at >= ? UNION SELECT person_id FROM contacts WHERE updated_at >= ?"
    " UNION SELECT c.person_id FROM customers u JOIN contacts c ON c.customer_id = u.id WHERE u.updated_at >= ?"
    " UNION SELECT a.person_id FROM messages m JOIN accounts a ON a.id = m.account_id"
    " WHERE m.id > ? AND m.direction = 'in' AND a.person_id IS NOT NULL"
)


def _changed(since: datetime, message_id: int) -> Program[tuple[list[int], int]]:
    """List who changed since: their own row, their customer's, or they wrote or did something."""
    rows = yield "SELECT coalesce(max(id), 0) FROM messages", ()
    last = int(rows[0][0])
    people = yield f"{_CHANGED} LIMIT {MOST_CHANGED + 1}", (since, since, since, message_id)
    return sorted(int(number) for (number,) in people), last


async def rule_states(core: Core) -> list[tuple[TagRule, int, datetime | None]]:
    """List the rules, on how many people each has set its tag, and when it was last run over everybody."""
    runs = {run.name: run.whole_at for run in await TagRuleRun.all()}
    found = []
    for rule in core.settings.tags.rules:
        tag = await Tag.get_or_none(name=rule.name)
        count = await Tagging.filter(tag_id=tag.id, manual=False).count() if tag else 0
        found.append((rule, count, runs.get(rule.name)))
    return found
