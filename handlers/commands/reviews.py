"""Remarks on records in words (批复): look at the team's follow-ups, remark on one, say that a remark was read."""

import re

from crm_core import access, colleagues
from crm_core.access import Actor
from crm_core.activities import METHOD_LABELS, FollowUp, Method, ReviewComment
from crm_core.employees import Employee
from crm_core.errors import NotFound
from crm_core.ports import Core
from handlers import dialogs, replies, subjects
from handlers.lead_choice import is_meant
from handlers.replies import Reply, Undo
from handlers.router import EVERYBODY, SELLING, ChatContext, command
from scheduler import reviews

SHOWN = 10


_WHOSE = re.compile(
    r"(?:看看?|查看?)?(?:一下|下)?(?P<words>[\u3400-\u9fff·]{2,5}?)"
    r"(?:(?:的|最近的)(?:跟进|联系)(?:记录|情况)?|(?:最近|今天|本周)都?(?:跟进|联系)(?:了|过)?(?:谁|哪些(?:人|客户)?|什么))[?？]?"
)


async def _recognise(core: Core, actor: Actor, words: str) -> dict[str, object] | None:
    """Take "看小王的跟进" for the records of 小王 when that is a colleague."""
    found = _WHOSE.fullmatch(words.strip())
    return {"words": found["words"]} if found and await is_meant(actor, found["words"]) else None


@command(
    intent="list_follow_ups",
    usage="最近跟进 小王",
    roles=EVERYBODY,
    phrases=("最近跟进", "团队跟进", "联系记录"),
    recognise=_recognise,
    reads=True,
)
async def list_follow_ups(ctx: ChatContext) -> Reply:
    """看最近的联系记录（主管看团队的，可接着批复）"""
    said = ctx.slot("words")
    query = access.visible(FollowUp, ctx.actor).filter(undone_at=None)
    if said:
        writers = await colleagues.called(ctx.actor, said) if await is_meant(ctx.actor, said) else []
        numbers = [row.id for row in writers]
        query = query.filter(author_id__in=numbers) if numbers else query.filter(person__icontains=said)
    rows = await query.order_by("-at", "-id").limit(SHOWN)
    await dialogs.remember_list(ctx.core, ctx.place, "follow_ups", [row.id for row in rows])
    if not rows:
        return replies.text("没有联系记录。说一句就能记，例如：刚和张伟通了电话，嫌贵")
    names = await _names(rows)
    remarks = await _remarks(rows)
    lines = [_line(ctx, row, names, remarks.get(row.id, [])) for row in rows]
    return replies.numbered("最近的联系记录：", lines, "批复其中一条：批复第1条：价格先别让")


def _line(ctx: ChatContext, row: FollowUp, names: dict[int, str], remarks: list[ReviewComment]) -> str:
    method = METHOD_LABELS[Method(row.method)]
    told = [names.get(row.author_id or 0, ""), replies.when(row.at, ctx.core.clock.now()), row.person, method, row.summary[:40]]
    said = [f"\n   批复：{each.text[:60]}{'（已读）' if each.read_at else '（未读）'}" for each in remarks]
    return "，".join(part for part in told if part) + "".join(said)


async def _names(rows: list[FollowUp]) -> dict[int, str]:
    numbers = {row.author_id for row in rows if row.author_id is not None}
    return dict(await Employee.filter(id__in=list(numbers)).values_list("id", "name"))


async def _remarks(rows: list[FollowUp]) -> dict[int, list[ReviewComment]]:
    found: dict[int, list[ReviewComment]] = {}
    remarks = ReviewComment.filter(follow_up_id__in=[row.id for row in rows], withdrawn_at=None)
    for remark in await remarks.order_by("id"):
        found.setdefault(remark.follow_up_id, []).append(remark)
    return found


async def undo_comment(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Take a remark back."""
    remark = await reviews.withdraw(ctx.core, ctx.actor, ids[0])
    return replies.text(f"已撤销批复：{remark.text[:40]}")


@command(intent="comment", usage="批复第1条：价格先别让", roles=SELLING, undo=("review", undo_comment))
async def comment(ctx: ChatContext) -> Reply:
    """批复一条联系记录"""
    follow_up = await _meant(ctx)
    remark = await reviews.comment(ctx.core, ctx.actor, follow_up.id, ctx.slot("text"))
    names = await _names([follow_up])
    told = names.get(follow_up.author_id or 0, "")
    whom = f"，已通知{told}" if told and follow_up.author_id != ctx.actor.employee_id else ""
    words = f"已批复{follow_up.person}的跟进「{follow_up.summary[:20]}」：{remark.text}{whom}。说错了回复「撤销」"
    return replies.text(words, Undo("review", (remark.id,)))


async def _meant(ctx: ChatContext) -> FollowUp:
    """Find the record: by the number of the last list, the newest a colleague wrote, or the newest about a customer."""
    if ctx.slot("ref"):
        number = await dialogs.listed(ctx.core, ctx.place, "follow_ups", ctx.slot("ref"), ctx.slot("said"))
        return await access.load(FollowUp, ctx.actor, number)
    seen = access.visible(FollowUp, ctx.actor).filter(undone_at=None).order_by("-at", "-id")
    person = ctx.slot("person")
    writers = await colleagues.called(ctx.actor, person) if await is_meant(ctx.actor, person) else []
    if writers:
        row = await seen.filter(author_id__in=[each.id for each in writers]).first()
    else:
        found = await subjects.find_named(ctx.actor, person)
        about = {(each.kind, each.id) for each in found}
        rows = [
            each
            for each in await seen.filter(person__icontains=person).limit(50)
            if (each.subject_kind, each.subject_id) in about
        ]
        row = rows[0] if rows else None
    if row is None:
        raise NotFound
    return row


@command(intent="read_review", usage="已读批复", roles=SELLING, phrases=("已读批复", "看过批复"))
async def read_review(ctx: ChatContext) -> Reply:
    """说明批复看过了"""
    if ctx.slot("review"):
        remark, _ = await reviews.mark_read(ctx.core, ctx.actor, int(ctx.slot("review")))
        return replies.text(f"已读：{remark.text}")
    waiting = await reviews.unread(ctx.actor)
    for remark in waiting:
        await reviews.mark_read(ctx.core, ctx.actor, remark.id)
    return replies.text(f"已读{len(waiting)}条批复。" if waiting else "没有未读的批复。")


@command(intent="list_reviews", usage="我的批复", roles=SELLING, phrases=("我的批复", "未读批复"), reads=True)
async def list_reviews(ctx: ChatContext) -> Reply:
    """看还没读的批复"""
    waiting = await reviews.unread(ctx.actor)
    if not waiting:
        return replies.text("没有未读的批复。")
    rows = {row.id: row for row in await FollowUp.filter(id__in=[each.follow_up_id for each in waiting])}
    names = dict(await Employee.filter(id__in=[each.author_id for each in waiting]).values_list("id", "name"))
    lines = [f"{names.get(each.author_id or 0, '主管')}（{rows[each.follow_up_id].person}）：{each.text}" for each in waiting]
    return replies.numbered(f"未读批复{len(waiting)}条：", lines, "看过请回复：已读批复")
