"""One unbroken history (时间线) of a person or a whole customer, newest first, page by page by (time, source, number).

Messages, events, follow-ups, what was converted, merged or handed over, stages and life cycle: each source gives its newest
few below the cursor, so that the last page costs what the first does. Reading order: `page`, `_scope`, the sources.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tortoise.expressions import Q

from crm_core import access
from crm_core.access import Actor, sees_personal
from crm_core.activities import METHOD_LABELS, STAGE_LABELS, Method
from crm_core.customers import Contact, Customer
from crm_core.employees import Employee
from crm_core.errors import Invalid, NotFound
from crm_core.identity import Person
from crm_core.inbox import event_of
from crm_core.leads import Lead
from crm_core.life_cycle_rules import life_cycle_label
from crm_core.pool_claims import count_views
from crm_core.ports import Core, Program
from crm_core.rules import as_instant
from crm_core.said_mobiles import hide_marks
from crm_core.stage_moves import MOVE_LABELS

MOST = 100
TOLD = ("messages", "leads", "contacts", "customers", "follow-ups", "opportunities")
"""Whatever may stand in a history: whoever reads one must be allowed to read each of them."""
SOURCES = ("message", "follow_up", "change", "stage", "life_cycle", "lead")
"""What an entry is; of those at one instant the later named stands first."""
SOURCE_LABELS = {
    "message": "消息",
    "event": "事件",
    "follow_up": "跟进",
    "change": "变更",
    "stage": "商机",
    "life_cycle": "生命周期",
    "lead": "线索",
}
EVENT_LABELS = {
    "subscribe": "关注",
    "unsubscribe": "取消关注",
    "scan": "扫码",
    "click": "点击菜单",
    "view": "打开菜单链接",
    "add_external_contact": "添加好友",
    "del_external_contact": "删除好友",
    "del_follow_user": "被客户删除",
    "enter_session": "进入会话",
}
Cursor = tuple[datetime, int, int]
"""Where the last page ended: the instant, the source's place in `SOURCES`, the number."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. `kind` is a word of `SOURCE_LABELS`, `who` the person of the house who did it."""

    kind: str
    id: int
    at: datetime
    text: str
    who: str = ""
    channel: str = ""

    @property
    def label(self) -> str:
        """Say what it is."""
        return SOURCE_LABELS[self.kind]


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries, and where the next page begins; None after the last."""

    entries: tuple[Entry, ...]
    next: Cursor | None = None


@dataclass(frozen=True, slots=True)
class _Scope:
    """Whose history it is: the numbers each source is asked for."""

    people: tuple[int, ...]
    leads: tuple[int, ...]
    contacts: tuple[int, ...]
    customers: tuple[int, ...]
    hidden: tuple[str | None, ...] | None = None
    """What is known of a lead nobody has claimed, to be hidden from the asker; None: nothing is hidden."""


async def page(
    core: Core,
    actor: Actor,
    *,
    person_id: int | None = None,
    customer_id: int | None = None,
    before: Cursor | None = None,
    limit: int = 10,
) -> Page:
    """Read one page of the history of a person, or of a customer with everybody there. Raises: NotFound; Invalid;
    ViewCapReached for a lead of the pool.
    """
    for noun in TOLD:
        access.require(actor, f"{noun}:read")
    if (person_id is None) == (customer_id is None):
        raise Invalid(field="person_id", reason="person_id 与 customer_id 给一个")
    scope = await _of_person(actor, person_id) if person_id is not None else await _of_customer(actor, customer_id or 0)
    if scope.hidden is not None and before is None:
        async with core.db.transaction():
            await count_views(core, actor, 1)
    return await _page(core, scope, before, max(1, min(limit, MOST)))


async def newest(core: Core, actor: Actor, contact: Contact | None, lead: Lead | None, limit: int) -> tuple[Entry, ...]:
    """Read what happened last to somebody whose rows the caller may see and has at hand."""
    scope = await _of_contact(contact) if contact else await _of_lead(actor, lead) if lead else None
    return (await _page(core, scope, None, limit)).entries if scope else ()


async def _page(core: Core, scope: "_Scope", before: Cursor | None, limit: int) -> Page:
    rows = await core.db.read(_read(scope, before, limit + 1))
    names = await _names({row[5] for row in rows if row[5] is not None})
    entries = tuple(_entry(core, row, names) for row in rows[:limit])
    if scope.hidden is not None:
        entries = tuple(replace(entry, text=hide_marks(entry.text, scope.hidden)) for entry in entries)
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(entries, (_instant(last[2]), int(last[0]), int(last[1])) if last else None)


async def _of_person(actor: Actor, person_id: int) -> _Scope:
    contact = await access.visible(Contact, actor).get_or_none(person_id=person_id)
    if contact is not None:
        return await _of_contact(contact)
    lead = await access.visible(Lead, actor).get_or_none(person_id=person_id)
    if lead is not None:
        return await _of_lead(actor, lead)
    person = await Person.get_or_none(id=person_id)
    if person is None or person.merged_into_id is None:
        raise NotFound
    return await _of_person(actor, person.merged_into_id)


async def _of_contact(contact: Contact) -> _Scope:
    leads = await _with_merged(Q(contact_id=contact.id))
    people = await _everybody({contact.person_id, *leads.values()})
    return _Scope(people, tuple(leads), (contact.id,), ())


async def _of_lead(actor: Actor, lead: Lead) -> _Scope:
    leads = await _with_merged(Q(id=lead.id))
    unclaimed = lead.owner_id is None and not sees_personal(actor, None)
    hidden = (lead.mobile, lead.landline, lead.wechat_id, lead.email) if unclaimed else None
    return _Scope(await _everybody(set(leads.values())), tuple(leads), (), (), hidden)


async def _with_merged(which: Q) -> dict[int, int]:
    """Tell the person of each of these leads, and of those merged into them: each is a need that was told."""
    numbers: Any = list(await Lead.filter(which).values_list("id", flat=True))
    rows = await Lead.filter(Q(id__in=numbers) | Q(merged_into_id__in=numbers)).values_list("id", "person_id")
    return {int(number): int(person) for number, person in rows}


async def _everybody(people: set[int]) -> tuple[int, ...]:
    """Add those who became part of these people: what was changed under their numbers belongs to the story."""
    into: Any = sorted(people)
    merged = await Person.filter(merged_into_id__in=into).values_list("id", flat=True)
    return tuple(sorted({*people, *(int(str(number)) for number in merged)}))


async def _of_customer(actor: Actor, customer_id: int) -> _Scope:
    customer = await access.load(Customer, actor, customer_id)
    contacts = await Contact.filter(customer_id=customer.id).values_list("id", "person_id")
    leads = await _with_merged(Q(customer_id=customer.id))
    people = await _everybody({int(str(number)) for _, number in contacts} | set(leads.values()))
    return _Scope(people, tuple(leads), tuple(int(str(each)) for each, _ in contacts), (customer.id,))


async def _names(numbers: set[Any]) -> dict[int, str]:
    return dict(await Employee.filter(id__in=list(numbers)).values_list("id", "name")) if numbers else {}


def _read(scope: _Scope, before: Cursor | None, limit: int) -> Program[list[tuple[Any, ...]]]:
    """Ask every source for its newest few; columns: source, id, at, what, text, employee, channel."""
    queries: list[str] = []
    values: list[object] = []
    for number, name in enumerate(SOURCES):
        for sql, mine in _SOURCES[name](scope):
            clause, bounds = _below(number, before)
            bound = clause.format(at=_AT.get(name, "at"))
            queries.append(f"SELECT * FROM ({sql}{bound} ORDER BY 3 DESC, 2 DESC LIMIT ?) s{len(queries)}")  # noqa: S608
            values += [number, *mine, *bounds, limit]
    if not queries:
        return []
    rows = yield f"{' UNION ALL '.join(queries)} ORDER BY 3 DESC, 1 DESC, 2 DESC LIMIT ?", (*values, limit)
    return list(rows)


def _below(source: int, before: Cursor | None) -> tuple[str, list[object]]:
    if before is None:
        return "", []
    at, other, number = before
    if source != other:
        return f" AND t.{{at}} {'<=' if source < other else '<'} ?", [at]
    return " AND (t.{at} < ? OR (t.{at} = ? AND t.id < ?))", [at, at, number]


def _source(columns: str, table: str, where: str, numbers: Sequence[int]) -> list[tuple[str, list[object]]]:
    if not numbers:
        return []
    marks = ", ".join("?" * len(numbers))
    # The number of the source is bound, typed for PostgreSQL.
    return [(f"SELECT CAST(? AS BIGINT) AS source, {columns} FROM {table} WHERE {where.format(marks)}", list(numbers))]  # noqa: S608


def _messages(scope: _Scope) -> list[tuple[str, list[object]]]:
    return _source(
        "t.id AS id, t.at AS at, CASE WHEN t.kind = 'event' THEN t.payload ELSE t.direction END AS what, t.text AS text,"
        " CAST(NULL AS BIGINT) AS employee_id, t.channel AS channel",
        "messages t",
        "t.account_id IN (SELECT a.id FROM accounts a WHERE a.person_kind = 'customer' AND a.person_id IN ({}))",
        scope.people,
    )


def _follow_ups(scope: _Scope) -> list[tuple[str, list[object]]]:
    found = []
    about = [("lead", scope.leads), ("contact", scope.contacts), ("customer", scope.customers)]
    columns = "t.id AS id, t.at AS at, t.method AS what, t.summary AS text, t.author_id AS employee_id, t.stage AS channel"
    for kind, numbers in about:
        where = f"t.undone_at IS NULL AND t.subject_kind = '{kind}' AND t.subject_id IN ({{}})"
        found += _source(columns, "follow_ups t", where, numbers)
    deals = "t.undone_at IS NULL AND t.subject_kind = 'opportunity' AND t.subject_id IN (SELECT o.id FROM opportunities o"
    return found + _source(columns, "follow_ups t", deals + " WHERE o.customer_id IN ({}))", scope.customers)


def _changes(scope: _Scope) -> list[tuple[str, list[object]]]:
    columns = "t.id AS id, t.created_at AS at, t.kind AS what, t.summary AS text, t.employee_id AS employee_id, '' AS channel"
    # Steps of deals tell of themselves.
    where = "t.undone_at IS NULL AND t.kind NOT LIKE 'opportunity.%' AND t.id IN (SELECT r.set_id FROM changed_rows r WHERE "
    found = _source(columns, "change_sets t", where + "r.person_id IN ({}))", scope.people)
    theirs = "r.table_name = 'customers' AND r.person_id IS NULL AND r.row_id IN ({}))"
    return found + _source(columns, "change_sets t", where + theirs, scope.customers)


def _stages(scope: _Scope) -> list[tuple[str, list[object]]]:
    return _source(
        "t.id AS id, t.at AS at, t.kind AS what, t.pipeline || '/' || t.to_stage AS text, t.employee_id AS employee_id,"
        " t.reason AS channel",
        "stage_moves t",
        "t.undone_at IS NULL AND t.opportunity_id IN (SELECT o.id FROM opportunities o WHERE o.customer_id IN ({}))",
        scope.customers,
    )


def _life_cycle(scope: _Scope) -> list[tuple[str, list[object]]]:
    return _source(
        "t.id AS id, t.at AS at, t.to_state AS what, t.reason AS text, t.employee_id AS employee_id, t.from_state AS channel",
        "life_cycle_changes t",
        "t.customer_id IN ({})",
        scope.customers,
    )


def _leads(scope: _Scope) -> list[tuple[str, list[object]]]:
    return _source(
        "t.id AS id, t.created_at AS at, t.source AS what, t.need AS text, CAST(NULL AS BIGINT) AS employee_id,"
        " t.channel AS channel",
        "leads t",
        "t.id IN ({})",
        scope.leads,
    )


_SOURCES = {
    "message": _messages,
    "follow_up": _follow_ups,
    "change": _changes,
    "stage": _stages,
    "life_cycle": _life_cycle,
    "lead": _leads,
}


_AT = {"change": "created_at", "lead": "created_at"}
"""Columns of time that are not called `at`."""


def _instant(value: Any) -> datetime:
    at = as_instant(value)
    if at is None:
        raise AssertionError("everything that happened has a time")
    return at


def _entry(core: Core, row: tuple[Any, ...], names: dict[int, str]) -> Entry:
    source, number, at, what, text, employee_id, channel = row
    kind = SOURCES[source]
    said, told = str(text or ""), str(channel or "")
    if kind == "message" and what not in ("in", "out"):
        event = event_of(what)
        return Entry("event", number, _instant(at), EVENT_LABELS.get(event, "事件"), "", told)
    if kind == "message":
        said = f"客户：{said}" if what == "in" else f"我方：{said}"
    elif kind == "follow_up":
        method = METHOD_LABELS.get(Method(what), what)
        said = "，".join(part for part in (method, said, STAGE_LABELS.get(told, "")) if part)
    elif kind == "stage":
        pipeline, _, name = said.partition("/")
        stage = core.settings.opportunities.pipeline(pipeline).label_of(name)
        stage = STAGE_LABELS.get(stage, stage)
        said = "，".join(
            part
            for part in (f"{MOVE_LABELS.get(what, what)}{'' if what in ('win', 'lose', 'shelve') else stage}", told)
            if part
        )
    elif kind == "life_cycle":
        said = "，".join(part for part in (f"{life_cycle_label(told)} → {life_cycle_label(what)}", said) if part)
    elif kind == "lead":
        said = "，".join(part for part in (f"录入线索{f'（{what}）' if what else ''}", said) if part)
    channel_shown = told if kind == "message" else ""
    return Entry(kind, number, _instant(at), said, names.get(employee_id, ""), channel_shown)
