"""Finding whom a sentence is about among the leads, contacts and customers the speaker may see."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from tortoise.expressions import Q

from crm_core import access, matching
from crm_core.access import Actor
from crm_core.activities import Subject, load_subject, subject_of
from crm_core.customers import Contact, Customer
from crm_core.employees import Employee
from crm_core.errors import Conflict
from crm_core.leads import Lead
from crm_core.pools import LeadAlreadyClaimed
from handlers.replies import ago

MODELS: Mapping[str, Any] = {"lead": Lead, "customer": Customer, "contact": Contact}
KNOWN_LIMIT = 2000
MENTION_CHARACTERS = 120
LONGEST_NAME = 14
MOST_PIECES = 1500
_OPEN = ("new", "following")


class IsColleague(Conflict):
    """The name of somebody of the house, whom nobody sells to."""

    code = "chat.is_colleague"
    text = "「{name}」是同事，不是客户"


async def known_names(actor: Actor, text: str) -> list[str]:
    """List the names the understanding should know: the speaker's own, the most recent ones, and visible ones in the text."""
    mine = Q(owner_id=actor.employee_id) if actor.employee_id else Q()
    pieces = _pieces(text)
    names: dict[str, None] = {}
    for model, columns in ((Contact, ("name",)), (Lead, ("name", "company")), (Customer, ("name",))):
        visible = access.visible(model, actor)
        rows = list(await visible.filter(mine).order_by("-updated_at").limit(KNOWN_LIMIT).values_list(*columns))
        for column in columns:
            rows += await visible.filter(**{f"{column}__in": pieces}).limit(50).values_list(*columns) if pieces else []
        names.update((name, None) for row in rows for name in row if name)
    return list(names)


def _pieces(text: str) -> list[str]:
    """Cut a text into everything that may be a name, so that an index finds it; a scan over all names would not scale."""
    runs = re.findall(r"[\w·]+", text[:MENTION_CHARACTERS])
    found = {
        run[start : start + size] for run in runs for size in range(2, LONGEST_NAME + 1) for start in range(len(run) - size + 1)
    }
    return sorted(found)[:MOST_PIECES]


async def find(actor: Actor, *, person: str, company: str, kinds: Sequence[str]) -> list[Subject]:
    """Find visible subjects by exact name, else by part of it; own ones before the pool's."""
    for exact in (True, False):
        found: list[Subject] = []
        if "contact" in kinds and person:
            query = access.visible(Contact, actor).filter(_named("name", person, exact))
            found += await _at_customers(await query.order_by("-updated_at").limit(9))
        if "lead" in kinds:
            found += [subject_of(row) for row in await _leads(actor, person, company, exact)]
        if "customer" in kinds and (company or (person and not found)):
            query_customers = access.visible(Customer, actor).filter(_named("name", company or person, exact))
            found += [subject_of(row) for row in await query_customers.order_by("-updated_at").limit(9)]
        if found:
            return _own_first(actor, found)
    return []


async def _at_customers(rows: list[Contact]) -> list[Subject]:
    """Make subjects of contacts, with the customer they work at, so that namesakes are told apart."""
    numbers = [row.customer_id for row in rows if row.customer_id is not None]
    names = dict(await Customer.filter(id__in=numbers).values_list("id", "name")) if numbers else {}
    return [replace(subject_of(row), company=str(names.get(row.customer_id, ""))) for row in rows]


async def find_named(actor: Actor, name: str, kinds: Sequence[str] = ("customer", "contact", "lead")) -> list[Subject]:
    """Find visible subjects of which only a name is said, a person's or a company's; whole names before parts."""
    found = await find(actor, person=name, company="", kinds=kinds) if name else []
    found += [each for each in (await find(actor, person="", company=name, kinds=kinds) if name else []) if each not in found]
    exact = [each for each in found if name in (each.name, each.company)]
    customers = [each for each in exact if each.kind == "customer"]
    return customers if len(customers) == 1 else exact or found


async def _leads(actor: Actor, person: str, company: str, exact: bool) -> list[Lead]:
    named = Q()
    if person:
        named &= _named("name", person, exact)
    if company:
        named &= _named("company", company, exact) | (_named("name", company, exact) if not person else Q(id=-1))
    if not (person or company):
        return []
    return await access.visible(Lead, actor).filter(named, status__in=_OPEN).order_by("-updated_at").limit(9)


async def is_colleague(name: str) -> bool:
    """Tell whether somebody of the house has this full name."""
    return bool(name) and await Employee.filter(name=name, departed_at=None).exists()


async def refuse_colleague(name: str) -> None:
    """Refuse to look for a colleague among the customers. Raises: IsColleague."""
    if await is_colleague(name):
        raise IsColleague(name=name)


async def refuse_known_elsewhere(actor: Actor, name: str) -> None:
    """Refuse to treat a full name as new when it is somebody's whom a colleague looks after.

    No more is told than whose they are, and that only to whoever would enter or claim them, where nobody reads along.
    Of another unit's nothing is told at all (保密). Raises: LeadAlreadyClaimed.
    """
    if not name:
        return
    owned: Q = Q(name=name, owner_id__isnull=False)
    for noun, query in (
        ("lead", Lead.filter(owned, status__in=_OPEN)),
        ("contact", Contact.filter(owned, merged_into_id=None, deleted_at=None)),
        ("customer", Customer.filter(owned, merged_into_id=None, deleted_at=None)),
    ):
        rows: list[Any] = list(await query.order_by("id").limit(9))
        hidden = await matching.confidential(actor, noun, [row.id for row in rows]) if rows else set()
        told = next((row for row in rows if row.id not in hidden), None)
        if told is not None:
            owner = await Employee.get_or_none(id=told.owner_id)
            what = "线索" if noun == "lead" else "客户"
            raise LeadAlreadyClaimed(lead=f"{what}「{name}」", owner=owner.name if owner else "同事")


def _named(column: str, name: str, exact: bool) -> Q:
    return Q(**{column if exact else f"{column}__icontains": name})


def _own_first(actor: Actor, found: list[Subject]) -> list[Subject]:
    own = [each for each in found if each.owner_id == actor.employee_id]
    return own or found


async def from_slot(actor: Actor, value: str) -> Subject:
    """Load the subject chosen by number."""
    kind, _, number = value.partition(":")
    return await load_subject(actor, kind, int(number))


def label(subject: Subject, now: datetime) -> str:
    """Write one choice: 张伟（东风机械厂）; without a company, what kind of record it is and how long it rests."""
    kind = {"lead": "线索", "contact": "联系人", "customer": "客户"}[subject.kind]
    return f"{subject.name}（{subject.company or f'{kind}，{ago(subject.last_follow_up_at, now)}'}）"
