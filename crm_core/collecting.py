"""Collecting (线索自动采集): something said somewhere becomes a lead, or more about one that is there, without a person."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crm_core import access, change_sets, leads, matching, overwriting, validation
from crm_core.access import Actor
from crm_core.errors import CrmError
from crm_core.hard_ids import WAYS
from crm_core.importing.standing import Known, Sight, load, owners_of
from crm_core.leads import Lead, LeadElsewhere
from crm_core.matching import LeadDuplicate
from crm_core.overwriting import KEPT, PENDING
from crm_core.ports import Core, Program
from crm_core.validation import Problem

HARD = ("mobile", "email", "wechat_id")
_COLUMNS = frozenset(
    {"name", "company", "title", "mobile", "landline", "wechat_id", "email", "birthday", "source", "campaign"}
    | {"region", "region_code", "need", "amount", "recorded_by", "raw_text"}
)
UNNAMED = "客户"
"""What somebody is called who told no name; compared with nobody's."""


class NotCollected(CrmError):
    """Something in it cannot be stored; `problems` says what, field by field."""

    status = 422
    code = "collect.invalid"
    text = "内容有误：{labels}"

    @property
    def problems(self) -> list[Problem]:
        """What is wrong, field by field."""
        found: Any = self.fields["problems"]
        return list(found)


@dataclass(frozen=True, slots=True)
class Collected:
    """The record it became or was added to: a lead, or the contact of somebody who is a customer already."""

    noun: str
    id: int
    made: bool

    @property
    def lead_id(self) -> int | None:
        """The lead's number."""
        return self.id if self.noun == "lead" else None


async def collect(core: Core, actor: Actor, said: Mapping[str, Any], *, source: str, channel: str = "") -> Collected:
    """Make a lead of what was said, or add it to whoever has one of its numbers.

    Raises: NotCollected; LeadDuplicate, LeadElsewhere for an employee to whom that record is not given to change.
    """
    spelled, rule = core.settings.leads.source(str(said.get("source") or source))
    found = validation.checked({**said, "source": spelled}, rule)
    values = {name: value for name, value in found.values.items() if name in _COLUMNS and value not in (None, "")}
    problems = list(found.problems)
    number = values.get("mobile") or values.get("landline")
    if not problems and not any(values.get(name) for name in ("name", "company", "mobile", "landline", "wechat_id", "email")):
        problems = [Problem("name", "请填写姓名或联系方式")]
    if problems:
        labels = "、".join(dict.fromkeys(validation.LABELS.get(each.field, each.field) for each in problems))
        raise NotCollected(labels=labels, problems=tuple(problems))
    async with core.db.transaction():
        # One at a time for one number: two posts at once must not both find nobody.
        await core.db.serialize(f"collect:{number or values.get('email') or values.get('wechat_id') or ''}")
        await leads.refuse_elsewhere(core, actor, values)
        whose = await core.db.run(_whose(values))
        # Two ids of two people: the number that is dialled decides, the other stays out.
        known = next((whose[name] for name in HARD if name in whose), None)
        if known is not None:
            access.require(actor, f"{known[0]}s:write")
            await _refuse_foreign(core, Sight(actor), Known(*known))
            values = {name: value for name, value in values.items() if whose.get(name, known)[:2] == known[:2]}
            # Whoever fills a form may write anybody's address into somebody's record: a person says whether it is theirs.
            unproven = frozenset(WAYS) - whose.keys() if actor.system else frozenset()
            changes = await change_sets.begin(core, actor, "collect", f"再次提交：{values.get('name') or known[1]}")
            await core.db.run(_add_to(core, changes.id, known, values, unproven))
            await access.record(core, actor, "lead.collect", (f"{known[0]}s", known[1]), after={"source": spelled})
            return Collected(known[0], known[1], made=False)
        name = values.pop("name", "") or ("" if values.get("company") else f"{UNNAMED}{str(number or '')[-4:]}")
        lead = await leads.add(
            core, actor, name=name, company=str(values.pop("company", "")), channel=channel, is_news=True, **values
        )
        return Collected("lead", lead.id, made=True)


async def _refuse_foreign(core: Core, sight: Sight, known: Known) -> None:
    """Leave alone what somebody else, or another unit, has. Raises: LeadDuplicate; LeadElsewhere."""
    if sight.actor.sees_all:
        return
    existing = (await core.db.run(load([known], sight))).get((known.noun, known.id))
    if existing is None or sight.may_change(existing):
        return
    if sight.is_hidden(existing):
        raise LeadElsewhere
    owner = (await core.db.run(owners_of([existing]))).get(existing.owner_id or 0, "")
    raise LeadDuplicate(known=sight.whose(existing, owner), owner=owner)


def _whose(values: Mapping[str, Any]) -> Program[dict[str, tuple[str, int, int | None]]]:
    """Tell by field whose the numbers and ids are, as far as they are anybody's."""
    pairs = {name: (name, str(values[name])) for name in WAYS if values.get(name)}
    found = yield from matching.hard_matches(pairs.values())
    return {name: found[pair] for name, pair in pairs.items() if pair in found}


def _add_to(
    core: Core, set_id: int, known: tuple[str, int, int | None], values: Mapping[str, Any], unproven: frozenset[str]
) -> Program[None]:
    """Fill what was empty, keep what differs as history, and count that they came again.

    `unproven`: ids that wait in the cleaning queue for somebody to say that they are theirs.
    """
    noun, number, person_id = known
    names = overwriting.FIELDS[noun]
    columns = ", ".join(names)
    table = "leads" if noun == "lead" else "contacts"
    rows = yield f"SELECT {columns} FROM {table} WHERE id = ?", (number,)  # noqa: S608 - our own names
    before = dict(zip(names, rows[0], strict=True))
    changes, told = {}, {}
    for name in names:
        new, old = values.get(name), before[name]
        if new in (None, "") or new == old:
            continue
        if old in (None, "") and name in unproven:
            told[name] = PENDING
        elif old in (None, ""):
            changes[name] = new
        else:
            told[name] = KEPT
    count = "intent_count" if noun == "lead" else "0"
    rows = yield f"SELECT owner_id, {count} FROM {table} WHERE id = ?", (number,)  # noqa: S608 - our own names
    owner_id, counted = rows[0]
    also = {"intent_count": int(counted) + 1} if noun == "lead" else {}
    decision = overwriting.Decision(changes, told)
    yield from overwriting.write(core, set_id, noun, number, person_id, decision, before, values, also)
    if PENDING in told.values():
        yield from overwriting.ask(core, set_id, noun, number, person_id, owner_id)


async def visible_lead(actor: Actor, made: Collected) -> Lead | None:
    """Give the lead if the actor may see it."""
    return await access.visible(Lead, actor).get_or_none(id=made.id) if made.noun == "lead" else None
