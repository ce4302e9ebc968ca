"""The pool in words, beside listing and claiming: giving back, throwing in bare numbers, the end of a contract."""

from datetime import date

from crm_core import access, leads, pools
from crm_core.errors import Invalid
from crm_core.leads import Lead
from handlers import replies
from handlers.customer_words import pick_any
from handlers.lead_choice import lead_named, leads_said
from handlers.opportunity_words import day_said
from handlers.replies import Reply, Undo
from handlers.router import SELLING, ChatContext, command


async def undo_release(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Take a released lead back, as long as nobody else has it."""
    lead = await pools.take_back(ctx.core, ctx.actor, ids[0], ids[1])
    return replies.text(f"已撤销：{lead.name}还在名下")


@command(
    intent="give_back_lead",
    usage="退回 张伟 一直联系不上",
    roles=SELLING,
    phrases=("退回", "退回公海", "放回公海"),
    undo=("lead.release", undo_release),
)
async def give_back_lead(ctx: ChatContext) -> Reply:
    """按编号或姓名把线索退回公海"""
    return await _release(ctx)


@command(intent="release_lead", usage="把张伟放回公海，一直联系不上", roles=SELLING)
async def release_lead(ctx: ChatContext) -> Reply:
    """把线索退回公海"""
    return await _release(ctx)


async def _release(ctx: ChatContext) -> Reply:
    number, reason = await _meant(ctx)
    owner_id = (await access.load(Lead, ctx.actor, number)).owner_id
    lead = await pools.release(ctx.core, ctx.actor, number, reason=reason)
    told = f"已退回公海：{lead.name}" + (f"（{reason}）" if reason else "")
    return replies.text(f"{told}。说错了回复「撤销」", Undo("lead.release", (lead.id, owner_id or 0)))


async def _meant(ctx: ChatContext) -> tuple[int, str]:
    words = ctx.slot("words")
    if words:
        name, _, reason = words.partition(" ")
        return (await leads_said(ctx, name))[0], reason.strip()
    reason = ctx.slot("reason") or ctx.slot("text") or ctx.slot("summary")
    if ctx.slot("ref"):
        return (await leads_said(ctx, ctx.slot("ref")))[0], reason
    name = ctx.slot("person") or ctx.slot("company")
    if not name and "lead" not in ctx.slots:
        raise Invalid(field="退回", reason="请写明哪条线索，例如：退回 张伟 一直联系不上")
    return int(ctx.slot("lead")) if "lead" in ctx.slots else await lead_named(ctx, name), reason


async def undo_numbers(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Take thrown-in numbers out again, but those somebody has claimed."""
    gone = await pools.withdraw(ctx.core, ctx.actor, ids)
    return replies.text(f"已撤销：{gone}个号码从公海取出")


@command(
    intent="add_pool_numbers",
    usage="入公海 13800138000 13900139000",
    roles=SELLING,
    phrases=("入公海",),
    forms=(r"入公海[\s:：]+(?P<numbers>[\s\S]+)",),
    at_any_length=True,
    undo=("lead.numbers", undo_numbers),
)
async def add_pool_numbers(ctx: ChatContext) -> Reply:
    """把只有号码的线索放进公海"""
    said = (ctx.slot("numbers") or ctx.slot("words")).replace("，", " ").replace(",", " ").replace("、", " ").split()
    done = await pools.add_numbers(ctx.core, ctx.actor, said)
    parts = [f"已放进公海{len(done.lead_ids)}个号码"]
    parts += [f"已有{done.known}个，没有重复放入"] if done.known else []
    parts += [f"不是号码：{'、'.join(done.wrong[:5])}"] if done.wrong else []
    undo = Undo("lead.numbers", done.lead_ids) if done.lead_ids else None
    return replies.text("，".join(parts) + "。", undo)


async def undo_contract_end(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Put the former end of a contract back."""
    lead = await leads.update(ctx.core, ctx.actor, ids[0], contract_ends_on=date.fromordinal(ids[1]) if ids[1] else None)
    return replies.text(f"已撤销：{lead.name}的合同到期日")


@command(
    intent="set_contract_end",
    usage="合同到期 张伟 2027年6月30日",
    roles=SELLING,
    phrases=("合同到期",),
    undo=("lead.contract_end", undo_contract_end),
)
async def set_contract_end(ctx: ChatContext) -> Reply:
    """记下线索的合同到期日"""
    name, _, said = ctx.slot("words").rpartition(" ")
    day = day_said(ctx, said)
    if not name or day is None:
        raise Invalid(field="合同到期", reason="请写成：合同到期 张伟 2027年6月30日")
    number = await _lead_of(ctx, name)
    before = (await access.load(Lead, ctx.actor, number)).contract_ends_on
    lead = await leads.update(ctx.core, ctx.actor, number, contract_ends_on=day)
    undo = Undo("lead.contract_end", (lead.id, before.toordinal() if before else 0))
    at = f"（{lead.company}）" if lead.company else ""
    return replies.text(f"已记：{lead.name}{at}的合同{day.year}年{day.month}月{day.day}日到期。说错了回复「撤销」", undo)


async def _lead_of(ctx: ChatContext, name: str) -> int:
    """Find the one lead that is meant; of a namesake among the contacts it is asked which."""
    if name.strip("第#条 ").isdecimal():
        return (await leads_said(ctx, name))[0]
    subject = await pick_any(ctx, name, ("lead", "contact"))
    if subject.kind != "lead":
        raise Invalid(field="合同到期", reason=f"{subject.name[:12]}已是客户的联系人，合同到期日只记在线索上")
    return subject.id
