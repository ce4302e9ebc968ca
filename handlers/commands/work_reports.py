"""Reports of work and the staff centre in words (日报、周报、员工中心)."""

import re
from datetime import timedelta

from crm_core import work_reports, work_summaries
from crm_core.access import Actor, Role
from crm_core.clock import today
from crm_core.employees import Employee
from crm_core.errors import Invalid, NotFound
from crm_core.ports import Core
from crm_core.work_reports import REPORT_LABELS, ReportKind, WorkReport
from handlers import dialogs, replies
from handlers.lead_choice import colleague, is_meant
from handlers.replies import Reply, Undo
from handlers.router import EVERYBODY, WORKING, ChatContext, command
from scheduler.reminders import range_bounds

MANAGING = frozenset({Role.MANAGER, Role.ADMIN, Role.MARKETER, Role.VIEWER})
_RANGES = {
    "最近": "this_week",
    "近期": "this_week",
    "这几天": "this_week",
    "今天": "today",
    "昨天": "yesterday",
    "本周": "this_week",
    "这周": "this_week",
    "上周": "last_week",
    "本月": "this_month",
    "这个月": "this_month",
    "上月": "last_month",
    "上个月": "last_month",
}
_CENTRE = re.compile(
    rf"(?P<who>我|[\u3400-\u9fff·]{{2,6}}?)的?\s*(?P<range>{'|'.join(_RANGES)})(?:的?(?:工作|情况|近况|表现)|在忙什么|在?忙些?什么|在?做(?:些|了)?什么|在?干(?:些|了)?(?:什么|啥|嘛))?[?？]?"
)


async def undo_report(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Take a report back, or put the text back that it replaced."""
    before = await ctx.core.state.get(_before(ids[0]))
    row = await work_reports.withdraw(ctx.core, ctx.actor, ids[0], text=before or "")
    label = REPORT_LABELS[ReportKind(row.kind)]
    return replies.text(f"已撤销：{label}恢复成之前交的" if before else f"已撤销{label}")


def _before(number: int) -> str:
    """Name where the replaced text is kept; the start says that people's words stand there."""
    return f"undo:report:{number}"


@command(
    intent="submit_report", usage="周报：本周拜访5家，下周跟进云帆科技的合同", roles=WORKING, undo=("work_report", undo_report)
)
async def submit_report(ctx: ChatContext) -> Reply:
    """交日报、周报（不写内容就先看系统按记录填好的草稿）"""
    kind = ReportKind(ctx.slot("kind"))
    label = REPORT_LABELS[kind]
    if not ctx.slot("text"):
        return await _draft(ctx, kind)
    text = ctx.slot("text")
    if text in ("按草稿", "就这样", "确认", "按草稿提交"):
        text = (await work_reports.prefill(ctx.core, ctx.actor, kind))[1]
    row, before = await work_reports.submit(ctx.core, ctx.actor, kind, text)
    again = "，替换了之前交的" if before else ""
    if before:
        await ctx.core.state.set(_before(row.id), before, lasts=dialogs.LASTS)
    else:
        await ctx.core.state.delete(_before(row.id))
    words = f"已交{label}（{_period(row)}）{again}。按记录：\n{row.figures}\n说错了回复「撤销」"
    return replies.text(words, Undo("work_report", (row.id,)))


async def _draft(ctx: ChatContext, kind: ReportKind) -> Reply:
    found, words = await work_reports.prefill(ctx.core, ctx.actor, kind)
    label = REPORT_LABELS[kind]
    lines = [f"{label}草稿（按记录）：", words]
    lines += [f"下一步：{replies.when(at, ctx.core.clock.now())} {whom}" for at, whom in found.to_come]
    lines += [f"建议：{'；'.join(advice)}" for advice in [work_summaries.advice_of(found)] if advice]
    lines.append(f"直接提交回复「{label}：按草稿」，或写自己的：{label}：……")
    return replies.text("\n".join(lines))


def _period(row: WorkReport) -> str:
    first = row.period_on
    if row.kind == ReportKind.DAILY.value:
        return f"{first.month}月{first.day}日"
    last = first + timedelta(days=6)
    return f"{first.month}月{first.day}日至{last.month}月{last.day}日"


@command(
    intent="list_reports",
    usage="看周报",
    roles=EVERYBODY,
    phrases=("看周报", "看日报", "看上周周报", "团队周报", "团队日报"),
    reads=True,
)
async def list_reports(ctx: ChatContext) -> Reply:
    """看交上来的日报、周报（主管看团队的，谁没交一并列出）"""
    said = ctx.message.text.strip().partition(" ")[0]
    kind = ReportKind.DAILY if "日报" in said else ReportKind.WEEKLY
    day = today(ctx.core.clock) - timedelta(days=7 if "上周" in said else 0)
    first = work_reports.period_of(kind, day)
    rows = await work_reports.list_reports(ctx.core, ctx.actor, kind, first)
    names = dict(await Employee.filter(departed_at=None).values_list("id", "name"))
    lines = [f"{names.get(row.employee_id, '')}：{row.text[:300]}" for row in rows]
    missing = await _missing(ctx.actor, {row.employee_id for row in rows})
    after = f"还没交：{'、'.join(missing)}" if missing else ""
    if not rows:
        return replies.text("\n".join(part for part in (f"还没有人交{REPORT_LABELS[kind]}。", after) if part))
    return replies.numbered(f"{REPORT_LABELS[kind]}{len(rows)}份：", lines, after)


async def _missing(actor: Actor, done: set[int]) -> list[str]:
    if actor.role not in MANAGING:
        return []
    staff = Employee.filter(departed_at=None, role=Role.SALES.value)
    if not actor.sees_all:
        staff = staff.filter(id__in=list(actor.team))
    return [row.name for row in await staff.order_by("id").limit(100) if row.id not in done and row.id != actor.employee_id]


async def _recognise(core: Core, actor: Actor, words: str) -> dict[str, object] | None:
    """Take "小王 本周" for a question when 小王 is a colleague; "本周" of a customer means something else."""
    found = _CENTRE.fullmatch(words.strip())
    if found is None:
        return None
    if found["who"] != "我" and not await is_meant(actor, found["who"]):
        return None
    return {"who": found["who"], "range": found["range"]}


@command(
    intent="show_staff_work",
    usage="员工中心 小王 本周",
    roles=EVERYBODY,
    phrases=("员工中心", "工作情况"),
    recognise=_recognise,
)
async def show_staff_work(ctx: ChatContext) -> Reply:
    """看一位员工近期的工作（也可说：小王 本周）"""
    if "who" not in ctx.slots:
        words = ctx.slot("words").split()
        said = next((word for word in words if word in _RANGES), "本周")
        ctx.slots |= {"who": next((word for word in words if word not in _RANGES), "我"), "range": said}
    if ctx.slot("who") == "我" and ctx.actor.employee_id is None:
        raise NotFound
    employee = await colleague(ctx, ctx.slot("who"))
    label = ctx.slot("range")
    start, end = range_bounds(_RANGES[label], ctx.core.clock.now(), today(ctx.core.clock))
    if _RANGES[label] == "today":
        start, end = work_reports.bounds_of(ReportKind.DAILY, today(ctx.core.clock))
    if start is None or end is None:
        raise Invalid(field="range", reason="没有这个时间范围")
    found = await work_summaries.summarise(ctx.core, ctx.actor, employee.id, start, end)
    label = "本周" if label in ("最近", "近期", "这几天") else label
    lines = [f"{found.name} {label}：", work_summaries.words_of(found)]
    if found.unrecorded:
        lines.append(f"外出未记录{found.unrecorded}次")
    lines += [f"后面：{replies.when(at, ctx.core.clock.now())} {whom}" for at, whom in found.to_come[:3]]
    return replies.text("\n".join(lines))
