"""Trying rules before they count (试算评分): who would get another grade; the engine of the real run, nothing is written."""

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from crm_core import access
from crm_core.access import Actor, Role
from crm_core.errors import Invalid, Refused
from crm_core.leads import Lead
from crm_core.ports import Core, Program
from crm_core.score_facts import gather, read_days
from crm_core.score_rules import GRADES, Facts, Scorer, ScoreRule, ScoringSettings
from crm_core.scoring import PAGE, RECORD, ROWS, Row, day_now

TRIERS = frozenset({Role.ADMIN, Role.MANAGER})
READ = 2_000
SLICE = 100
SAMPLES = 10
_HALF_LIFE = re.compile(r"(?:半衰期?|half_life_days=?)(\d{1,4})天?")
_AT_MOST = re.compile(r"(?:封顶|at_most=?)(\d{1,3})分?")
_POINTS = re.compile(r"(\d{1,3})分?")
_BOUND = re.compile(r"([ABC])级?(?:线|≥|>=|=)?(\d{1,3})分?")
_KEYS = {"A": "a_from", "B": "b_from", "C": "c_from"}


@dataclass(frozen=True, slots=True)
class Sample:
    """One lead that would get another grade."""

    lead_id: int
    name: str
    score: int
    grade: str
    new_score: int
    new_grade: str


@dataclass(slots=True)
class Trial:
    """What would change: how many leads were counted, from which grade to which, and some of them.

    `held_count`: of the changed ones, how many keep the grade a hand has set.
    """

    counted: int = 0
    changed: int = 0
    held_count: int = 0
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)
    samples: list[Sample] = field(default_factory=list)


async def what_if(core: Core, actor: Actor, candidate: ScoringSettings) -> Trial:
    """Count all visible leads under the rules in force and under others. Raises: Refused; Invalid for rules that cannot be."""
    access.require(actor, "leads:write")
    if not actor.system and actor.role not in TRIERS:
        raise Refused
    for key, text in candidate.problems()[:1]:
        raise Invalid(field=key, reason=text)
    day, trial, after = day_now(core), Trial(), 0
    scorers = (Scorer(core.settings.scoring, day), Scorer(candidate, day))
    # Messages are read again only for words that nobody has looked for yet.
    anew = candidate if candidate.facts_digest != core.settings.scoring.facts_digest else None
    while rows := await _page(core, actor, after, PAGE if anew else READ):
        facts = await core.db.read(gather(anew, [row[1] for row in rows])) if anew else None
        for start in range(0, len(rows), SLICE):
            _compare(trial, scorers, rows[start : start + SLICE], facts)
            await asyncio.sleep(0)
        after = rows[-1][0]
    return trial


async def _page(core: Core, actor: Actor, after: int, limit: int) -> list[Row]:
    if actor.sees_all:
        where, values = "l.id > ? AND l.merged_into_id IS NULL ORDER BY l.id LIMIT ?", [after, limit]
    else:
        seen: list[Any] = await (
            access.visible(Lead, actor).filter(id__gt=after).order_by("id").limit(limit).values_list("id", flat=True)
        )
        if not seen:
            return []
        where, values = f"l.id IN ({', '.join('?' * len(seen))}) ORDER BY l.id", seen

    def program() -> Program[list[Row]]:
        rows = yield f"{ROWS['lead']} WHERE {where}", values
        return list(rows)

    return await core.db.read(program())


def _compare(trial: Trial, scorers: tuple[Scorer, Scorer], rows: Sequence[Row], facts: dict[int, Facts] | None) -> None:
    for row in rows:
        kept = read_days(row[8])
        was, becomes = scorers[0].score(row[RECORD:], kept), scorers[1].score(row[RECORD:], facts[row[1]] if facts else kept)
        trial.counted += 1
        if was.grade == becomes.grade:
            continue
        trial.changed += 1
        trial.held_count += bool(row[6])
        trial.moves[was.grade, becomes.grade] += 1
        if len(trial.samples) < SAMPLES:
            name = str(row[RECORD] or row[RECORD + 1] or "")
            trial.samples.append(Sample(row[0], name, was.score, was.grade, becomes.score, becomes.grade))


def table(trial: Trial) -> list[tuple[str, str, int]]:
    """List the moves, from the best grade down."""
    order = {grade: place for place, grade in enumerate(GRADES)}
    moves = sorted(trial.moves.items(), key=lambda move: (order[move[0][0]], order[move[0][1]]))
    return [(was, becomes, count) for (was, becomes), count in moves]


def adjusted(settings: ScoringSettings, words: str) -> ScoringSettings:
    """Make other settings of a short sentence: 问过价格 20分 半衰7天; 删除 扫过码; A级 75. Several with a comma between.

    Raises: Invalid for a rule there is none of, or words nobody can make sense of.
    """
    made = settings
    for part in re.split(r"[,，;；\n]+", words):
        if part.strip():
            made = _adjusted(made, part.split())
    return made


def _adjusted(settings: ScoringSettings, parts: list[str]) -> ScoringSettings:
    if bound := _BOUND.fullmatch("".join(parts).upper()):
        key, points = _KEYS[bound[1]], int(bound[2])
        return replace(settings, **{key: points})  # type: ignore[arg-type]
    gone = parts[0] in ("删除", "去掉", "不要") and len(parts) > 1
    name, rest = (parts[1], []) if gone else (parts[0], parts[1:])
    rules = settings.in_force
    rule = next((one for one in rules if one.name == name), None)
    if rule is None or not (gone or rest):
        names = "、".join(one.name for one in rules[:4])
        raise Invalid(field="试算", reason=f"请写规则名和新分数，规则如{names}")
    changed = None if gone else _changed(rule, rest)
    return replace(settings, rules=tuple(each for one in rules if (each := changed if one is rule else one) is not None))


def _changed(rule: ScoreRule, parts: list[str]) -> ScoreRule:
    for part in parts:
        if found := _HALF_LIFE.fullmatch(part):
            rule = replace(rule, half_life_days=int(found[1]))
        elif found := _AT_MOST.fullmatch(part):
            rule = replace(rule, at_most=int(found[1]))
        elif found := _POINTS.fullmatch(part):
            rule = replace(rule, points=int(found[1]))
        else:
            raise Invalid(field="试算", reason="请写成：问过价格 20分 半衰7天 封顶30分")
    return rule
