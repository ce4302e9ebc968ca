"""Scores over the API: a record's points line by line, the best leads, the rules, and rules tried before they count."""

from dataclasses import fields, replace
from typing import Annotated, Any

from msgspec import Meta, Struct, structs

from bot.api.bodies import Short
from bot.api.leads import LEADS
from bot.api.listing import show_row
from bot.api.routes import Call, Routes
from crm_core import access, pool_claims, score_runs, score_trials, scoring
from crm_core.activities import load_subject
from crm_core.customers import Contact
from crm_core.leads import Lead
from crm_core.score_rules import Line, ScoreRule
from crm_core.scoring import date_of

Count = Annotated[int, Meta(ge=0, le=3650)]
routes = Routes()


class Rule(Struct):
    """One rule, as in `[[scoring.rules]]`."""

    name: Annotated[str, Meta(min_length=1, max_length=32)]
    side: Short
    kind: Short
    points: Annotated[int, Meta(ge=1, le=100)]
    field: Short = ""
    words: Annotated[list[Short], Meta(max_length=50)] = []
    at_least: Annotated[int, Meta(ge=0, le=10**12)] = 0
    event: Short = ""
    half_life_days: Count = 0
    within_days: Count = 0
    at_most: Annotated[int, Meta(ge=0, le=100)] = 0
    deducts: bool = False


class Candidate(Struct):
    """What to try: rules instead of all in force, other bounds of the grades. What is absent stays as it is."""

    rules: Annotated[list[Rule], Meta(max_length=200)] | None = None
    a_from: Count | None = None
    b_from: Count | None = None
    c_from: Count | None = None


class Grade(Struct):
    """A, B, C, D; empty: as the rules say."""

    grade: Annotated[str, Meta(max_length=1)]


@routes.get("/leads/{id}/score", scope="leads:read")
async def explain_lead(call: Call) -> Any:
    """Show the points of a lead, line by line; of a converted one those of its contact."""
    await pool_claims.show_leads(call.core, call.actor, [await access.load(Lead, call.actor, call.number)])
    return await _explained(call, "lead")


@routes.get("/contacts/{id}/score", scope="contacts:read")
async def explain_contact(call: Call) -> Any:
    """Show the points of a contact, line by line."""
    return await _explained(call, "contact")


@routes.post("/leads/{id}/grade", scope="leads:write")
async def grade_lead(call: Call, body: Grade) -> Any:
    """Set the grade of a lead by hand, or give it back to the rules; can be taken back by its change set."""
    return await _graded(call, "lead", body.grade)


@routes.post("/contacts/{id}/grade", scope="contacts:write")
async def grade_contact(call: Call, body: Grade) -> Any:
    """Set the grade of a contact by hand, or give it back to the rules; can be taken back by its change set."""
    return await _graded(call, "contact", body.grade)


@routes.lists("/leads/by-score", scope="leads:read")
async def list_top(call: Call) -> Any:
    """List the open leads with most points, the best first; the limit says how many."""
    found = await scoring.top(call.actor, limit=call.limit)
    await pool_claims.show_leads(call.core, call.actor, found)
    return {"items": [await show_row(call, LEADS, lead) for lead in found], "next": None}


@routes.get("/scoring", scope="leads:read")
async def show_scoring(call: Call) -> Any:
    """Show the rules in force, the bounds of the grades, and how far everybody is scored under them."""
    settings = call.core.settings.scoring
    return {
        "rules": [_rule(rule) for rule in settings.in_force],
        "a_from": settings.a_from,
        "b_from": settings.b_from,
        "c_from": settings.c_from,
        "progress": [
            {
                "kind": each.noun,
                "percent": each.percent,
                "done_count": each.done_count,
                "started_at": each.started_at.isoformat() if each.started_at else None,
                "ended_at": each.ended_at.isoformat() if each.ended_at else None,
            }
            for each in await score_runs.progress(call.core)
        ],
    }


@routes.post("/scoring/what-if", scope="leads:write")
async def try_rules(call: Call, body: Candidate) -> Any:
    """Count who would get another grade under other rules; nothing is written. For managers."""
    settings = call.core.settings.scoring
    bounds = {name: value for name in ("a_from", "b_from", "c_from") if (value := getattr(body, name)) is not None}
    candidate = replace(settings, candidate=(), **bounds)
    if body.rules is not None:
        rules = tuple(ScoreRule(**{**structs.asdict(rule), "words": tuple(rule.words)}) for rule in body.rules)
        candidate = replace(candidate, rules=rules)
    trial = await score_trials.what_if(call.core, call.actor, candidate)
    return {
        "counted": trial.counted,
        "changed": trial.changed,
        "held_count": trial.held_count,
        "moves": [{"from": was, "to": becomes, "count": count} for was, becomes, count in score_trials.table(trial)],
        "samples": [
            {name: getattr(each, name) for name in ("lead_id", "name", "score", "grade", "new_score", "new_grade")}
            for each in trial.samples
        ],
    }


async def _explained(call: Call, kind: str) -> dict[str, Any]:
    told = await scoring.explain(call.core, call.actor, await load_subject(call.actor, kind, call.number))
    return {
        "kind": told.kind,
        "id": told.id,
        "score": told.score,
        "grade": told.grade,
        "score_grade": told.score_grade,
        "hand_grade": told.hand_grade,
        "lines": [_line(line) for line in told.lines],
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "rule": line.rule.name,
        "side": line.rule.side,
        "points": line.points,
        "days": [date_of(day).isoformat() for day in line.days],
        "half_life_days": line.rule.half_life_days,
        "less_on": date_of(line.less_on).isoformat() if line.less_on is not None else None,
    }


def _rule(rule: ScoreRule) -> dict[str, Any]:
    shown = {each.name: getattr(rule, each.name) for each in fields(rule)}
    return {**shown, "words": list(rule.words)}


async def _graded(call: Call, kind: str, grade: str) -> dict[str, Any]:
    changes = await scoring.set_grade(call.core, call.actor, kind, call.number, grade)
    model: type[Lead] | type[Contact] = Lead if kind == "lead" else Contact
    row = await model.get(id=call.number)
    return {"id": row.id, "grade": row.grade, "hand_grade": row.hand_grade, "change_set_id": changes.id}
