"""How deals end in words: won, lost to whom and why, laid aside, tried again later, opened again; and who wins against us."""

import re
from datetime import date

from crm_core import win_loss
from crm_core.opportunities import Opportunity
from handlers import replies
from handlers.opportunity_words import day_said, day_words, local_today, pick, undo_move, values_said
from handlers.replies import Reply, Undo
from handlers.router import EVERYBODY, SELLING, ChatContext, command

_LOST_TO = (
    re.compile(r"被(?P<name>[^,，。被]{1,20}?)(?:给)?(?:抢|撬|截|拿|签|中标|挖)"),
    re.compile(r"(?:选|找|定|用|签|买)了(?P<name>[^,，。]{1,20}?)(?:家|的)?(?:[,，。]|$)"),
    re.compile(r"输给(?:了)?(?P<name>[^,，。]{1,20})"),
)
_SOMEBODY = re.compile(r"^(?:别人?|别家|其他|其它|对手|竞品|竞对|竞争对手|人|他们|另|同行|友商|一)")
_AGAIN = re.compile(r"(?P<when>[^,，。]{1,20}?)再(?:去)?(?:试|约|联系|谈|跟|看|聊|沟通)")
_ASIDE = r"(?:的商机|的单子?|那单)?[\s,，]*先?(?:搁置|放一放|搁一搁)"


@command(
    intent="win_opportunity",
    usage="云帆科技赢单了 50万",
    roles=SELLING,
    undo=("opportunity.move", undo_move),
)
async def win_opportunity(ctx: ChatContext) -> Reply:
    """记赢单"""
    values = values_said(ctx, "amount")
    row = await pick(ctx)
    row, move = await win_loss.win(ctx.core, ctx.actor, row.id, amount=values.get("amount"))
    amount = f"，{replies.money(row.amount)}" if row.amount is not None else "，金额没填（回复「撤销」后连金额再说一遍）"
    return replies.text(f"赢单：{row.name}{amount}", Undo("opportunity.move", (row.id, move.id)))


@command(
    intent="lose_opportunity",
    usage="云帆科技丢单了 嫌贵",
    roles=SELLING,
    undo=("opportunity.move", undo_move),
)
async def lose_opportunity(ctx: ChatContext) -> Reply:
    """记输单，写明原因和对手"""
    row = await pick(ctx)
    ctx.slots["deal"] = str(row.id)
    if not ctx.slot("reason"):
        raise ctx.ask_words(f"「{row.name}」为什么丢的？", slot="reason")
    said = "" if ctx.slot("text").strip("第个条#. ").isdecimal() else ctx.slot("text")  # a number names no rival
    competitor = said or competitor_in(f"{ctx.slot('said')}，{ctx.slot('reason')}")
    if not competitor:
        raise ctx.ask_words("输给了谁？没有对手请回复“无”：", slot="text")
    again = _AGAIN.search(ctx.slot("reason"))
    day = day_said(ctx, again["when"]) if again else None
    retry_on = day if day and day > local_today(ctx) else None
    reason = ctx.slot("reason")
    if again and retry_on:
        reason = reason.replace(again[0], "").strip(" ,，。；;") or reason
    row, move = await win_loss.lose(ctx.core, ctx.actor, row.id, reason=reason[:200], competitor=competitor, retry_on=retry_on)
    to_whom = "没有对手" if row.competitor == win_loss.NOBODY else f"输给{row.competitor}"
    told = f"已记输单：{row.name}，{row.loss_reason}，{to_whom}"
    return replies.text("\n".join([told, *_retry_words(row)]), Undo("opportunity.move", (row.id, move.id)))


def competitor_in(words: str) -> str:
    """Tell to whom a deal was lost, where the sentence names somebody."""
    for form in _LOST_TO:
        found = form.search(words)
        if found and not _SOMEBODY.match(found["name"].strip()):
            return found["name"].strip()
    return ""


def _retry_words(row: Opportunity) -> list[str]:
    if row.retry_on is None:
        return [f"要以后再试就说：再试 #{row.id} 三个月后"]
    return [f"{day_words(row.retry_on)}会提醒再试，改日期就说：再试 #{row.id} 半年后"]


@command(
    intent="retry_opportunity",
    usage="再试 云帆科技 三个月后",
    roles=SELLING,
    phrases=("再试",),
    forms=(r"(?P<who>[^\s,，]{2,30})\s+(?P<day>[^\s,，]+?)再试试?",),
)
async def retry_opportunity(ctx: ChatContext) -> Reply:
    """给丢掉或搁置的商机约再试的日子"""
    rest = _take_who(ctx)
    row = await pick(ctx, statuses=("lost", "shelved"))
    ctx.slots["deal"] = str(row.id)
    day = _day(ctx, ctx.slot("day") or rest)
    if day is None:
        raise ctx.ask_words("哪天再试？", slot="expected_close")
    row = await win_loss.plan_retry(ctx.core, ctx.actor, row.id, day)
    return replies.text(f"好的，{day_words(day)}提醒再试：{row.name}")


@command(
    intent="shelve_opportunity",
    usage="搁置 云帆科技 到下个月底 预算没批",
    roles=SELLING,
    phrases=("搁置",),
    forms=(rf"(?:把)?(?P<who>\S{{2,30}}?){_ASIDE}(?:到(?P<day>[^\s,，]+))?(?:[\s,，]+(?P<reason>.+))?",),
    undo=("opportunity.move", undo_move),
)
async def shelve_opportunity(ctx: ChatContext) -> Reply:
    """先搁置一个商机，到日子再提醒"""
    rest = _take_who(ctx)
    if rest and "reason" not in ctx.slots:
        first, _, after = rest.partition(" ")
        ctx.slots |= {"day": first.removeprefix("到")} if first.startswith("到") else {}
        reason = after if first.startswith("到") else rest
        ctx.slots |= {"reason": reason.strip()} if reason.strip() else {}
    row = await pick(ctx)
    ctx.slots["deal"] = str(row.id)
    day = _day(ctx, ctx.slot("day"))
    if day is None:
        raise ctx.ask_words(f"「{row.name}」搁置到哪天？", slot="expected_close")
    if not ctx.slot("reason"):
        raise ctx.ask_words("为什么搁置？", slot="reason")
    row, move = await win_loss.shelve(ctx.core, ctx.actor, row.id, until=day, reason=ctx.slot("reason")[:200])
    return replies.text(f"已搁置：{row.name}，{day_words(day)}再提醒", Undo("opportunity.move", (row.id, move.id)))


@command(
    intent="reopen_opportunity",
    usage="重启 云帆科技",
    roles=SELLING,
    phrases=("重启", "重启商机"),
    forms=(r"(?:重启|重开|重新打开)(?P<who>\S{2,30}?)(?:的?商机|的单子?)?",),
    undo=("opportunity.move", undo_move),
)
async def reopen_opportunity(ctx: ChatContext) -> Reply:
    """重启丢掉、搁置或误记赢单的商机"""
    rest = _take_who(ctx)
    row = await pick(ctx, statuses=("lost", "shelved", "won"))
    ctx.slots["deal"] = str(row.id)
    reason = ctx.slot("reason") or rest
    if row.status == "won" and not reason:
        raise ctx.ask_words(f"「{row.name}」已赢单，为什么重启？", slot="reason")
    row, move = await win_loss.reopen(ctx.core, ctx.actor, row.id, reason=reason[:200])
    label = ctx.core.settings.opportunities.pipeline(row.pipeline).label_of(row.stage)
    return replies.text(f"已重启：{row.name}，在「{label}」", Undo("opportunity.move", (row.id, move.id)))


@command(
    intent="show_competitors",
    usage="输给谁",
    roles=EVERYBODY,
    phrases=("输给谁", "输给了谁", "竞争对手", "丢单原因"),
    reads=True,
)
async def show_competitors(ctx: ChatContext) -> Reply:
    """看今年输给了哪些对手"""
    day = local_today(ctx)
    found = await win_loss.lost_to(ctx.core, ctx.actor, date(day.year, 1, 1), date(day.year + 1, 1, 1))
    if not found:
        return replies.text("今年还没有输单。")
    lines = [f"{each.competitor}：{each.count}单，{replies.money(each.amount)}" for each in found[:10]]
    return replies.numbered(f"今年输单{sum(each.count for each in found)}个：", lines)


def _take_who(ctx: ChatContext) -> str:
    """Take the first word of what stands behind a phrase as whom it is about; tells the rest."""
    if "words" not in ctx.slots or "who" in ctx.slots:
        return ctx.slot("rest")
    first, _, rest = ctx.slot("words").partition(" ")
    ctx.slots |= {"who": first, "rest": rest.strip()}
    return rest.strip()


def _day(ctx: ChatContext, words: str) -> date | None:
    """Tell the day that was said, at once or as an answer."""
    if "expected_close" in ctx.slots:
        return date.fromisoformat(ctx.slot("expected_close"))
    return day_said(ctx, words) if words else None
