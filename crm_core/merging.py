"""Merging (合并): two records of one person or company become one, nothing that hangs on either is lost, all can be undone.

What hangs on a record is told by the tables themselves (identity.py), so that this file knows no noun above it. The merged
row stays: with its own need, source and time it is one expression of need, and it goes on answering with the surviving one.
Reading order: `merge`, `absorb`, then the programs.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from tortoise.expressions import Q

from crm_core import access, change_sets, identity, overwriting
from crm_core.access import Actor
from crm_core.change_sets import ChangeSet
from crm_core.customers import UNATTENDED, Contact, Customer, require_change
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.identity import TABLES, Hang, Person
from crm_core.leads import Lead, LeadStatus, load_held, require_claimed
from crm_core.match_rules import ASK, KEEP, OverwriteSettings
from crm_core.ports import Core, Program

Row = Lead | Contact | Customer
_MOST = 200
"""Records merged into one, and changes of theirs, that are looked through for a merge to take apart."""
MODELS: dict[str, type[Lead] | type[Contact] | type[Customer]] = {"lead": Lead, "contact": Contact, "customer": Customer}


class AlreadyMerged(Conflict):
    """Somebody merged one of the two meanwhile."""

    code = "merge.already_merged"
    text = "其中一条已经合并过了，请刷新后再试"


class BothConverted(Conflict):
    """Two converted leads are two contacts by now."""

    code = "merge.both_converted"
    text = "「{name}」已转化为客户，请改为合并联系人"


@dataclass(frozen=True, slots=True)
class Need:
    """One expression of need (意向): when, from where, what for."""

    lead_id: int
    at: datetime
    channel: str
    raw_text: str
    source: str
    campaign: str
    need: str
    amount: str


async def merge(core: Core, actor: Actor, kind: str, keep_id: int, drop_id: int, *, by_hand: bool = True) -> ChangeSet:
    """Merge one record into another of its kind (合并): every child goes along, needs are counted and kept.

    Fields follow `[identity.overwrite]`; what it says to ask stays as it is when a person merges (`by_hand`), else it waits
    for an answer. Of several who merge the same at once one wins. Undone by its change set.

    Raises: NotFound; Refused; Invalid for one record twice; AlreadyMerged; BothConverted; LeadNotOwned.
    """
    if kind not in MODELS:
        raise Invalid(field="kind", reason="只能是 lead、contact、customer")
    access.require(actor, f"{kind}s:write")
    async with core.db.transaction():
        keep, drop = await _load_both(core, actor, kind, keep_id, drop_id)
        if isinstance(keep, Lead) and isinstance(drop, Lead):
            converted = next((row.contact_id for row in (keep, drop) if row.contact_id is not None), None)
            if keep.contact_id is not None and drop.contact_id is not None:
                raise BothConverted(name=drop.name)
            if converted is not None:
                open_one = keep if keep.contact_id is None else drop
                return await absorb(core, actor, open_one.id, converted, by_hand=by_hand)
        changes = await _begin(core, actor, keep, f"合并{drop.name} #{drop.id} 到{keep.name} #{keep.id}")
        await core.db.run(_merge(core, changes.id, kind, keep, drop, by_hand=by_hand))
        await access.record(core, actor, f"{kind}.merge", keep, after={"merged_id": drop.id, "set_id": changes.id})
    return changes


async def absorb(
    core: Core, actor: Actor, lead_id: int, contact_id: int, *, by_hand: bool = True, changes: ChangeSet | None = None
) -> ChangeSet:
    """Attach a lead to the contact who is the same person: its children, accounts and number become the contact's.

    Raises: NotFound; Refused; LeadNotOwned; AlreadyMerged for a lead that was converted meanwhile.
    """
    for scope in ("leads:write", "contacts:write"):
        access.require(actor, scope)
    async with core.db.transaction():
        for name in (f"merge:lead:{lead_id}", f"merge:contact:{contact_id}"):
            await core.db.serialize(name)
        lead, contact = await load_held(core, actor, lead_id), await access.load(Contact, actor, contact_id)
        require_claimed(actor, lead)
        await require_change(actor, contact)
        if lead.contact_id is not None:
            raise AlreadyMerged
        changes = changes or await _begin(core, actor, contact, f"线索{lead.name}并入{contact.name}")
        await core.db.run(_absorb(core, changes.id, lead, contact, by_hand=by_hand))
        await access.record(core, actor, "lead.absorb", lead, after={"contact_id": contact.id, "set_id": changes.id})
    return changes


async def merges_of(noun: str, number: int) -> list[ChangeSet]:
    """List the merges by which others became part of a record, or it of another, that stand; newest first.

    Merges that only took it along, as a contact of a merged company, are not its own.
    """
    sets = await _sets_of(noun, number)
    return await ChangeSet.filter(id__in=sorted(sets), kind="merge", undone_at=None).order_by("-id")


async def _sets_of(noun: str, number: int) -> set[int]:
    found: set[int] = set()
    parts = [(noun, "merged_into_id"), *([("lead", "contact_id")] if noun == "contact" else [])]
    for part, column in parts:
        into: Any = {column: number}
        numbers: list[Any] = list(await MODELS[part].filter(**into).order_by("-id").limit(_MOST).values_list("id", flat=True))
        numbers += [number] if part == noun else []
        rows = change_sets.ChangedRow.filter(table_name=TABLES[part], row_id__in=numbers)
        for row in await rows.order_by("-set_id").limit(_MOST):
            was, became = (msgspec.json.decode(text) if text else {} for text in (row.before, row.after))
            goes = became.get(column)
            if was.get(column) is None and goes is not None and (goes == number or row.row_id == number):
                found.add(int(row.set_id))
    return found


async def needs_of(lead: Lead) -> list[Need]:
    """List each expression of need of a lead's person, oldest first; as many as its intent count says, if it counts them."""
    people = await Person.filter(Q(id=lead.person_id) | Q(merged_into_id=lead.person_id)).values_list("id", flat=True)
    rows = await Lead.filter(Q(person_id__in=list(people)) | Q(merged_into_id=lead.id)).order_by("created_at", "id")
    first = await overwriting.first_said("lead", [row.id for row in rows])

    def said(row: Lead, name: str) -> str:
        # A newer need stands in the surviving row; what it said itself is in its history.
        return first.get((row.id, name), str(getattr(row, name)))

    return [
        Need(row.id, row.created_at, row.channel, row.raw_text, *(said(row, name) for name in overwriting.OF_A_NEED))
        for row in rows
    ]


async def _load_both(core: Core, actor: Actor, kind: str, keep_id: int, drop_id: int) -> tuple[Row, Row]:
    if keep_id == drop_id:
        raise Invalid(field="drop_id", reason="不能和自己合并")
    for number in sorted((keep_id, drop_id)):
        await core.db.serialize(f"merge:{kind}:{number}")
    for number in sorted((keep_id, drop_id)) if kind == "lead" else ():
        await load_held(core, actor, number)
    keep, drop = await access.load(MODELS[kind], actor, keep_id), await access.load(MODELS[kind], actor, drop_id)
    if (keep.id, drop.id) != (keep_id, drop_id):  # one of the numbers answers with another record by now
        raise AlreadyMerged
    for row in (keep, drop):
        if isinstance(row, Lead):
            require_claimed(actor, row)
        elif not actor.sees_all and row.owner_id not in (actor.team or {actor.employee_id}):
            raise NotFound  # what is shared is not theirs to merge
    return keep, drop


async def _begin(core: Core, actor: Actor, keep: Row, summary: str) -> ChangeSet:
    changes = await change_sets.begin(core, actor, "merge", summary)
    if actor.system and keep.owner_id is not None:
        # What the house merged by itself is for the record's owner to undo.
        await changes.change(core, employee_id=keep.owner_id)
    return changes


def _merge(core: Core, set_id: int, noun: str, keep: Row, drop: Row, *, by_hand: bool) -> Program[None]:
    table, person = TABLES[noun], getattr(keep, "person_id", None)
    before, said = overwriting.values_of(noun, keep), overwriting.values_of(noun, drop)
    decision = overwriting.decide(_rules(core, by_hand=by_hand), noun, before, said, newer=drop.created_at >= keep.created_at)
    also = _summed(keep, drop) if isinstance(keep, Lead) and isinstance(drop, Lead) else {}
    also |= {"last_follow_up_at": max(times)} if (times := _times(keep, drop)) else {}
    yield from overwriting.write(core, set_id, noun, keep.id, person, decision, before, said, also)
    gone: dict[str, object] = {"merged_into_id": keep.id}
    if isinstance(drop, Lead):
        gone["status"] = LeadStatus.MERGED.value
    if isinstance(drop, Customer):
        gone |= UNATTENDED
    yield from change_sets.change_row(core, set_id, table, drop.id, gone, person_id=getattr(drop, "person_id", None))
    yield from _repoint(core, set_id, table, drop.id, keep.id)
    for hang in identity.hanging(noun):
        yield from _move(core, set_id, hang, (noun, drop.id), (noun, keep.id), person)
    if isinstance(keep, Customer):
        yield from _follow_owner(core, set_id, keep)
    if not isinstance(keep, Customer) and not isinstance(drop, Customer):
        yield from _merge_people(core, set_id, keep.person_id, drop.person_id)


def _absorb(core: Core, set_id: int, lead: Lead, contact: Contact, *, by_hand: bool) -> Program[None]:
    before, said = overwriting.values_of("contact", contact), overwriting.values_of("lead", lead)
    newer = lead.created_at >= contact.created_at
    decision = overwriting.decide(_rules(core, by_hand=by_hand), "contact", before, said, newer=newer)
    also = {"last_follow_up_at": max(times)} if (times := _times(contact, lead)) else {}
    yield from overwriting.write(core, set_id, "contact", contact.id, contact.person_id, decision, before, said, also)
    if times and contact.customer_id is not None:
        yield from _touch_customer(core, set_id, contact.customer_id, max(times))
    done = {"status": LeadStatus.CONVERTED.value, "customer_id": contact.customer_id, "contact_id": contact.id}
    yield from change_sets.change_row(core, set_id, "leads", lead.id, done, person_id=lead.person_id)
    yield from move_subject(core, set_id, lead.id, contact.id, contact.person_id)
    yield from _merge_people(core, set_id, contact.person_id, lead.person_id)


def move_subject(core: Core, set_id: int, lead_id: int, contact_id: int, person_id: int) -> Program[None]:
    """Make what is about a lead be about its contact: one unbroken timeline."""
    for hang in identity.hanging("lead"):
        if hang.kind_column:
            yield from _move(core, set_id, hang, ("lead", lead_id), ("contact", contact_id), person_id)


def _rules(core: Core, *, by_hand: bool) -> OverwriteSettings:
    rules = core.settings.identity.overwrite
    if not by_hand:
        return rules
    # Whoever merges by hand has seen both: what stands stays, what was said is kept in the history.
    words = {name: getattr(rules, name) for name in rules.__slots__}
    return OverwriteSettings(**{name: KEEP if word == ASK else word for name, word in words.items()})


def _summed(keep: Lead, drop: Lead) -> dict[str, Any]:
    also: dict[str, Any] = {"intent_count": keep.intent_count + drop.intent_count}
    also["claim_count"] = keep.claim_count + drop.claim_count
    if keep.owner_id is None and drop.owner_id is not None:
        also |= {"owner_id": drop.owner_id, "claimed_at": drop.claimed_at}
    if keep.department_id is None and drop.department_id is not None:
        also["department_id"] = drop.department_id
    if drop.status == LeadStatus.FOLLOWING and keep.status == LeadStatus.NEW:
        also["status"] = LeadStatus.FOLLOWING.value
    if drop.qualification != keep.qualification and drop.qualification == "potential":
        also["qualification"] = drop.qualification
    return also


def _times(*rows: Row) -> list[datetime]:
    return [row.last_follow_up_at for row in rows if row.last_follow_up_at is not None]


def _merge_people(core: Core, set_id: int, keep: int, drop: int) -> Program[None]:
    if keep == drop:
        return
    yield from change_sets.change_row(core, set_id, "people", drop, {"merged_into_id": keep}, person_id=drop)
    yield from _repoint(core, set_id, "people", drop, keep)
    for hang in identity.hanging("person"):
        yield from _move(core, set_id, hang, ("person", drop), ("person", keep), keep)


def _repoint(core: Core, set_id: int, table: str, old: int, new: int) -> Program[None]:
    """Let what was merged into the merged one answer with the surviving one too: one step, however long the story."""
    rows = yield f'SELECT id FROM "{table}" WHERE merged_into_id = ? ORDER BY id', (old,)  # noqa: S608 - our own names
    for (number,) in rows:
        yield from change_sets.change_row(core, set_id, table, number, {"merged_into_id": new})


def _move(
    core: Core, set_id: int, hang: Hang, old: tuple[str, int], new: tuple[str, int], person_id: int | None
) -> Program[None]:
    """Hang the rows of one table from one record to another; where that one has such a row already, it stays behind.

    Stays: nothing is taken away, and whoever asks for a person finds the rows of those merged into it too.
    """
    where, values = f'"{hang.column}" = ?', [old[1]]
    if hang.kind_column:
        where, values = f'{where} AND "{hang.kind_column}" = ?', [old[1], old[0]]  # type: ignore[list-item]
    rows = yield f'SELECT id FROM "{hang.table}" WHERE {where} ORDER BY id', values  # noqa: S608 - our own names
    for (number,) in rows:
        met = yield from _meeting(hang, number, new[1], kind=new[0])
        if met is not None:
            yield from _strengthen(core, set_id, hang, number, met, person_id)
            continue
        to: int | None = new[1]
        if hang.table == TABLES.get(new[0]) and number == new[1]:  # nobody is their own parent or superior
            to = None
        change: dict[str, object] = {hang.column: to}
        if hang.kind_column and old[0] != new[0]:
            change[hang.kind_column] = new[0]
        yield from change_sets.change_row(core, set_id, hang.table, number, change, person_id=person_id)


def _meeting(hang: Hang, number: int, new: int, *, kind: str) -> Program[int | None]:
    """Find the row the surviving record has where only one may be."""
    for columns in identity.unique_with(hang.table, hang.column):
        others = [name for name in columns if name not in (hang.column, hang.kind_column)]
        same = "".join(f' AND k."{name}" = d."{name}"' for name in others)
        values: list[object] = [new, number]
        if hang.kind_column in columns and hang.kind_column:
            same, values = f'{same} AND k."{hang.kind_column}" = ?', [new, number, kind]
        rows = yield (
            f'SELECT k.id FROM "{hang.table}" d JOIN "{hang.table}" k ON k."{hang.column}" = ? WHERE d.id = ?{same}',  # noqa: S608
            values,
        )
        if rows:
            return int(rows[0][0])
    return None


def _strengthen(core: Core, set_id: int, hang: Hang, weak: int, kept: int, person_id: int | None) -> Program[None]:
    for column in hang.stronger:
        rows = yield f'SELECT "{column}" FROM "{hang.table}" WHERE id = ?', (weak,)  # noqa: S608 - our own names
        if rows and rows[0][0]:
            yield from change_sets.change_row(core, set_id, hang.table, kept, {column: True}, person_id=person_id)


def _follow_owner(core: Core, set_id: int, customer: Customer) -> Program[None]:
    """Give the contacts that came along the owner of their customer."""
    rows = yield "SELECT id, owner_id, person_id FROM contacts WHERE customer_id = ? ORDER BY id", (customer.id,)
    for number, owner_id, person_id in rows:
        if owner_id != customer.owner_id:
            change = {"owner_id": customer.owner_id}
            yield from change_sets.change_row(core, set_id, "contacts", number, change, person_id=person_id)


def _touch_customer(core: Core, set_id: int, customer_id: int, at: datetime) -> Program[None]:
    rows = yield "SELECT last_follow_up_at FROM customers WHERE id = ? AND last_follow_up_at >= ?", (customer_id, at)
    if not rows:
        yield from change_sets.change_row(core, set_id, "customers", customer_id, {"last_follow_up_at": at})


def older_first(one: Row, other: Row, *, stale: bool = False) -> tuple[Row, Row]:
    """Tell which of two stays and which goes: the older stays, unless it is stale."""
    older, newer = sorted((one, other), key=lambda row: (row.created_at, row.id))
    return (newer, older) if stale else (older, newer)
