"""Announcements in words (公告): tell chosen people something, say that it was read, see who has read it."""

import re

from crm_core.daily_work_rules import ALARM_LABELS, ALARM_UNITS
from crm_core.errors import Invalid
from handlers import replies
from handlers.replies import Reply, Undo
from handlers.router import EVERYBODY, WORKING, ChatContext, command
from scheduler import announcements
from scheduler.announcements import PUBLISHERS

_SAID = re.compile(r"(?P<whom>[^:：\s]{1,80})(?:[:：]\s*|\s+)(?P<text>[\s\S]+)")
_NUMBER = re.compile(r"#?(\d{1,15})")


async def undo_announcement(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Take an announcement back."""
    row = await announcements.withdraw(ctx.core, ctx.actor, ids[0])
    return replies.text(f"已撤回公告 #{row.id}，还没发出的不再发")


@command(
    intent="announce",
    usage="发公告 全体：明天下午三点开会",
    roles=PUBLISHERS,
    phrases=("发公告", "发通知"),
    forms=(r"(?:发?公告|发通知)[\s:：]*(?P<words>[^:：\s#]{1,80}[:：][\s\S]+)",),
    at_any_length=True,
    undo=("announcement", undo_announcement),
)
async def announce(ctx: ChatContext) -> Reply:
    """给全体、角色、部门或几个人发公告"""
    said = _SAID.fullmatch(ctx.slot("words").strip())
    if said is None:
        raise Invalid(field="公告", reason="请写成：发公告 全体：内容，或 发公告 小王、小李：内容")
    words = [word for word in re.split(r"[、,，和]", said["whom"]) if word]
    people = await announcements.choose(ctx.actor, words)
    row = await announcements.publish(ctx.core, ctx.actor, people, said["text"], audience="、".join(words))
    shown = f"已发公告 #{row.id} 给{len(people)}人（{row.audience}）。看谁读了：公告 #{row.id}；发错了回复「撤销」"
    return replies.text(shown, Undo("announcement", (row.id,)))


@command(intent="read_announcement", usage="已读 #3", roles=WORKING, phrases=("已读", "看过了"))
async def read_announcement(ctx: ChatContext) -> Reply:
    """说明公告看过了"""
    found = _NUMBER.fullmatch(ctx.slot("announcement") or ctx.slot("words"))
    if found is None:
        mine = [row for row, unread in await announcements.list_mine(ctx.actor) if unread]
        if len(mine) != 1:
            return replies.text("请写公告的编号，例如：已读 #3" if mine else "没有未读的公告。")
        number = int(mine[0].id)
    else:
        number = int(found[1])
    row, new = await announcements.mark_read(ctx.core, ctx.actor, number)
    return replies.text(f"{'已读' if new else '之前已读'}公告 #{row.id}：{row.text[:40]}")


@command(intent="show_announcements", usage="公告", roles=EVERYBODY, phrases=("公告", "看公告", "公告列表"), reads=True)
async def show_announcements(ctx: ChatContext) -> Reply:
    """看公告，或一条公告谁读了（公告 #3）"""
    found = _NUMBER.fullmatch(ctx.slot("words"))
    if found is not None:
        row = await announcements.load(ctx.actor, int(found[1]))
        if not (ctx.actor.sees_all or row.author_id == ctx.actor.employee_id):
            return replies.text(f"公告 #{row.id}：{row.text}")
        state = await announcements.read_state(ctx.actor, row.id)
        lines = [f"公告 #{row.id}：{row.text}", f"已读{len(state.read)}人：{'、'.join(state.read) or '无'}"]
        return replies.text("\n".join([*lines, f"未读{len(state.unread)}人：{'、'.join(state.unread) or '无'}"]))
    rows = await announcements.list_mine(ctx.actor)
    if not rows:
        return replies.text("没有公告。")
    lines = [
        f"#{row.id} {row.text[:60]}{'（未读）' if unread and row.author_id != ctx.actor.employee_id else ''}"
        for row, unread in rows
    ]
    return replies.text("\n".join(["公告：", *lines, "看过请回复：已读 #编号"]))


@command(intent="show_alarm_rules", usage="预警规则", roles=EVERYBODY, phrases=("预警规则", "报警规则"), reads=True)
async def show_alarm_rules(ctx: ChatContext) -> Reply:
    """看有哪些预警"""
    settings = ctx.core.settings.daily_work
    if not settings.alarms:
        return replies.text("还没有设置预警，需要时请管理员设置。")
    whom = {"manager": "主管", "owner": "本人", "both": "本人和主管"}
    lines = [
        f"{rule.name}：{ALARM_LABELS[rule.what]}超过{rule.over}{ALARM_UNITS[rule.what]}，告诉{whom[rule.tell]}"
        for rule in settings.alarms
    ]
    return replies.numbered(f"工作日{settings.alarms_at:%H:%M}检查：", lines)
