"""Cleaning (清洗): each new lead is examined once; what is surely the same is merged, what is doubtful waits for a word.

Reading order: `examine`, then what people do with the queue: `next_case`, `show`, `answer`.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

import msgspec
from tortoise import fields
from tortoise.expressions import Q
from tortoise.queryset import QuerySet

from crm_core import access, change_sets, employees, matching, merging, overwriting
from crm_core.access import Actor, Role
from crm_core.candidates import Record
from crm_core.change_sets import ChangeSet
from crm_core.db import Entity, UtcDatetimeField
from crm_core.errors import Conflict, NotFound, Refused
from crm_core.leads import Lead, LeadStatus
from crm_core.match_rules import SAME, Verdict
from crm_core.messages import Body, Guarantee
from crm_core.ports import Core, Program

SYSTEM = Actor.of_system("identity")
MOST_CASES = 3
"""Doubtful pairs one new lead makes at most: the surest."""
LOOKED_THROUGH = 200
"""Open cases looked through for one whose both sides the asker sees."""
MATCH, FIELDS = "match", overwriting.FIELDS_CASE
_ENDED = frozenset({LeadStatus.DISCARDED.value, LeadStatus.CONVERTED.value, LeadStatus.MERGED.value})


class CaseStatus(StrEnum):
    """What became of a doubtful pair."""

    OPEN = "open"
    SKIPPED = "skipped"
    MERGED = "merged"
    DISTINCT = "distinct"
    GONE = "gone"
    """One of the two was deleted."""


CASE_STATUS_LABELS = {
    CaseStatus.OPEN: "待清洗",
    CaseStatus.SKIPPED: "已跳过",
    CaseStatus.MERGED: "已合并",
    CaseStatus.DISTINCT: "不是同一个",
    CaseStatus.GONE: "记录已删除",
}


_WAITING = (CaseStatus.OPEN, CaseStatus.SKIPPED)


class Answer(StrEnum):
    """The one word a case is answered with."""

    MERGE = "merge"
    DISTINCT = "distinct"
    SKIP = "skip"


ANSWER_LABELS = {Answer.MERGE: "合并", Answer.DISTINCT: "不是", Answer.SKIP: "跳过"}


class CaseAnswered(Conflict):
    """Somebody answered it meanwhile."""

    code = "cleaning.answered"
    text = "这一条已经处理过了，回复「清洗」看下一条"


class CleaningCase(Entity):
    """A pair that may be the same (`reason` match), or fields two sources say differently (fields).

    `subject` is the newer record, `other` the older; `reasons` are Chinese, as a JSON list.
    """

    subject_kind = fields.CharField(max_length=16)
    subject_id = fields.BigIntField()
    other_kind = fields.CharField(max_length=16)
    other_id = fields.BigIntField()
    person_id = fields.BigIntField(null=True, db_index=True)
    reason = fields.CharField(max_length=16)
    score = fields.IntField(default=0)
    reasons = fields.TextField(default="")
    status = fields.CharField(max_length=16, default=CaseStatus.OPEN.value)
    owner_id = fields.BigIntField(null=True, db_index=True)
    """Who is asked first; None: a manager."""
    answered_by_id = fields.BigIntField(null=True)
    answered_at = UtcDatetimeField(null=True)
    set_id = fields.BigIntField(null=True)
    """What the answer changed."""

    # A case is about these two rows and no other.
    hangs_on = ()

    @classmethod
    def visible_to(cls, actor: Actor) -> Q:
        """Select what is asked of the actor or their team; of pairs nobody owns, managers are asked."""
        team: Any = list(actor.team or {actor.employee_id})
        nobody: Any = True
        mine = Q(owner_id__in=team)
        return mine | Q(owner_id__isnull=nobody) if actor.role is Role.MANAGER else mine

    class Meta:
        """Asked once a pair."""

        table = "cleaning_cases"
        unique_together = (("subject_kind", "subject_id", "other_kind", "other_id", "reason"),)
        indexes = (("status", "score"), ("other_kind", "other_id"))


@dataclass(frozen=True, slots=True)
class Examined:
    """What came of a new lead: the record it became part of, or how many doubtful pairs it made."""

    merged_into: tuple[str, int] | None = None
    set_id: int | None = None
    cases: int = 0


@dataclass(frozen=True, slots=True)
class Shown:
    """A case with both records, as far as whoever asked may see them, and the fields it is about."""

    case: CleaningCase
    subject: Record
    other: Record
    reasons: tuple[str, ...]
    pending: tuple[tuple[str, str, str], ...] = ()
    """(field, what stands, what was said)."""


async def examine(core: Core, lead_id: int) -> Examined:
    """Compare a new lead with all that is there, once: merge by rule, put into the cleaning queue, or nothing.

    Merged by itself is only what a rule calls the same, no id contradicts, and one employee or nobody else owns.
    """
    record = await core.db.read(matching.facts_of("lead", lead_id))
    if record is None or record.id != lead_id or record.status in _ENDED:
        return Examined()
    found = await core.db.read(matching.judged_candidates(core, record.facts, exclude=("lead", record.id)))
    people = [(other, verdict) for other, verdict in found if other.noun != "customer"]
    settings = core.settings.identity
    sure = [other for other, verdict in people if verdict.action == SAME and _may_merge_alone(record, other)]
    async with core.db.transaction():
        if settings.merge_alone and sure:
            return await _merge_alone(core, record, sure[0])
        doubtful = [pair for pair in people if pair[1].action == SAME or pair[1].score >= settings.doubtful_from]
        made = 0
        for other, verdict in doubtful[:MOST_CASES]:
            made += await core.db.run(_add_case(core, record, other, verdict))
    return Examined(cases=made)


async def examine_company(core: Core, customer_id: int) -> int:
    """Put a new customer that looks like one of before into the queue (客户名称排重); tells how many pairs."""
    record = await core.db.read(matching.facts_of("customer", customer_id))
    if record is None or record.id != customer_id:
        return 0
    found = await core.db.read(matching.judged_candidates(core, record.facts, exclude=("customer", customer_id), persons=False))
    made = 0
    async with core.db.transaction():
        for other, verdict in found[:MOST_CASES]:
            if verdict.action == SAME or verdict.score >= core.settings.identity.doubtful_from:
                made += await core.db.run(_add_case(core, record, other, verdict))
    return made


def _may_merge_alone(lead: Record, other: Record) -> bool:
    return (
        lead.owner_id is None or other.owner_id in (None, lead.owner_id)
        if other.noun == "lead"
        else (lead.owner_id in (None, other.owner_id))
    )


async def _merge_alone(core: Core, lead: Record, other: Record) -> Examined:
    if other.noun == "contact":
        changes = await merging.absorb(core, SYSTEM, lead.id, other.id, by_hand=False)
        into = ("contact", other.id)
    else:
        stale = other.status in _ENDED or core.clock.now() - other.touched_at > timedelta(
            days=core.settings.identity.stale_days
        )
        older, newer = sorted((lead, other), key=lambda record: (record.created_at, record.id))
        keep, drop = (newer, older) if stale and older is other else (older, newer)
        changes = await merging.merge(core, SYSTEM, "lead", keep.id, drop.id, by_hand=False)
        into = ("lead", keep.id)
    await _ask_pending(core, into, changes.id)
    await _tell_owner(core, lead, other, changes)
    return Examined(into, changes.id)


async def _ask_pending(core: Core, into: tuple[str, int], set_id: int) -> None:
    """Put the fields that wait for an answer into the queue."""
    rows = await matching.MODELS[into[0]].filter(id=into[1]).values_list("person_id", "owner_id")
    await core.db.run(overwriting.ask(core, set_id, *into, *rows[0]))


async def _tell_owner(core: Core, lead: Record, other: Record, changes: ChangeSet) -> None:
    """Tell whoever has the customer that they asked again, and whoever recorded them again what became of it."""
    known = other.owner_id is None or other.owner_id == lead.owner_id
    if known and lead.owner_id is not None and await Lead.exists(id=lead.id, collected_by_id=lead.owner_id):
        await _tell_recorder(core, lead, other, changes)
    address = None if known or other.owner_id is None else await employees.staff_address(core, other.owner_id)
    if address:
        origin = f"（来源：{lead.facts.source}）" if lead.facts.source else ""
        words = f"【再次咨询】{other.name}{origin}又来了，已合并到原记录。不是同一个人请回复：拆开 {other.name}"
        await core.outbox.put(address, Body(text=words), key=f"identity.merged:{changes.id}", guarantee=Guarantee.AT_LEAST_ONCE)


async def _tell_recorder(core: Core, lead: Record, other: Record, changes: ChangeSet) -> None:
    address = await employees.staff_address(core, lead.owner_id or 0)
    if address:
        before = f"{matching.NOUN_LABELS[other.noun]} #{other.id} {other.name}"
        words = f"【已合并】刚录入的{lead.name} #{lead.id} 和原有的{before}是同一位，已合成一条。不是请回复：拆开 {other.name}"
        await core.outbox.put(address, Body(text=words), key=f"identity.merged:{changes.id}", guarantee=Guarantee.AT_LEAST_ONCE)


def _add_case(core: Core, lead: Record, other: Record, verdict: Verdict) -> Program[int]:
    # Asked once a pair, whichever of the two was new.
    pair = (lead.noun, lead.id, other.noun, other.id)
    known = yield (
        "SELECT 1 FROM cleaning_cases WHERE subject_kind = ? AND subject_id = ? AND other_kind = ? AND other_id = ?",
        (*pair[2:], *pair[:2]),
    )
    if known:
        return 0
    now = core.clock.now()
    owner_id = other.owner_id if other.owner_id is not None else lead.owner_id
    if lead.owner_id is not None and other.owner_id not in (None, lead.owner_id):
        owner_id = None  # neither of the two is judge in their own case
    made = yield (
        "INSERT INTO cleaning_cases (subject_kind, subject_id, other_kind, other_id, person_id, reason, score, reasons,"
        " status, owner_id, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (subject_kind, subject_id, other_kind, other_id, reason) DO NOTHING",
        (
            *pair,
            lead.person_id,
            MATCH,
            verdict.score,
            msgspec.json.encode(verdict.reasons).decode(),
            CaseStatus.OPEN.value,
            owner_id,
            now,
            now,
        ),
    )
    return int(made)


def waiting(actor: Actor) -> "QuerySet[CleaningCase]":
    """Select the cases the actor may be asked, not answered yet."""
    return access.visible(CleaningCase, actor).filter(status__in=list(_WAITING))


async def next_case(core: Core, actor: Actor) -> Shown | None:
    """Give the surest case whose both records the actor may see; skipped ones come last."""
    access.require(actor, "duplicates:read")
    for status in (CaseStatus.OPEN, CaseStatus.SKIPPED):
        # By id for the first hundreds: the queue is worked off, not searched.
        cases = access.visible(CleaningCase, actor).filter(status=status.value).order_by("-score", "id").limit(LOOKED_THROUGH)
        for case in await cases:
            shown = await _shown(core, actor, case)
            if shown is not None:
                return shown
    return None


async def show(core: Core, actor: Actor, case_id: int) -> Shown:
    """Give a case with both its records. Raises: NotFound where one of them is not the actor's to see."""
    access.require(actor, "duplicates:read")
    shown = await _shown(core, actor, await access.load(CleaningCase, actor, case_id))
    if shown is None:
        raise NotFound
    return shown


async def answer(core: Core, actor: Actor, case_id: int, word: Answer) -> CleaningCase:
    """Answer a case by one word: 合并 merges (or takes what was said), 不是 keeps them apart for good, 跳过 leaves it.

    Raises: NotFound; Refused; CaseAnswered; what a merge raises.
    """
    access.require(actor, "duplicates:write")
    async with core.db.transaction():
        shown = await show(core, actor, case_id)
        case = shown.case
        # The condition is in the update itself, which holds the case to the end: of two answers one counts.
        if case.status not in _WAITING or not await CleaningCase.filter(id=case.id, status=case.status).update(
            status=case.status
        ):
            raise CaseAnswered
        if word is Answer.SKIP:
            await case.change(core, status=CaseStatus.SKIPPED.value)
            return case
        changes = await _carry_out(core, actor, shown, word)
        await core.db.run(_close(core, actor, case, word, changes))
        await access.record(core, actor, f"cleaning.{word.value}", case, after={"score": case.score})
    return await CleaningCase.get(id=case_id)


async def _carry_out(core: Core, actor: Actor, shown: Shown, word: Answer) -> ChangeSet | None:
    case, subject, other = shown.case, shown.subject, shown.other
    if case.reason == FIELDS:
        access.require(actor, f"{case.subject_kind}s:write")
        changes = await change_sets.begin(core, actor, "overwrite", f"确认{subject.name}的资料")
        take = word is Answer.MERGE
        await core.db.run(overwriting.settle(core, changes.id, case.subject_kind, case.subject_id, take=take))
        return changes
    if word is not Answer.MERGE:
        return None
    if subject.noun == other.noun:
        keep, drop = _kept_first(core, subject, other)
        return await merging.merge(core, actor, subject.noun, keep.id, drop.id)
    leads = {subject.noun: subject, other.noun: other}
    if leads.keys() != {"lead", "contact"}:
        raise Refused
    return await merging.absorb(core, actor, leads["lead"].id, leads["contact"].id)


def _kept_first(core: Core, one: Record, two: Record) -> tuple[Record, Record]:
    older, newer = sorted((one, two), key=lambda record: (record.created_at, record.id))
    stale = core.clock.now() - older.touched_at > timedelta(days=core.settings.identity.stale_days)
    gives_way = older.noun == "lead" and (stale or older.status == LeadStatus.DISCARDED)
    return (newer, older) if gives_way else (older, newer)


def _close(core: Core, actor: Actor, case: CleaningCase, word: Answer, changes: ChangeSet | None) -> Program[None]:
    now = core.clock.now()
    status = (CaseStatus.MERGED if word is Answer.MERGE else CaseStatus.DISTINCT).value
    values = {"status": status, "answered_by_id": actor.employee_id, "answered_at": now}
    if changes is not None:
        # In the same set: who takes the merge back opens the question again.
        values = {**values, "set_id": changes.id}
        yield from change_sets.change_row(core, changes.id, "cleaning_cases", case.id, values, person_id=case.person_id)
        return
    sets = ", ".join(f"{name} = ?" for name in values)
    yield f"UPDATE cleaning_cases SET {sets}, updated_at = ? WHERE id = ?", (*values.values(), now, case.id)  # noqa: S608


async def _shown(core: Core, actor: Actor, case: CleaningCase) -> Shown | None:
    try:
        for kind, number in ((case.subject_kind, case.subject_id), (case.other_kind, case.other_id)):
            await access.load(matching.MODELS[kind], actor, number)
    except NotFound:
        return None
    subject = await core.db.read(matching.facts_of(case.subject_kind, case.subject_id))
    other = await core.db.read(matching.facts_of(case.other_kind, case.other_id))
    pending: tuple[tuple[str, str, str], ...] = ()
    if case.reason == FIELDS:
        query = overwriting.FieldChange.filter(subject_kind=case.subject_kind, subject_id=case.subject_id)
        rows = await query.filter(status=overwriting.PENDING).order_by("id")
        pending = tuple((row.name, row.old, row.new) for row in rows)
        other = other or subject
    if subject is None or other is None:
        return None
    same = case.reason == MATCH and (subject.noun, subject.id) == (other.noun, other.id)  # merged meanwhile
    is_waiting = case.status in _WAITING
    if same or (is_waiting and case.reason == FIELDS and not pending):
        if is_waiting:
            status = (CaseStatus.MERGED if same else CaseStatus.DISTINCT).value
            await CleaningCase.filter(id=case.id, status=case.status).update(status=status, updated_at=core.clock.now())
        return None
    return Shown(case, subject, other, tuple(msgspec.json.decode(case.reasons or "[]")), pending)
