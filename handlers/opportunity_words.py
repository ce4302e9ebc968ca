"""What the commands about deals share: finding the deal a sentence means, its values, and how it is written.

Reading order: `pick`, `customers_named`, `values_said`, then the writers.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime

from crm_core import access, opportunities, stage_moves
from crm_core.clock import to_local
from crm_core.errors import Invalid, NotFound
from crm_core.opportunities import OPPORTUNITY_STATUS_LABELS, Opportunity, OpportunityStatus
from crm_core.pipeline_rules import PipelineSettings, checked_day
from crm_core.ports import Core
from handlers import dialogs, replies, subjects
from handlers.replies import Reply
from handlers.router import ChatContext
from handlers.understanding.answers import read_answer

LIST = "opportunities"
"""The kind of the last list shown, for 第2条."""
_NUMBER = re.compile(r"#(\d{1,15})")
_DAY = re.compile(r"(?:(?P<year>\d{4})年)?(?P<month>\d{1,2})月(?P<day>\d{1,2})[号日]")
_PERCENT = re.compile(r"(?P<percent>\d{3,9})\s*[%％]")
_NEGATIVE = re.compile(r"负\s*\d|(?:^|[\s,，:：为到成])[-−－]\s*\d[\d.,]*\s*(?:万|亿|千|百|元|块|[wk]|$|\s)", re.IGNORECASE)
_NOBODY = frozenset({"", "商机", "这个商机", "该商机", "单子", "这个单子", "这单", "项目", "这个项目", "它"})
"""What stands for a deal without naming one."""
_LEAP_YEAR = 2024


class NoSuchOpportunity(NotFound):
    """Nobody's deal fits."""

    code = "opportunity.none_found"
    text = "没有找到「{name}」{what}的商机，可以说：给{name}建个商机"


class NoOpportunityOfOwn(NotFound):
    """No deal is named, and whoever asks has none."""

    code = "opportunity.none_of_own"
    text = "没有{what}的商机，可以说：给客户名建个商机"


async def pick(ctx: ChatContext, *, statuses: Sequence[str] = ("open",)) -> Opportunity:
    """Find the deal a sentence means: by number, by customer, by its own name; asks by number when several fit.

    Raises: NoSuchOpportunity; NotInList; NotFound.
    """
    if "deal" in ctx.slots:
        return await access.load(Opportunity, ctx.actor, int(ctx.slot("deal")))
    who = who_said(ctx)
    number = _NUMBER.search(ctx.slot("said"))
    if number or who.isdecimal() or ctx.slot("ref"):
        ref = number[1] if number else ctx.slot("ref") or who
        return await access.load(Opportunity, ctx.actor, await dialogs.listed(ctx.core, ctx.place, LIST, ref, ctx.slot("said")))
    if who in _NOBODY:
        return await _pick_own(ctx, statuses)
    rows = [row for row in await find(ctx, who) if row.status in statuses]
    named = [row for row in rows if row.name in ctx.slot("said") or (row.product and row.product in ctx.slot("said"))]
    rows = named if len(named) == 1 else rows
    if not rows:
        what = "、".join(OPPORTUNITY_STATUS_LABELS[OpportunityStatus(status)] for status in statuses)
        raise NoSuchOpportunity(name=who, what=what)
    if len(rows) > 1:
        options = [(choice(ctx.core, row), str(row.id)) for row in rows[:9]]
        raise ctx.ask_choice(f"「{who}」有{len(rows)}个商机，请回复序号：", options, slot="deal")
    return rows[0]


async def _pick_own(ctx: ChatContext, statuses: Sequence[str]) -> Opportunity:
    found = await opportunities.find(ctx.actor, limit=200)
    rows = [row for row in found if row.status in statuses and row.owner_id == ctx.actor.employee_id]
    if not rows:
        what = "、".join(OPPORTUNITY_STATUS_LABELS[OpportunityStatus(status)] for status in statuses)
        raise NoOpportunityOfOwn(what=what)
    if len(rows) == 1:
        return rows[0]
    options = [(choice(ctx.core, row), str(row.id)) for row in rows[:9]]
    raise ctx.ask_choice("哪个商机？请回复序号，或者说出客户名：", options, slot="deal")


def who_said(ctx: ChatContext) -> str:
    """Tell whom the sentence names, in whichever slot."""
    return next((ctx.slot(name) for name in ("who", "company", "person", "words") if ctx.slot(name)), "")


async def find(ctx: ChatContext, who: str) -> list[Opportunity]:
    """List the visible deals of whoever is called so, and those that are called so themselves."""
    numbers = await customers_named(ctx, who)
    found = await opportunities.find(ctx.actor, customer_ids=numbers, limit=20) if numbers else []
    if len(who) > 1:
        known = {row.id for row in found}
        found += [row for row in await opportunities.find(ctx.actor, text=who, limit=20) if row.id not in known]
    return found


async def customers_named(ctx: ChatContext, who: str) -> list[int]:
    """Tell the visible customers of this name, those of contacts of this name among them."""
    company, person = ctx.slot("company") or who, ctx.slot("person") or who
    found = await subjects.find(ctx.actor, person=person, company=company, kinds=("contact", "customer"))
    numbers = [each.id for each in found if each.kind == "customer"]
    contacts = [each.id for each in found if each.kind == "contact"]
    return list(dict.fromkeys([*numbers, *await opportunities.customers_of_contacts(ctx.actor, contacts)]))


def values_said(ctx: ChatContext, *names: str) -> dict[str, object]:
    """Gather the fields of a deal a sentence gives. Raises: Invalid for a day, a chance or an amount that cannot be."""
    refuse_impossible(ctx.slot("said"))
    found: dict[str, object] = {name: ctx.slot(name) for name in names if name in ctx.slots}
    if "probability" in ctx.slots:
        found["probability"] = int(ctx.slot("probability"))
    if "expected_close" in ctx.slots:
        found["expected_close_on"] = ctx.slot("expected_close")
    return found


def refuse_impossible(said: str) -> None:
    """Refuse what cannot be meant, before anything else is made of it. Raises: Invalid."""
    for found in _DAY.finditer(said):
        year, month, day = int(found["year"] or _LEAP_YEAR), int(found["month"]), int(found["day"])
        try:
            date(year, month, day)
        except ValueError:
            raise Invalid(field="日期", reason=f"没有{month}月{day}日这一天，请核对") from None
    percent = _PERCENT.search(said)
    if percent and int(percent["percent"]) > 100:
        raise Invalid(field="把握", reason="最多100%，请核对")
    if _NEGATIVE.search(said):
        raise Invalid(field="金额", reason="不能是负数，请核对")


def stage_said(ctx: ChatContext, pipeline: PipelineSettings) -> str:
    """Tell the stage a sentence names: by the pipeline's own words first, else as the understanding read it."""
    said = ctx.slot("said")
    named = [each.label for each in pipeline.stages if each.label in said]
    return max(named, key=len) if named else ctx.slot("stage")


def day_said(ctx: ChatContext, words: str) -> date | None:
    """Read a day out of words, now or later. Raises: Invalid for one that does not exist."""
    refuse_impossible(words)
    found = read_answer("expected_close", words, ctx.core.clock.now(), [])
    return checked_day("日期", str(found)) if found else None


def time_said(ctx: ChatContext, words: str) -> datetime | None:
    """Read a time out of words."""
    found = read_answer("at", words, ctx.core.clock.now(), [])
    return datetime.fromisoformat(str(found)) if found else None


async def undo_move(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Take the last step of a deal back."""
    row = await stage_moves.undo_last(ctx.core, ctx.actor, ids[0], move_id=ids[1])
    return replies.text(f"已撤销：「{row.name}」回到{standing(ctx.core, row)}")


def standing(core: Core, row: Opportunity) -> str:
    """Say where a deal stands: its stage, or how it ended."""
    if row.status != OpportunityStatus.OPEN:
        return OPPORTUNITY_STATUS_LABELS[OpportunityStatus(row.status)]
    return core.settings.opportunities.pipeline(row.pipeline).label_of(row.stage)


def choice(core: Core, row: Opportunity) -> str:
    """Write a deal as one choice of several."""
    amount = f"，{replies.money(row.amount)}" if row.amount is not None else ""
    return f"{row.name}（{standing(core, row)}{amount}）"


def line(core: Core, row: Opportunity) -> str:
    """Write a deal as one line of a list."""
    told = [standing(core, row)]
    told += [replies.money(row.amount)] if row.amount is not None else []
    told += [f"把握{row.probability}%"] if row.probability is not None else []
    told += [f"预计{day_words(row.expected_close_on)}成交"] if row.expected_close_on else []
    return f"#{row.id} {row.name}，{'，'.join(told)}"


def day_words(day: date) -> str:
    """Write a day: 2026年12月31日."""
    return f"{day.year}年{day.month}月{day.day}日"


def local_today(ctx: ChatContext) -> date:
    """Tell the day it is for people."""
    return to_local(ctx.core.clock.now()).date()
