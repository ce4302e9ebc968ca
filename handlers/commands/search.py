"""Finding and counting in words: several conditions at once, the history of somebody, the dashboard and its questions."""

import re
from collections.abc import Collection
from datetime import datetime
from typing import Any

from crm_core import dashboards, explaining, searching, segments, timeline
from crm_core.access import Actor, Role
from crm_core.dashboards import DEAL_STATUS_LABELS, shares
from crm_core.employees import Employee
from crm_core.ports import Core
from crm_core.searching import Found, Hit
from crm_core.segments import Tag
from crm_core.values import normalize_phone
from handlers import dialogs, paging, replies
from handlers.replies import Reply
from handlers.router import EVERYBODY, WORKING, ChatContext, command
from handlers.search_words import FORM, all_known, read_conditions
from handlers.understanding.names import is_company

LIST = "search"
MORE = "search_more"
"""What 下一页 means after a list of this file."""
PAGE = 10
READING = EVERYBODY
_FORM = re.compile(FORM)
_BREAK = re.compile(r"[\s,，、]+")


async def _search_said(core: Core, actor: Actor, words: str) -> dict[str, object] | None:
    """Take a sentence of nothing but known conditions for a search; anything else may be a record."""
    if not _FORM.fullmatch(words):
        return None
    tags, industries = await _known_words(words)
    return {"query": words} if all_known(words, tags=tags, industries=industries) else None


async def _known_words(said: str) -> tuple[set[str], Collection[str]]:
    return {tag.name for tag in await Tag.all().limit(1000)}, await searching.known_industries(_BREAK.split(said))


@command(
    intent="search",
    usage="搜索 北京 制造业 30天没跟进",
    roles=READING,
    phrases=("搜索", "搜", "找客户"),
    recognise=_search_said,
    reads=True,
)
async def search(ctx: ChatContext) -> Reply:
    """按条件找客户和线索"""
    said = ctx.slot("words") or (ctx.slot("said") if ctx.slot("said") not in ("搜索", "搜", "找客户") else "")
    if not said.strip():
        return replies.text("请说要找什么，例如：搜索 北京 制造业 30天没跟进")
    if normalize_phone(said):
        hits = await searching.find_phone(ctx.core, ctx.actor, said)
        return await _listed(ctx, Found(tuple(hits), len(hits)), f"号码{said}", {})
    tags, industries = await _known_words(said)
    conditions = read_conditions(said, tags=tags, industries=industries)
    found = await searching.search(ctx.core, ctx.actor, conditions, limit=PAGE)
    return await _listed(ctx, found, explaining.describe(conditions), conditions)


async def _listed(ctx: ChatContext, found: Found, title: str, conditions: dict[str, Any], first: int = 0) -> Reply:
    shown = first + len(found.hits)
    going_on = {"conditions": conditions, "after": found.next, "shown": shown, "title": title}
    await paging.remember(ctx.core, ctx.place, LIST, going_on if found.next else None)
    if conditions:
        await paging.remember(ctx.core, f"{ctx.place}:saved", LIST, {"conditions": conditions})
    await dialogs.remember_list(ctx.core, ctx.place, LIST, [hit.person_id for hit in found.hits], intent=MORE)
    if not found.hits:
        return replies.text(_left_out(found) or f"没有找到符合的客户或线索（{title}）。")
    now = ctx.core.clock.now()
    head = f"{title}：共{found.total}位" if found.total is not None else f"{title}："
    after = "\n".join(part for part in ("回复“更多”看下一页" if found.next else "", _left_out(found)) if part)
    lines = [_line(hit, now) for hit in found.hits]
    return replies.numbered(f"{head}，第{first + 1}-{shown}位：" if found.total != len(lines) else f"{head}：", lines, after)


def _left_out(found: Found) -> str:
    return f"另有{found.left_out}条公海线索没有列出：今天的公海查看数已用完" if found.left_out else ""


def _line(hit: Hit, now: datetime) -> str:
    kind = "客户" if hit.kind == "contact" else "线索"
    told = [
        f"{hit.name}（{kind}）",
        hit.company,
        hit.region,
        hit.mobile,
        hit.owner or "公海",
        replies.ago(hit.last_follow_up_at, now),
    ]
    return "，".join(word for word in told if word)


@command(intent=MORE, usage="", roles=READING, reads=True)
async def show_more(ctx: ChatContext) -> Reply:
    """看查找结果和往来的后面几条"""
    known = await paging.recall(ctx.core, ctx.place)
    if known.get("what") == LIST:
        conditions, first = known["conditions"], int(known["shown"])
        found = await searching.search(ctx.core, ctx.actor, conditions, after=known["after"], limit=PAGE, count=False)
        return await _listed(ctx, found, known["title"], conditions, first)
    if known.get("what") == "timeline":
        at, source, number = known["before"]
        return await _timeline(ctx, known["whose"], known["title"], (datetime.fromisoformat(at), source, number))
    return replies.text("没有更多了。")


@command(intent="show_timeline", usage="时间线 张伟", roles=READING, phrases=("时间线", "历史记录", "往来记录"))
async def show_timeline(ctx: ChatContext) -> Reply:
    """看一位客户的全部往来"""
    name = ctx.slot("words")
    if not name and "subject" not in ctx.slots:
        return replies.text("请说是谁，例如：时间线 张伟")
    ctx.slots.setdefault("company" if is_company(name) else "person", name)
    subject = await ctx.pick_subject()
    if subject is None:
        return replies.text(f"没有找到「{name}」。")
    whose = {"person_id": subject.person_id} if subject.person_id is not None else {"customer_id": subject.id}
    return await _timeline(ctx, whose, subject.name, None)


async def _timeline(ctx: ChatContext, whose: dict[str, Any], name: str, before: timeline.Cursor | None) -> Reply:
    found = await timeline.page(ctx.core, ctx.actor, before=before, limit=PAGE, **whose)
    if not found.entries:
        return replies.text(f"【{name}】还没有往来记录。")
    going_on = None
    if found.next is not None:
        at, source, number = found.next
        going_on = {"whose": whose, "title": name, "before": [at.isoformat(), source, number]}
    await paging.remember(ctx.core, ctx.place, "timeline", going_on)
    await dialogs.remember_list(ctx.core, ctx.place, "timeline", [], intent=MORE)
    now = ctx.core.clock.now()
    lines = [
        f"{replies.when(entry.at, now)} {entry.label} {entry.text[:60]}{f'（{entry.who}）' if entry.who else ''}"
        for entry in found.entries
    ]
    head = f"【{name}】时间线" if before is None else f"【{name}】时间线（续）"
    return replies.text("\n".join([head, *lines, *(["回复“更多”看更早的"] if going_on else [])]))


@command(intent="show_dashboard", usage="看板", roles=READING, phrases=("看板", "总览", "数据看板"), reads=True)
async def show_dashboard(ctx: ChatContext) -> Reply:
    """看客户、线索和往来的总数"""
    counts = await dashboards.dashboard(ctx.core, ctx.actor)
    days = list(counts.days.values())
    week = days[-7:]
    totals = counts.totals
    names = dict(await Employee.filter(id__in=list(counts.follow_ups_by_author)[:5]).values_list("id", "name"))
    authors = {names[number]: count for number, count in counts.follow_ups_by_author.items() if number in names}
    methods = {dashboards.method_label(name): number for name, number in counts.follow_ups_by_method.items()}
    shown = replies.record(
        "【看板】",
        (
            (
                "线索",
                f"{totals['leads']}条未转化，公海{totals['pool']}条，"
                f"今天新增{days[-1]['leads']}条，近7天{_sum(week, 'leads')}条",
            ),
            ("线索来源（含已转化）", shares(counts.leads_by_source, {"": "未填"})),
            ("客户", f"{totals['customers']}家，近7天新增{_sum(week, 'customers')}家"),
            ("行业", shares(counts.customers_by_industry, {"": "未填"})),
            ("地区", shares(counts.customers_by_region, {"": "未填"})),
            ("转化", f"近7天{_sum(week, 'conversions')}条，近30天{_sum(days, 'conversions')}条"),
            (
                "跟进",
                f"今天{days[-1]['follow_ups']}次，近7天{_sum(week, 'follow_ups')}次，近30天{_sum(days, 'follow_ups')}次"
                + (f"（{shares(methods)}）" if methods else ""),
            ),
            ("近30天跟进最多", shares(authors)),
            ("商机", shares(counts.opportunities_by_status, DEAL_STATUS_LABELS)),
            ("消息", f"近7天收到{_sum(week, 'messages_in')}条，发出{_sum(week, 'messages_out')}条" if counts.messages else ""),
        ),
    )
    said = ctx.slot("words")
    note = f"（看板总是现在的总数和近7天、近30天，不按「{said[:12]}」统计；按时间看请说：业绩 本月、本月的销售漏斗）"
    return shown.with_note(note) if said else shown


def _sum(days: list[Any], name: str) -> int:
    return sum(int(day[name]) for day in days)


_QUESTIONS = {
    "leads": r"(?:我们?)?(?:现在|一共|总共)?(?:有|共有)?多少(?:个|条)?线索[了啊呢?？。]*",
    "industry": r"(?:客户)?(?:都)?(?:有|是)?哪些行业[的呢?？。]*|(?:客户)?行业分布[?？。]*",
    "region": r"(?:客户)?(?:都)?(?:在|有)?哪些地区[的呢?？。]*|(?:客户)?地区分布[?？。]*",
    "source": r"线索(?:都)?(?:从)?哪(?:里|儿)?来的?[?？。]*|(?:线索)?来源分布[?？。]*",
}


@command(
    intent="count_customers",
    usage="哪些行业",
    roles=READING,
    forms=tuple(rf"(?P<{name}>{form})" for name, form in _QUESTIONS.items()),
    reads=True,
)
async def count_customers(ctx: ChatContext) -> Reply:
    """一句话问行业、地区、来源、线索数"""
    asked = next((name for name in _QUESTIONS if ctx.slot(name)), "industry")
    return replies.text(await dashboards.answer(ctx.core, ctx.actor, asked))


@command(intent="save_search", usage="存为人群 北京制造业", roles=WORKING - {Role.SALES}, phrases=("存为人群", "保存人群"))
async def save_search(ctx: ChatContext) -> Reply:
    """把刚才的搜索存成人群"""
    name = ctx.slot("words")
    known = await paging.recall(ctx.core, ctx.place + ":saved")
    if not name or not known.get("conditions"):
        return replies.text("请先搜索，再说：存为人群 名称")
    made = await segments.create_segment(ctx.core, ctx.actor, name=name, conditions=known["conditions"])
    count = await segments.count_segment(ctx.core, ctx.actor, made)
    return replies.text(f"已存为人群「{made.name}」（#{made.id}），现有{count}人。")
