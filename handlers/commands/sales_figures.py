"""The figures of selling in words: the funnel, the forecast with its error, and targets."""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

from crm_core import access, change_sets, forecasts, funnels, performance, sales_targets
from crm_core.access import Role
from crm_core.clock import local_day
from crm_core.errors import Invalid
from crm_core.forecasts import METHOD, Forecast
from crm_core.funnels import Funnel, StageCount
from crm_core.performance import Standing
from crm_core.sales_targets import TargetOf
from handlers import replies
from handlers.opportunity_words import local_today, refuse_impossible
from handlers.replies import Reply, Undo
from handlers.router import EVERYBODY, ChatContext, command
from handlers.understanding.answers import read_answer
from handlers.understanding.parse import parse
from scheduler.reminders import range_bounds

RANGE_LABELS = {
    "today": "今天",
    "yesterday": "昨天",
    "this_week": "本周",
    "last_week": "上周",
    "this_month": "本月",
    "last_month": "上月",
    "this_quarter": "本季度",
    "last_quarter": "上季度",
    "this_year": "今年",
    "last_year": "去年",
    "next_month": "下月",
    "next_quarter": "下季度",
}
_WHEN = r"(?P<when>本月|这个?月|当月|下个?月|上个?月|\d{1,2}月份?|\d{4}年\d{1,2}月|\d{4}-\d{2})"
_OWN = re.compile(r"(?:看看?|查看?)?(?:我|自己|本人)的?")
_TARGET = r"(?:份?的?(?:销售|业绩)?目标)"


@command(intent="show_funnel", usage="本季度的销售漏斗", roles=EVERYBODY, phrases=("销售漏斗",), reads=True)
async def show_funnel(ctx: ChatContext) -> Reply:
    """看销售漏斗：数量、金额、转化、预测和目标"""
    first, last, label = span_said(ctx)
    whose, owners = await _owners(ctx)
    found = await funnels.funnel(ctx.core, ctx.actor, first, last, owner_ids=owners)
    title = f"{whose}{label}销售漏斗"
    if found.customer_counts:
        lines = [f"{status}：{number}家" for status, number in found.customer_counts]
        return replies.text("\n".join([f"{whose}客户流程：", *lines]))
    return replies.text("\n".join([f"{title}：", *(_stage_line(each) for each in found.stages), *_ended(ctx, found)]))


def _stage_line(each: StageCount) -> str:
    rate = each.conversion_rate
    told = f"{each.label}：{each.count}个，{replies.money(each.amount)}"
    told += f"，转化{rate * 100:.0f}%（{each.left_count}个离开，{each.forward_count}个推进）" if rate is not None else ""
    return told + (f"，平均{each.mean_days}天" if each.mean_days is not None else "")


def _ended(ctx: ChatContext, found: Funnel) -> list[str]:
    of_all = "（各流程合计）" if len(ctx.core.settings.opportunities.pipelines) > 1 else ""
    rate = f"，赢单率{found.win_rate * 100:.0f}%" if found.win_rate is not None else ""
    lines = [f"赢单{found.won_count}个，{replies.money(found.won_amount)}；输单{found.lost_count}个{rate}"]
    if found.target_amount is not None:
        lines.append(f"目标{replies.money(found.target_amount)}{of_all}，已完成{found.reached_percent or 0}%")
    if found.forecast is not None:
        lines.append(_forecast_line(found.forecast))
        if found.target_amount:
            lines.append(f"按预测能完成目标的{int(found.forecast.amount * 100 / found.target_amount)}%")
    return lines


def _forecast_line(found: Forecast) -> str:
    error = found.error_percent
    off = f"近{len(found.past)}个月预测平均偏差{error}%" if error is not None else "还没有往月预测可比，偏差未知"
    return f"预测{replies.money(found.amount)}（{METHOD}；{off}）"


@command(intent="show_forecast", usage="销售预测", roles=EVERYBODY, phrases=("销售预测", "预测"), reads=True)
async def show_forecast(ctx: ChatContext) -> Reply:
    """看本月预测、算法和过去的偏差"""
    access.require(ctx.actor, "opportunities:read")
    first, last, label = span_said(ctx)
    owners = funnels.seen_owners(ctx.actor, None)
    found = await forecasts.forecast(ctx.core, first, last, owners, local_today(ctx))
    lines = [
        f"{label}预测：{replies.money(found.amount)}",
        f"已赢{replies.money(found.won_amount)}，{found.counted}个商机加权{replies.money(found.expected_amount)}",
        f"算法：{METHOD}",
    ]
    left = [f"{found.overdue_count}个预计日期已过"] if found.overdue_count else []
    left += [f"{found.undated_count}个没填预计日期"] if found.undated_count else []
    lines += [f"没有算进去：{'，'.join(left)}"] if left else []
    for each in found.past:
        came = f"月初预测{replies.money(each.forecast_amount)}，实际{replies.money(each.won_amount)}"
        lines.append(f"{_month_words(ctx, each.month)}：{came}")
    error = found.error_percent
    lines.append(f"平均偏差{error}%" if error is not None else "还没有往月预测可比，偏差未知")
    return replies.text("\n".join(lines))


@command(
    intent="show_performance",
    usage="我这个月业绩",
    roles=EVERYBODY,
    phrases=("业绩", "业绩排名", "业绩排行", "销售业绩"),
    reads=True,
)
async def show_performance(ctx: ChatContext) -> Reply:
    """看业绩和排名：每人赢单多少、目标完成多少"""
    first, last, label = span_said(ctx)
    whose, owners = await _owners(ctx)
    if owners is None and _OWN.match(ctx.slot("said")) and ctx.actor.employee_id is not None:
        whose, owners = "我的", [ctx.actor.employee_id]
    found = await performance.standings(ctx.core, ctx.actor, first, last, owners)
    if not found:
        return replies.text(f"{whose}{label}还没有赢单。赢了可以说：云帆科技赢单了 50万")
    won = sum((each.won_amount for each in found), Decimal(0))
    head = f"{whose}{label}业绩（赢单共{replies.money(won)}）："
    if len(found) == 1 and owners is not None:
        return replies.text(f"{whose}{label}业绩：{_standing_line(found[0], named=False)}")
    return replies.numbered(head, [_standing_line(each) for each in found])


def _standing_line(each: Standing, *, named: bool = True) -> str:
    told = f"{f'{each.name}，' if named else ''}赢单{each.won_count}个，{replies.money(each.won_amount)}"
    if not each.target:
        return told
    return f"{told}，目标{replies.money(each.target)}，完成{int(each.won_amount * 100 / each.target)}%"


async def undo_target(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Put a target back to what it was."""
    await change_sets.undo(ctx.core, ctx.actor, ids[0])
    return replies.text("已撤销：目标恢复为原来的")


@command(
    intent="set_target",
    usage="小王 本月目标 50万",
    roles=frozenset({Role.MANAGER, Role.ADMIN}),
    phrases=("定目标",),
    forms=(rf"(?P<who>[^\s\d]{{1,16}}?)\s*{_WHEN}{_TARGET}\s*(?:是|定为?|设为?|改[为成]|[:：])?\s*(?P<sum>\S+)",),
    undo=("target.set", undo_target),
)
async def set_target(ctx: ChatContext) -> Reply:
    """给员工或部门定月目标"""
    who, when, amount = _target_words(ctx)
    whose = await sales_targets.whose(ctx.actor, who)
    month = month_said(ctx, when)
    refuse_impossible(f"金额 {amount}")
    yuan = read_answer("amount", amount, ctx.core.clock.now(), [])
    if not yuan:
        raise Invalid(field="金额", reason="没看懂，请写成 50万")
    row, changes = await sales_targets.set_target(
        ctx.core,
        ctx.actor,
        month=month,
        amount=yuan,
        employee_id=whose.employee_id,
        department_id=whose.department_id,
    )
    return replies.text(
        f"已定：{whose.name}{_month_words(ctx, month)}目标{replies.money(row.amount)}", Undo("target.set", (changes.id,))
    )


def _target_words(ctx: ChatContext) -> tuple[str, str, str]:
    if ctx.slot("who"):
        return ctx.slot("who"), ctx.slot("when"), ctx.slot("sum")
    parts = ctx.slot("words").split()
    if len(parts) != 3:
        raise Invalid(field="目标", reason="请写成：小王 本月目标 50万")
    return parts[0], parts[1], parts[2]


@command(
    intent="show_target",
    usage="本月目标",
    roles=EVERYBODY,
    phrases=("目标", "我的目标", "销售目标"),
    forms=(rf"(?P<who>[^\s\d]{{0,16}}?)\s*{_WHEN}{_TARGET}[?？]?",),
    reads=True,
)
async def show_target(ctx: ChatContext) -> Reply:
    """看目标和完成了多少"""
    access.require(ctx.actor, "targets:read")
    who = ctx.slot("who") or ctx.slot("words")
    month = month_said(ctx, ctx.slot("when") or "本月")
    whose, owners = await _team_of(ctx, await sales_targets.whose(ctx.actor, who)) if who else await _owners(ctx)
    seen = funnels.seen_owners(ctx.actor, owners)
    target = await sales_targets.target_of(ctx.core, [month], seen)
    first, after = forecasts.bounds_of(month)
    found = await forecasts.forecast(ctx.core, first, after - timedelta(days=1), seen, local_today(ctx))
    won = f"已赢{replies.money(found.won_amount)}"
    if target is None:
        return replies.text(f"{whose}{_month_words(ctx, month)}还没有定目标，{won}。主管可以说：小王 本月目标 50万")
    percent = int(found.won_amount * 100 / target) if target else 100
    return replies.text(f"{whose}{_month_words(ctx, month)}目标{replies.money(target)}，{won}，完成{percent}%")


def month_said(ctx: ChatContext, when: str) -> str:
    """Tell the month that is meant: 本月, 下月, 12月 (the nearest not past), 2026年12月. Raises: Invalid."""
    day = local_today(ctx)
    if "-" in when or "年" in when:
        year, month = when.replace("年", "-").rstrip("月").split("-")
        return _month(int(year), int(month))
    if when.rstrip("月份").isdecimal():
        number = int(when.rstrip("月份"))
        return _month(day.year + (number < day.month), number)
    step = -1 if when.startswith("上") else 1 if when.startswith("下") else 0
    index = day.year * 12 + day.month - 1 + step
    return _month(index // 12, index % 12 + 1)


def _month_words(ctx: ChatContext, month: str) -> str:
    """Write a month as people say it; the year only when it is another one."""
    year, number = month.split("-")
    return f"{'' if int(year) == local_today(ctx).year else f'{year}年'}{int(number)}月"


def _month(year: int, number: int) -> str:
    if not 1 <= number <= 12:
        raise Invalid(field="月份", reason=f"没有{number}月，请核对")
    return f"{year:04d}-{number:02d}"


def span_said(ctx: ChatContext) -> tuple[date, date, str]:
    """Tell the first and the last day a sentence speaks of, and how to call it; this month when it says none."""
    said = ctx.slots.get("range") or _range_in_words(ctx)
    wanted: str | Mapping[str, str] = said if isinstance(said, (str, dict)) else "this_month"
    wanted = "this_month" if wanted in ("overdue", "tomorrow", "next_week") else wanted
    day = local_today(ctx)
    if wanted == "today":
        return day, day, "今天"
    start, end = range_bounds(wanted, ctx.core.clock.now(), day)
    first = local_day(start) if start else day
    last = local_day(end) - timedelta(days=1) if end else day
    forecasts.check_span(first, last, field="日期")
    label = RANGE_LABELS.get(str(wanted)) or f"{first:%Y-%m-%d}至{last:%Y-%m-%d}"
    return first, last, label


def _range_in_words(ctx: ChatContext) -> object:
    """Read what stands behind the phrase (销售预测 下个月); this month when nothing does. Raises: Invalid."""
    words = ctx.slot("words").strip("的？? ")
    if not words:
        return "this_month"
    found = parse(f"{words}业绩", ctx.core.clock.now(), []).slots.get("range")
    if not found:
        raise Invalid(field="时间", reason=f"没看懂「{words[:12]}」，可以说本月、下月、本季度")
    return found


async def _owners(ctx: ChatContext) -> tuple[str, list[int] | None]:
    """Tell whose figures are meant: those of somebody named, else all the speaker sees."""
    name = ctx.slot("assignee")
    if name:
        return await _team_of(ctx, await sales_targets.whose(ctx.actor, name))
    return ("我的" if ctx.actor.role is Role.SALES else "团队" if ctx.actor.role is Role.MANAGER else "全部"), None


async def _team_of(ctx: ChatContext, whose: TargetOf) -> tuple[str, list[int] | None]:
    if whose.employee_id is not None:
        return f"{whose.name}的" if whose.name != "我" else "我的", [whose.employee_id]
    return f"{whose.name}的", await sales_targets.members(whose.department_id or 0)
