"""Todos given to colleagues in words (交办): give, hand on, accept, decline, and see what became of them."""

import re

from crm_core.employees import Employee
from crm_core.errors import Invalid, NoneFound, NotFound
from handlers import dialogs, replies, subjects, todo_words
from handlers.lead_choice import colleague
from handlers.replies import Reply, Undo
from handlers.router import WORKING, ChatContext, command
from scheduler import todos
from scheduler.reminders import Reminder

_NUMBER = re.compile(r"#?(\d{1,15})\s*(.*)", re.DOTALL)


async def undo_todo(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Take back what was given or handed on."""
    row = await todos.take_back(ctx.core, ctx.actor, ids[0], ids[1] or None)
    return replies.text(f"已撤销：{row.text}{'回到自己的待办' if ids[1] else '不再交办'}")


@command(
    intent="give_todo",
    usage="交办 小李 明天下午3点 把报价发给云帆科技",
    roles=WORKING,
    phrases=("交办", "派任务"),
    recognise=todo_words.recognise,
    undo=("todo", undo_todo),
)
async def give_todo(ctx: ChatContext) -> Reply:
    """把一件事交给同事（接受、完成都有回音）"""
    if "who" not in ctx.slots:
        who, _, rest = ctx.slot("words").partition(" ")
        ctx.slots |= {"who": who, "rest": rest.strip()}
    if not ctx.slot("who") or not ctx.slot("rest"):
        raise Invalid(field="交办", reason="请写成：交办 小李 明天下午3点 把报价发给云帆科技")
    taker = await colleague(ctx, ctx.slot("who"))
    at, text = todo_words.when_and_what(ctx, ctx.slot("rest"))
    row = await todos.give(ctx.core, ctx.actor, taker.id, text=text, at=at, about=await _about(ctx, text))
    now = ctx.core.clock.now()
    words = f"已交办给{taker.name}：{row.text}，{replies.when(row.at, now)}到期。对方接受和完成都会告知，说错了回复「撤销」"
    return replies.text(words, Undo("todo", (row.id, 0)))


async def _about(ctx: ChatContext, text: str) -> tuple[str, int, str] | None:
    """Tell whose record the words name, when they name just one the giver sees."""
    names = [name for name in await subjects.known_names(ctx.actor, text) if name in text]
    found = await subjects.find_named(ctx.actor, names[0]) if names else []
    return (found[0].kind, found[0].id, found[0].name) if len(found) == 1 else None


@command(
    intent="hand_todo",
    usage="转给小李",
    roles=WORKING,
    forms=(r"转给\s*(?P<who>[\u3400-\u9fff·]{2,4})(?:处理|去做|做|吧)?[。.]?",),
    undo=None,
)
async def hand_todo(ctx: ChatContext) -> Reply:
    """把刚提醒的待办转给同事（回复：转给小王）"""
    taker = await colleague(ctx, ctx.slot("who"))
    if "reminder" in ctx.slots:
        return await todo_words.hand(ctx, int(ctx.slot("reminder")), taker)
    found = await todo_words.told_last(ctx)
    if not found:
        return replies.text("没有刚提醒过的待办。转其中一条：先看「待办」，再说“第1条转给小王”")
    if len(found) > 1:
        now = ctx.core.clock.now()
        options = [(todo_words.line(each, now), str(each.id)) for each in found]
        raise ctx.ask_choice("转哪一条？请回复序号：", options, slot="reminder")
    return await todo_words.hand(ctx, found[0].id, taker)


async def undo_accept(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Take an acceptance back."""
    row = await todos.reconsider(ctx.core, ctx.actor, ids[0])
    return replies.text(f"已撤销：「{row.text}」还等答复，可以说「拒绝交办 #{row.id} 原因」")


@command(intent="accept_todo", usage="接受交办 #12", roles=WORKING, phrases=("接受交办",), undo=("todo.accept", undo_accept))
async def accept_todo(ctx: ChatContext) -> Reply:
    """接受同事交办的事"""
    number, _ = await _meant(ctx, "接受交办 #12")
    row = await _answer(ctx, number, accept=True)
    now = ctx.core.clock.now()
    words = f"已接受：{row.text}，{replies.when(row.at, now)}提醒。做完说「待办」再说“第1条完成了”"
    return replies.text(words, Undo("todo.accept", (row.id,)))


@command(intent="decline_todo", usage="拒绝交办 #12 在出差", roles=WORKING, phrases=("拒绝交办",))
async def decline_todo(ctx: ChatContext) -> Reply:
    """不接同事交办的事"""
    number, reason = await _meant(ctx, "拒绝交办 #12 原因")
    row = await _answer(ctx, number, accept=False, reason=reason)
    return replies.text(f"已告诉对方：不接「{row.text}」")


async def _answer(ctx: ChatContext, number: int, *, accept: bool, reason: str = "") -> Reminder:
    try:
        return await todos.answer(ctx.core, ctx.actor, number, accept=accept, reason=reason)
    except NotFound:
        raise NoneFound(what=f"交办 #{number}（编号在“我交办的”里）") from None


async def _meant(ctx: ChatContext, how: str) -> tuple[int, str]:
    """Tell which todo is answered, and the words behind it; the only one that waits needs no number."""
    if ctx.slot("todo"):
        return int(ctx.slot("todo")), ""
    said = _NUMBER.fullmatch(ctx.slot("words"))
    if said is not None:
        return int(said[1]), said[2].strip()
    waiting = await todos.list_given(ctx.actor, mine=True)
    if len(waiting) != 1:
        raise Invalid(field="交办", reason=f"请写编号，例如：{how}" if waiting else "没有等待答复的交办")
    return int(waiting[0].id), ctx.slot("words")


@command(intent="list_given", usage="我交办的", roles=WORKING, phrases=("我交办的", "交办列表"), reads=True)
async def list_given(ctx: ChatContext) -> Reply:
    """看交给同事的事，和等我答复的交办"""
    given, waiting = await todos.list_given(ctx.actor, mine=False), await todos.list_given(ctx.actor, mine=True)
    names = dict(await _names(given))
    now = ctx.core.clock.now()
    await dialogs.remember_list(ctx.core, ctx.place, "reminders", [row.id for row in given])
    if not given and not waiting:
        return replies.text("没有交办中的事。例如说：交办 小李 明天下午3点 把报价发给云帆科技")
    lines = [
        f"{names.get(row.owner_id, '')}（{'已接受' if row.accepted_at else '未答复'}）：{todo_words.line(row, now)}"
        for row in given
    ]
    blocks = [replies.numbered(f"我交办的{len(given)}件：", lines).text] if given else []
    if waiting:
        blocks.append("\n".join(["等我答复：", *(f"#{row.id} {todo_words.line(row, now)}" for row in waiting)]))
    return replies.text("\n".join(blocks))


async def _names(rows: list[Reminder]) -> list[tuple[int, str]]:
    found = await Employee.filter(id__in=[row.owner_id for row in rows])
    return [(row.id, row.name) for row in found]
