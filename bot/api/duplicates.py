"""Duplicates over the API: the company-wide check, the cleaning queue, merges, the rules, and what a record said before."""

from typing import Any, Literal

import msgspec
from msgspec import Struct

from bot.api.bodies import Empty, Id, Line, Phone, Short
from bot.api.listing import list_rows, show_row
from bot.api.resources import ID, STAMPS, Form, Resource, Shown, counts, texts, times
from bot.api.routes import Call, Routes
from crm_core import access, cleaning, matching, merging, overwriting, pool_claims, rule_book
from crm_core.access import Actor, sees_personal
from crm_core.change_sets import ChangeSet
from crm_core.cleaning import Answer, CaseStatus, CleaningCase
from crm_core.leads import Lead
from crm_core.match_rules import Rule
from crm_core.matching import Duplicate
from crm_core.rule_book import MatchRule
from crm_core.values import mask_phone

CASES = Resource(
    "cleaning-cases",
    CleaningCase,
    (
        *ID,
        *texts("subject_kind"),
        *counts("subject_id"),
        *texts("other_kind"),
        *counts("other_id"),
        *texts("reason"),
        *counts("score"),
        Shown("reasons", Form.JSON),
        *texts("status"),
        *counts("owner_id", "answered_by_id"),
        *times("answered_at"),
        *counts("set_id"),
        *STAMPS,
    ),
)
RULES = Resource(
    "match-rules",
    MatchRule,
    (
        *ID,
        *texts("name", "kind", "all_of"),
        Shown("same_source", Form.TRUTH),
        Shown("same_campaign", Form.TRUTH),
        *counts("within_days"),
        *texts("action"),
        *counts("weight", "author_id"),
        *times("ended_at"),
        *STAMPS,
    ),
    owner="author_id",
)
Kind = Literal["lead", "contact", "customer"]
routes = Routes()


class Question(Struct):
    """What to look for: whole numbers and whole names only."""

    name: Short = ""
    company: Line = ""
    mobile: Phone | None = None
    landline: Phone | None = None
    wechat_id: Short | None = None
    email: Line | None = None
    credit_code: Short | None = None


class Word(Struct):
    """merge, distinct or skip."""

    answer: Answer


class Other(Struct):
    """The record that goes into the one of the address."""

    drop_id: Id


class NewRule(Struct):
    """Every one of `all_of` must agree."""

    all_of: list[Short]
    name: Short = ""
    kind: Literal["person", "company"] = "person"
    action: Literal["same", "doubtful"] = "doubtful"
    weight: int = 60
    same_source: bool = False
    same_campaign: bool = False
    within_days: int = 0


@routes.post("/duplicates", scope="duplicates:read")
async def check_duplicates(call: Call, body: Question) -> Any:
    """Tell who is there already, company-wide; of a foreign record only whose it is and its masked number. Audited."""
    found = await matching.ask(call.core, call.actor, **msgspec.structs.asdict(body))
    return {"items": [_shown(call.actor, one) for one in found]}


def _shown(actor: Actor, one: Duplicate) -> dict[str, Any]:
    told = {
        "kind": one.kind,
        "visible": one.visible,
        "owner": one.owner,
        "phone": mask_phone(one.phone),
        "score": one.score,
        "reasons": list(one.reasons),
        "sentence": one.sentence(),
    }
    if one.visible:
        told |= {"id": one.id, "name": one.name, "company": one.company, "person_id": one.person_id, "owner_id": one.owner_id}
    return told


@routes.lists(
    "/cleaning-cases",
    scope="duplicates:read",
    filters={"status": CaseStatus, "subject_kind": str, "subject_id": int, "other_kind": str, "other_id": int},
    shows=CASES,
)
async def list_cases(call: Call) -> Any:
    """List doubtful pairs."""
    return await list_rows(call, CASES)


@routes.get("/cleaning-cases/{id}", scope="duplicates:read", shows=CASES)
async def show_case(call: Call) -> Any:
    """Show a doubtful pair whose both sides the asker may see."""
    shown = await cleaning.show(call.core, call.actor, call.number)
    return await show_row(call, CASES, shown.case)


@routes.post("/cleaning-cases/{id}/answer", scope="duplicates:write", shows=CASES)
async def answer_case(call: Call, body: Word) -> Any:
    """Answer a doubtful pair by one word."""
    return await show_row(call, CASES, await cleaning.answer(call.core, call.actor, call.number, body.answer))


async def _merge(call: Call, kind: Kind, drop_id: int) -> dict[str, Any]:
    changes: ChangeSet = await merging.merge(call.core, call.actor, kind, call.number, drop_id)
    return {"id": call.number, "merged_id": drop_id, "change_set_id": changes.id}


@routes.post("/leads/{id}/merge", scope="leads:write")
async def merge_lead(call: Call, body: Other) -> Any:
    """Merge another lead into this one."""
    return await _merge(call, "lead", body.drop_id)


@routes.post("/contacts/{id}/merge", scope="contacts:write")
async def merge_contact(call: Call, body: Other) -> Any:
    """Merge another contact into this one."""
    return await _merge(call, "contact", body.drop_id)


@routes.post("/customers/{id}/merge", scope="customers:write")
async def merge_customer(call: Call, body: Other) -> Any:
    """Merge another customer into this one."""
    return await _merge(call, "customer", body.drop_id)


@routes.get("/leads/{id}/needs", scope="leads:read")
async def show_needs(call: Call) -> Any:
    """Show each expression of need of a lead's person."""
    lead = await access.load(Lead, call.actor, call.number)
    await pool_claims.show_leads(call.core, call.actor, [lead])
    rows = await merging.needs_of(lead)
    items = [
        {name: getattr(row, name) for name in ("lead_id", "source", "channel", "campaign", "need", "amount")} for row in rows
    ]
    return {"items": [{**item, "at": row.at.isoformat()} for item, row in zip(items, rows, strict=True)]}


async def _history(call: Call, kind: Kind) -> dict[str, Any]:
    row: Any = await access.load(matching.MODELS[kind], call.actor, call.number)
    if isinstance(row, Lead):
        await pool_claims.show_leads(call.core, call.actor, [row])
    full = sees_personal(call.actor, row.owner_id)
    return {
        "items": [
            {
                "id": change.id,
                "name": change.name,
                "old": overwriting.shown(change.name, change.old, full=full),
                "new": overwriting.shown(change.name, change.new, full=full),
                "status": change.status,
                "at": change.created_at.isoformat(),
            }
            for change in await overwriting.history(call.core, call.actor, kind, call.number)
        ]
    }


@routes.get("/leads/{id}/field-changes", scope="leads:read")
async def lead_history(call: Call) -> Any:
    """Show what the fields of a lead were before."""
    return await _history(call, "lead")


@routes.get("/contacts/{id}/field-changes", scope="contacts:read")
async def contact_history(call: Call) -> Any:
    """Show what the fields of a contact were before."""
    return await _history(call, "contact")


@routes.get("/customers/{id}/field-changes", scope="customers:read")
async def customer_history(call: Call) -> Any:
    """Show what the fields of a customer were before."""
    return await _history(call, "customer")


@routes.lists("/match-rules", scope="duplicates:read", filters={"kind": str, "action": str}, shows=RULES)
async def list_rules(call: Call) -> Any:
    """List the rules made by people, the ended ones too; those of the settings stand in the settings."""
    return await list_rows(call, RULES)


@routes.creates("/match-rules", scope="duplicates:write", shows=RULES)
async def add_rule(call: Call, body: NewRule) -> Any:
    """Make a rule; managers and admin only."""
    values = msgspec.structs.asdict(body)
    name, all_of = values.pop("name"), tuple(values.pop("all_of"))
    return await show_row(call, RULES, await rule_book.add_rule(call.core, call.actor, Rule(all_of, **values), name=name))


@routes.post("/match-rules/{id}/end", scope="duplicates:write", shows=RULES)
async def end_rule(call: Call, body: Empty) -> Any:
    """Let a rule hold no more; managers and admin only."""
    return await show_row(call, RULES, await rule_book.end_rule(call.core, call.actor, call.number))
