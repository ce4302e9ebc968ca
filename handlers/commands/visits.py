"""Outings in words (外出登记): register, plan a week, check in by word or place, and compare with the records."""

from datetime import datetime, timedelta

from crm_core import outings
from crm_core.clock import at_local, day_bounds, local_day, today
from crm_core.daily_work_rules import week_of
from crm_core.employees import Employee
from crm_core.errors import NotFound
from crm_core.field_visits import FieldVisit
from crm_core.messages import Kind
from handlers import dialogs, replies, visit_words
from handlers.replies import Reply, Undo
from handlers.router import EVERYBODY, SELLING, ChatContext, command
from scheduler.reminders import range_bounds

_RANGES = {
    "今天": "today",
    "昨天": "yesterday",
    "明天": "tomorrow",
    "本周": "this_week",
    "这周": "this_week",
    "下周": "next_week",
    "上周": "last_week",
    "本月": "this_month",
    "上月": "last_month",
}
HERE = timedelta(minutes=10)
"""A time that near is now: whoever says it stands there."""


async def undo_visit(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Call off what was just registered."""
    names = [(await outings.cancel(ctx.core, ctx.actor, number)).name for number in ids]
    return replies.text(f"已撤销：{'、'.join(names)}的外出登记")


async def undo_check_in(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Take a check-in back."""
    visit = await outings.undo_check_in(ctx.core, ctx.actor, ids[0])
    return replies.text(f"已撤销：{visit.name}的签到，外出登记还在")


@command(intent="log_visit", usage="明天下午2点去云帆科技送样品", roles=SELLING, undo=("visit", undo_visit))
async def log_visit(ctx: ChatContext) -> Reply:
    """登记外出，或到了打卡"""
    now = ctx.core.clock.now()
    at = datetime.fromisoformat(ctx.slot("at")) if ctx.slot("at") else now
    stop = await visit_words.where(ctx, at, place=ctx.slot("place"), purpose=ctx.slot("purpose"))
    new = "" if stop.subject else "（还不是客户，去过后记一条跟进就能建档）"
    if at > now + HERE:
        visit = await outings.register(ctx.core, ctx.actor, stop)
        words = f"已登记外出：{visit_words.line_of(visit, now)}{new}。到了说「打卡 {visit.name}」或发位置，改主意回复「撤销」"
        return replies.text(words, Undo("visit", (visit.id,)))
    visit, planned = await outings.arrive(ctx.core, ctx.actor, stop)
    undo = Undo("visit.check_in" if planned else "visit", (visit.id,))
    return replies.text(
        f"已打卡：{_arrived(visit.checked_in_at, now)} {visit.name}{new}。谈完记一条跟进，说错了回复「撤销」", undo
    )


def _arrived(at: datetime | None, now: datetime) -> str:
    return replies.when(at or now, now)


@command(intent="check_in", usage="我到了", roles=SELLING, phrases=("我到了", "到了"), undo=("visit.check_in", undo_check_in))
async def check_in(ctx: ChatContext) -> Reply:
    """在外出地点签到（发送位置也行）"""
    if "visit" not in ctx.slots:
        found = await outings.open_today(ctx.core, ctx.actor)
        if not found:
            return replies.text("今天没有待签到的外出。先说要去哪里，例如：打卡 云帆科技")
        now = ctx.core.clock.now()
        place, position = _sent_place(ctx)
        ctx.slots |= {"place": place, "position": position}
        due = [each for each in found if each.planned_at <= now + timedelta(hours=1)]
        if len(found) > 1 and len(due) != 1:
            options = [(visit_words.line_of(each, now), str(each.id)) for each in found[:9]]
            raise ctx.ask_choice("在哪家签到？请回复序号：", options, slot="visit")
        ctx.slots["visit"] = (due or found)[0].id
    visit = await outings.check_in(
        ctx.core, ctx.actor, int(ctx.slot("visit")), place=ctx.slot("place"), position=ctx.slot("position")
    )
    where = f"，位置：{visit.check_in_place}" if visit.check_in_place else ""
    words = f"已签到：{visit.name}{where}。谈完记一条跟进，说错了回复「撤销」"
    return replies.text(words, Undo("visit.check_in", (visit.id,)))


def _sent_place(ctx: ChatContext) -> tuple[str, str]:
    """Tell the label and the position of a place that was sent."""
    if ctx.message.kind is not Kind.LOCATION:
        return "", ""
    data = ctx.message.data
    latitude, longitude = (data.get(name) for name in ("latitude", "longitude"))
    position = f"{latitude},{longitude}" if latitude is not None and longitude is not None else ""
    return ctx.message.text.strip() or str(data.get("label") or ""), position


@command(
    intent="plan_week",
    usage="周计划 周五上午 云帆科技，周五下午3点 东风机械厂 演示",
    roles=SELLING,
    phrases=("周计划", "本周计划", "下周计划", "拜访计划"),
    forms=(r"(?:本周|下周|周)(?:拜访)?计划[\s:：]+(?P<words>[\s\S]+)",),
    at_any_length=True,
    undo=("visits", undo_visit),
)
async def plan_week(ctx: ChatContext) -> Reply:
    """一次排好一周的拜访，或看计划"""
    next_week = ctx.message.text.strip().startswith("下周")
    if not ctx.slot("words"):
        return await _show(ctx, "next_week" if next_week else "this_week", "下周" if next_week else "本周")
    stops = await visit_words.read_week(ctx, ctx.slot("words"), next_week=next_week)
    made = await outings.register_all(ctx.core, ctx.actor, stops)
    made.sort(key=lambda each: (each.planned_at, each.id))
    await dialogs.remember_list(ctx.core, ctx.place, "visits", [each.id for each in made])
    lines = visit_words.lines_of(made, ctx.core.clock.now())
    reply = replies.numbered(f"已排{len(made)}次拜访：", lines, "取消其中一次：取消外出 1；全部收回：撤销")
    return Reply(reply.body, Undo("visits", tuple(each.id for each in made)))


@command(
    intent="list_visits",
    usage="外出安排 本周",
    roles=EVERYBODY,
    phrases=("外出安排", "我的外出", "外出计划"),
    reads=True,
)
async def list_visits(ctx: ChatContext) -> Reply:
    """看外出安排（主管看到团队的）"""
    said = ctx.slot("words")
    return await _show(ctx, _RANGES.get(said, "this_week"), said if said in _RANGES else "本周")


async def _show(ctx: ChatContext, wanted: str, label: str) -> Reply:
    start, end = range_bounds(wanted, ctx.core.clock.now(), today(ctx.core.clock))
    if wanted == "today":
        start = day_bounds(today(ctx.core.clock))[0]
    if start is None or end is None:
        raise NotFound
    found = await outings.list_visits(ctx.core, ctx.actor, start, end)
    await dialogs.remember_list(ctx.core, ctx.place, "visits", [each.id for each in found])
    if not found:
        return replies.text(f"{label}没有登记外出。例如说：明天下午2点去云帆科技")
    lines = visit_words.lines_of(found, ctx.core.clock.now(), await _names(found))
    return replies.numbered(f"{label}外出{len(found)}次：", lines, "取消其中一次：取消外出 1")


async def undo_cancel(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Put a called-off outing back."""
    visit = await outings.cancel(ctx.core, ctx.actor, ids[0], undo=True)
    return replies.text(f"已撤销：去{visit.name}的外出还在")


@command(intent="cancel_visit", usage="取消外出 1", roles=SELLING, phrases=("取消外出",), undo=("visit.cancel", undo_cancel))
async def cancel_visit(ctx: ChatContext) -> Reply:
    """取消一次外出"""
    number = await dialogs.listed(ctx.core, ctx.place, "visits", ctx.slot("words").strip("#第次条"), ctx.message.text)
    visit = await outings.cancel(ctx.core, ctx.actor, number)
    return replies.text(f"已取消去{visit.name}的外出。说错了回复「撤销」", Undo("visit.cancel", (visit.id,)))


@command(
    intent="match_visits",
    usage="外出对照 本周",
    roles=EVERYBODY,
    phrases=("外出对照", "外出未记录", "外出没记录"),
    reads=True,
)
async def match_visits(ctx: ChatContext) -> Reply:
    """看去了还没写联系记录的外出"""
    now = ctx.core.clock.now()
    start, end = day_bounds(local_day(now))
    if ctx.slot("words") in ("本周", "这周"):
        monday = week_of(local_day(now))
        start, end = at_local(monday, datetime.min.time()), at_local(monday + timedelta(days=7), datetime.min.time())
    elif ctx.slot("words") == "昨天":
        start, end = day_bounds(local_day(now) - timedelta(days=1))
    found = await outings.unrecorded(ctx.core, ctx.actor, start, end)
    label = ctx.slot("words") or "今天"
    if not found:
        planned = await outings.list_visits(ctx.core, ctx.actor, start, end)
        later = [each for each in planned if each.planned_at > now and each.checked_in_at is None]
        if not planned:
            return replies.text(f"{label}没有登记外出。例如说：明天下午2点去云帆科技")
        still = f"还有{len(later)}次没到时间。" if later else ""
        return replies.text(still if len(later) == len(planned) else f"{label}去过的外出都有联系记录。{still}")
    lines = visit_words.lines_of(found, now, await _names(found))
    return replies.numbered(
        f"{label}{len(found)}次外出还没有联系记录：", lines, "补记一句即可，例如：今天拜访了云帆科技，对方嫌贵"
    )


@command(intent="show_rhythms", usage="定期拜访", roles=EVERYBODY, phrases=("定期拜访", "定期拜访计划"), reads=True)
async def show_rhythms(ctx: ChatContext) -> Reply:
    """看各级客户多久拜访一次，和后面的定期拜访"""
    rhythms = ctx.core.settings.daily_work.rhythms
    if not rhythms:
        return replies.text("还没有设置定期拜访，要按客户级别定期拜访请管理员设置。")
    rules = "；".join(f"{'、'.join(each.grades)}级每{each.every_days}天" for each in rhythms)
    found = await outings.recurring(ctx.core, ctx.actor)
    await dialogs.remember_list(ctx.core, ctx.place, "visits", [each.id for each in found])
    if not found:
        return replies.text(f"定期拜访：{rules}。后面还没有排到的客户。")
    lines = visit_words.lines_of(found, ctx.core.clock.now(), await _names(found))
    return replies.numbered(f"定期拜访：{rules}。后面{len(found)}次：", lines, "提前去过会自动顺延；取消其中一次：取消外出 1")


async def _names(found: list[FieldVisit]) -> dict[int, str]:
    return dict(await Employee.filter(id__in=[each.employee_id for each in found]).values_list("id", "name"))
