"""Which leads, which colleague and which unit a command about distribution means."""

import re

from crm_core import access, colleagues
from crm_core.access import Actor
from crm_core.employees import Employee
from crm_core.errors import Invalid, NoneFound, NotFound
from crm_core.leads import Lead
from handlers import dialogs
from handlers.customer_words import is_known
from handlers.router import ChatContext

LISTS = ("pool", "exceptions", "overdue")
"""The lists whose numbers these commands take."""
MOST = 100
_RANGE = re.compile(r"(\d{1,4})\s*[-~到至]\s*(\d{1,4})")
_SPLIT = re.compile(r"[\s,，、;；和]+")


async def leads_said(ctx: ChatContext, words: str) -> list[int]:
    """Tell the leads of "3", "1、2、5", "1-5", "#12" or a name. Raises: NotInList; NotFound; Invalid for too many."""
    if "lead" in ctx.slots:
        return [int(ctx.slot("lead"))]
    found: list[int] = []
    span = _RANGE.fullmatch(words.strip("第条 "))
    parts = [str(number) for number in range(int(span[1]), int(span[2]) + 1)][: MOST + 1] if span else _SPLIT.split(words)
    for part in (part.strip("第条个 ") for part in parts):
        if part.removeprefix("#").isdecimal():
            found.append(await _numbered(ctx, part))
        elif part:
            found.append(await lead_named(ctx, part))
    if not found:
        raise NotFound
    if len(found) > MOST:
        raise Invalid(field="线索", reason=f"一次最多{MOST}条")
    return list(dict.fromkeys(found))


async def _numbered(ctx: ChatContext, part: str) -> int:
    number = part.removeprefix("#")
    if part.startswith("#") and len(number) < 16:
        return int(number)
    for kind in LISTS:
        try:
            return await dialogs.listed(ctx.core, ctx.place, kind, number, "")
        except dialogs.NotInList:
            continue
    raise dialogs.NotInList(ref=number[:18], lists="公海、待分配、逾期线索")


async def lead_named(ctx: ChatContext, name: str) -> int:
    """Find a visible open lead by its name or company; asks by number when several fit. Raises: NotFound."""
    query = access.visible(Lead, ctx.actor).filter(status__in=["new", "following"])
    rows = await query.filter(name=name).limit(9) or await query.filter(company=name).limit(9)
    if not rows:
        raise NoneFound(what=f"线索「{name[:16]}」")
    if len(rows) > 1:
        options = [(f"{row.name}（{row.company or row.source or '线索'}）#{row.id}", str(row.id)) for row in rows]
        raise ctx.ask_choice("有几条线索符合，请回复序号：", options, slot="lead")
    return int(rows[0].id)


async def colleague(ctx: ChatContext, name: str) -> Employee:
    """Find a colleague by name, "我" for oneself; asks by number when several bear it. Raises: NotFound."""
    if "employee" in ctx.slots:
        return await access.load(Employee, ctx.actor, int(ctx.slot("employee")))
    if name in ("我", "自己") and ctx.actor.employee_id is not None:
        return await access.load(Employee, ctx.actor, ctx.actor.employee_id)
    rows = await colleagues.called(ctx.actor, name)
    if not rows:
        raise colleagues.NoSuchColleague(name=name.strip()[:16])
    if len(rows) > 1:
        options = [(f"{row.name} #{row.id}", str(row.id)) for row in rows]
        raise ctx.ask_choice(f"有几位{name}，请回复序号：", options, slot="employee")
    return rows[0]


async def is_meant(actor: Actor, name: str) -> bool:
    """Tell whether a name is a colleague's: the full one, or a familiar one that no customer or lead bears."""
    rows = await colleagues.called(actor, name)
    if any(row.name == name for row in rows):
        return True
    return bool(rows) and not await is_known(actor, name, ("lead", "contact", "customer"))
