"""Units of the house in words, and what assignment knows of colleagues: regions, skills, hours, absence."""

import re
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from crm_core import access, assignment_profiles, departments
from crm_core.access import Role
from crm_core.assignment_profiles import AssignmentProfile
from crm_core.clock import at_local, local_day
from crm_core.distribution_rules import KIND_LABELS
from crm_core.employees import Employee
from crm_core.errors import Invalid
from handlers import replies
from handlers.lead_choice import colleague
from handlers.opportunity_words import day_said
from handlers.replies import Reply, Undo
from handlers.router import EVERYBODY, SELLING, ChatContext, command

ADMIN = frozenset({Role.ADMIN})
RULING = frozenset({Role.MANAGER, Role.ADMIN})
_KINDS = {label: kind for kind, label in KIND_LABELS.items()}
_FIELDS = {"负责地区": "regions", "专长": "skills", "名下上限": "capacity", "上班时间": "work_hours", "上班日": "work_days"}
_DAYS = re.compile(r"(\d{1,3})\s*天")
_FROM_TO = re.compile(r"(?P<first>[^到至~～]*?)\s*[到至~～]\s*(?P<last>[^到至~～]+)")
_LONGEST_AWAY = 366


@command(intent="list_departments", usage="部门", roles=EVERYBODY, phrases=("部门", "单位"), reads=True)
async def list_departments(ctx: ChatContext) -> Reply:
    """看单位和上下级"""
    found = await departments.tree()
    if not found:
        return replies.text("还没有单位。管理员可以说：新部门 华东部")
    people = await access.visible(Employee, ctx.actor).filter(departed_at=None).values_list("department_id", flat=True)
    lines = [
        f"{'　' * depth}{row.name}（{KIND_LABELS.get(row.kind, row.kind)}，{list(people).count(row.id)}人）"
        for depth, row in found
    ]
    return replies.text("\n".join(lines))


async def undo_department(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Close a unit just made."""
    row = await departments.close(ctx.core, ctx.actor, ids[0])
    return replies.text(f"已撤销：{row.name}")


@command(
    intent="add_department",
    usage="新部门 上海店 门店 上级 华东部",
    roles=ADMIN,
    phrases=("新部门", "新单位"),
    undo=("department.add", undo_department),
)
async def add_department(ctx: ChatContext) -> Reply:
    """新建单位"""
    words = ctx.slot("words").split()
    if not words:
        raise Invalid(field="部门", reason="请写成：新部门 上海店 门店 上级 华东部")
    name, *rest = words
    kind = next((_KINDS[word] for word in rest if word in _KINDS), "department")
    above = next((after for word, after in pairwise(rest) if word == "上级"), "")
    parent = await departments.find(above) if above else None
    row = await departments.add(ctx.core, ctx.actor, name=name, kind=kind, parent_id=parent.id if parent else None)
    told = f"已新建{KIND_LABELS[kind]}：{row.name}" + (f"，上级{parent.name}" if parent else "")
    return replies.text(f"{told}。说错了回复「撤销」", Undo("department.add", (row.id,)))


@command(intent="change_department", usage="改部门 上海店 上级 总部", roles=ADMIN, phrases=("改部门", "改单位"))
async def change_department(ctx: ChatContext) -> Reply:
    """改单位的名称、类型或上级"""
    name, _, rest = ctx.slot("words").partition(" ")
    what, _, said = rest.strip().partition(" ")
    said = said.strip()
    row = await departments.find(name)
    if what in ("名称", "改名") and said:
        row = await departments.change(ctx.core, ctx.actor, row.id, name=said)
    elif what == "上级" and said:
        parent = None if said == "无" else (await departments.find(said)).id
        row = await departments.change(ctx.core, ctx.actor, row.id, parent_id=parent)
    elif what == "类型" and said in _KINDS:
        row = await departments.change(ctx.core, ctx.actor, row.id, kind=_KINDS[said])
    else:
        raise Invalid(field="部门", reason="请写成：改部门 上海店 上级 华东部（或 名称、类型）")
    return replies.text(f"已修改：{row.name}")


@command(intent="close_department", usage="关闭部门 上海店", roles=ADMIN, phrases=("关闭部门", "关闭单位"))
async def close_department(ctx: ChatContext) -> Reply:
    """关闭空的单位"""
    row = await departments.find(ctx.slot("words"))
    row = await departments.close(ctx.core, ctx.actor, row.id)
    return replies.text(f"已关闭：{row.name}")


@command(intent="show_assignment_profile", usage="分配资料 小王", roles=EVERYBODY, phrases=("分配资料",), reads=True)
async def show_assignment_profile(ctx: ChatContext) -> Reply:
    """看分配线索时用的资料"""
    employee = await colleague(ctx, ctx.slot("words") or "我")
    row = await AssignmentProfile.get_or_none(employee_id=employee.id)
    known = assignment_profiles.say(row, ctx.core.clock.now()) if row else []
    if not any(words for _, words in known):
        return replies.text(f"{employee.name}还没有分配资料，按全公司的上班时间和上限分配。")
    return replies.record(f"{employee.name}的分配资料", known)


@command(intent="change_assignment_profile", usage="负责地区 小王 上海、浙江", roles=RULING, phrases=tuple(_FIELDS))
async def change_assignment_profile(ctx: ChatContext) -> Reply:
    """改同事的负责地区、专长、名下上限、上班时间"""
    label = ctx.message.text.strip().partition(" ")[0]
    name, _, said = ctx.slot("words").partition(" ")
    field = _FIELDS.get(label, "")
    if not field or not name:
        raise Invalid(field=label[:16], reason="请写成：负责地区 小王 上海、浙江")
    employee = await colleague(ctx, name)
    value: object = said.strip()
    if field == "capacity":
        digits = said.strip().removesuffix("条")
        if not digits.isdecimal() or len(digits) > 4:
            raise Invalid(field=label, reason="请写一个数字，0表示不另设")
        value = int(digits)
    row = await assignment_profiles.change(ctx.core, ctx.actor, employee.id, **{field: value})
    return replies.record(f"已修改：{employee.name}", assignment_profiles.say(row, ctx.core.clock.now()))


async def undo_away(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Be there again."""
    await assignment_profiles.change(ctx.core, ctx.actor, ids[0], away_from=None, away_until=None)
    return replies.text("已撤销：没有请假")


@command(intent="take_leave", usage="请假 3天", roles=SELLING, phrases=("请假", "休假"), undo=("profile.away", undo_away))
async def take_leave(ctx: ChatContext) -> Reply:
    """请假期间不分线索"""
    now = ctx.core.clock.now()
    first, last = _days_away(ctx, now)
    start, until = max(now, at_local(first, time(0))), at_local(last, time(0)) + timedelta(days=1)
    me = await colleague(ctx, "我")
    row = await assignment_profiles.change(ctx.core, ctx.actor, me.id, away_from=start, away_until=until)
    words = dict(assignment_profiles.say(row, now))["请假"]
    return replies.text(f"已登记请假，{words}，期间不分线索。说错了回复「撤销」", Undo("profile.away", (me.id,)))


def _days_away(ctx: ChatContext, now: datetime) -> tuple[date, date]:
    """Read the first and the last day: "3天", "后天", "到11月28日", "从明天到周五", "11月24日至27日", "明天起3天"."""
    said, day = ctx.slot("words"), local_day(now)
    days, both = _DAYS.search(said), _FROM_TO.fullmatch(said)
    head = _DAYS.sub("", said) if days else both["first"] if both else said
    head = head.strip(" 从起开始共的")
    first = day_said(ctx, head) if head else day
    if days and first:
        last: date | None = first + timedelta(days=int(days[1]) - 1)
    else:
        last = _last_day(ctx, both["last"], first) if both else first
    if first is None or last is None or not day <= first <= last <= day + timedelta(days=_LONGEST_AWAY):
        raise Invalid(field="请假", reason="请写成：请假 3天，或 请假 从11月24日到11月28日")
    return first, last


def _last_day(ctx: ChatContext, words: str, first: date | None) -> date | None:
    """Read the last day; a number alone is of the month of the first (11月24日至27日)."""
    alone = re.fullmatch(r"(\d{1,2})[号日]?", words.strip())
    return day_said(ctx, f"{first.month}月{alone[1]}日" if alone and first else words)


@command(intent="end_leave", usage="销假", roles=SELLING, phrases=("销假",))
async def end_leave(ctx: ChatContext) -> Reply:
    """提前回来上班"""
    me = await colleague(ctx, "我")
    await assignment_profiles.change(ctx.core, ctx.actor, me.id, away_from=None, away_until=None)
    return replies.text("已销假，可以分线索了。")
