"""Who am I, binding a chat account, help made from the declarations, ending and confirming a question."""

from dataclasses import replace
from datetime import timedelta

from crm_core import employees
from crm_core.access import ROLE_LABELS, Role
from crm_core.errors import Refused
from crm_core.importing import imports
from crm_core.importing.imports import ImportStatus
from handlers import dialogs, replies
from handlers.replies import Reply
from handlers.router import ChatContext, command

HELP_ORDER = (
    "log_follow_up",
    "create_lead",
    "list_pool",
    "claim_lead",
    "check_duplicates",
    "clean",
    "convert_lead",
    "show_contact",
    "create_opportunity",
    "advance_opportunity",
    "show_opportunity",
    "win_opportunity",
    "lose_opportunity",
    "show_funnel",
    "set_target",
    "set_reminder",
    "list_tasks",
    "complete_task",
    "give_todo",
    "log_visit",
    "plan_week",
    "list_documents",
    "ask_knowledge",
    "submit_report",
    "show_staff_work",
    "comment",
    "schedule_greeting",
    "schedule_broadcast",
    "broadcast_status",
)

_JUST_CHECKED = timedelta(minutes=30)
"""How long a bare yes is one to the import whose counts were just told."""


class BindInGroup(Refused):
    """Everybody in a group reads the code."""

    code = "employee.bind_in_group"
    text = "绑定码请单独发给机器人，群里发的已作废，请重新索取"


@command(intent="bind", usage="绑定 8位绑定码", open_to_strangers=True)
async def bind(ctx: ChatContext) -> Reply:
    """用绑定码绑定账号"""
    address = ctx.message.address
    if ctx.message.in_group:
        await employees.void_bind_codes(ctx.core, ctx.slot("words"))
        return replies.text(BindInGroup().sentence())
    await employees.refuse_after_wrong_tries(ctx.core, address)
    employee = await employees.bind(ctx.core, address, ctx.slot("words").removeprefix("绑定").strip(" :："))
    role = ROLE_LABELS[Role(employee.role)]
    return replies.text(f"绑定成功：{employee.name}（{role}）。回复「帮助」看看能做什么。")


@command(intent="help", usage="帮助", phrases=("帮助", "help", "?", "？"), open_to_strangers=True, reads=True)
def show_help(ctx: ChatContext) -> Reply:
    """看看能做什么"""
    if ctx.actor.employee_id == -1:
        return replies.text("请先绑定账号：向管理员索取绑定码，然后回复：绑定 绑定码")
    mine = [one for one in ctx.commands.values() if ctx.actor.role in one.roles and one.usage]
    topic = ctx.slot("words") or ctx.slot("topic")
    asked = [one for one in mine if topic and topic in f"{one.summary}{one.usage}{''.join(one.phrases)}"]
    usable = sorted((one for one in mine if one.intent in HELP_ORDER), key=lambda one: HELP_ORDER.index(one.intent))
    lines = [f"· {one.summary}：{one.usage}" for one in asked or usable]
    head = f"和「{topic}」有关的说法：" if asked else "直接说一句话就行，例如："
    more = [] if asked else ["某一类的全部说法：帮助 商机、帮助 目标、帮助 线索。"]
    return replies.text("\n".join([head, *lines, *more, "说错了回复「撤销」，不想继续回复「取消」。"]))


@command(intent="greet", usage="", phrases=("你好", "您好", "hi", "hello", "在吗", "在么"), reads=True)
def greet(ctx: ChatContext) -> Reply:
    """打招呼"""
    return replies.text(f"你好，{ctx.actor.name}。直接说事就行，例如：明天上午10点提醒我给张伟打电话\n全部说法：帮助")


@command(intent="cancel", usage="取消", phrases=("取消",))
async def cancel(ctx: ChatContext) -> Reply:
    """结束没答完的问题"""
    if "open" not in ctx.slots:
        return replies.text("没有进行中的问题。要收回上一条记录，请回复「撤销」。")
    return replies.text("好的，已取消。")


@command(intent="next_page", usage="下一页")
async def next_page(ctx: ChatContext) -> Reply:
    """看列表的下一页"""
    shown = await dialogs.last_list(ctx.core, ctx.place)
    found = ctx.commands.get(shown.intent)
    if found is None or ctx.actor.role not in found.roles:
        return replies.text("没有更多了。")
    return await found.run(replace(ctx, intent=shown.intent, slots={**shown.slots, "more": "yes"}))


@command(intent="confirm", usage="")
async def confirm(ctx: ChatContext) -> Reply:
    """回答“是”"""
    found, checked = ctx.commands.get("import_confirm"), await imports.newest(ctx.actor, ImportStatus.READY)
    if found and checked and ctx.actor.role in found.roles and ctx.core.clock.now() - checked.updated_at < _JUST_CHECKED:
        return await found.run(replace(ctx, intent=found.intent, slots={}))
    return replies.text("现在没有等待确认的问题。")


@command(intent="deny", usage="")
async def deny(ctx: ChatContext) -> Reply:
    """回答“不是”"""
    return replies.text("好的。如果上一条记录有误，回复「撤销」即可取回。")


@command(intent="undo", usage="撤销", phrases=("撤销", "撤消", "撤回", "撤销上一条", "撤回刚才那条"))
async def undo(ctx: ChatContext) -> Reply:
    """取回上一条记录"""
    last = await dialogs.take_undo(ctx.core, ctx.place)
    if last is None:
        return replies.text("没有可以撤销的记录（只能撤销24小时内的上一条）。")
    handlers = {one.undo[0]: one.undo[1] for one in ctx.commands.values() if one.undo}
    return await handlers[last.name](ctx, last.ids)
