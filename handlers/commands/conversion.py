"""A lead becomes a customer (转客户), or is raised to a potential one (转潜客)."""

import re

from crm_core import access, conversion, leads
from crm_core.access import sees_personal
from crm_core.leads import Lead
from crm_core.matching import NOUN_LABELS
from crm_core.values import mask_phone, show_phone
from handlers import record_choice, replies
from handlers.replies import Reply, Undo
from handlers.router import SELLING, ChatContext, command
from handlers.understanding.amounts import read_bare_amount

ANEW = "new"
DEAL = "商机"


async def undo_conversion(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Make a customer a lead again."""
    await conversion.undo(ctx.core, ctx.actor, ids[0])
    return replies.text("已撤销：恢复为线索")


async def undo_qualification(ctx: ChatContext, ids: tuple[int, ...]) -> Reply:
    """Lower a potential customer again."""
    lead = await conversion.qualify(ctx.core, ctx.actor, ids[0], potential=False)
    return replies.text(f"已撤销：{lead.name}恢复为线索")


@command(
    intent="convert_lead",
    usage="转客户 张伟",
    roles=SELLING,
    phrases=("转客户", "转化"),
    forms=(r"转客户(?!经理|给|的)(?P<words>\S.{0,60})",),
    undo=("lead.convert", undo_conversion),
)
async def convert_lead(ctx: ChatContext) -> Reply:
    """把线索转为客户，可同时建商机：转客户 张伟 建商机 网关 30万"""
    who, wanted = _read(ctx.slot("words"))
    if not who:
        return replies.text("请带上姓名，例如：转客户 张伟，或 转客户 张伟 商机 网关项目 50万")
    lead = await access.load(Lead, ctx.actor, await record_choice.one_of(ctx, "lead", who, slot="lead"))
    leads.require_claimed(ctx.actor, lead)
    kind, number = await _target(ctx, lead)
    done = await conversion.convert_to(
        ctx.core,
        ctx.actor,
        lead.id,
        customer_id=number if kind == "customer" else None,
        contact_id=number if kind == "contact" else None,
        anew=kind == ANEW,
        opportunity=wanted,
    )
    full = sees_personal(ctx.actor, done.contact.owner_id) and not ctx.message.in_group
    phone = done.contact.mobile or done.contact.landline
    return replies.record(
        f"{'已并入客户' if done.attached else '已转为客户'} #{done.customer.id}：{done.customer.name}",
        (
            ("联系人", done.contact.name),
            ("电话", show_phone(phone) if full else mask_phone(phone)),
            (DEAL, f"#{done.opportunity_id} {(wanted or {}).get('name', '')}".strip() if done.opportunity_id else ""),
        ),
        undo=Undo("lead.convert", (done.set_id,)),
    )


async def _target(ctx: ChatContext, lead: Lead) -> tuple[str, int]:
    """Tell what to attach to; asks where it is not sure."""
    if "into" in ctx.slots:
        kind, _, number = ctx.slot("into").partition(":")
        return kind, int(number or 0)
    known = await conversion.options(ctx.core, ctx.actor, lead.id)
    if known.contact is not None:
        return "contact", known.contact.id
    if known.customer is not None:
        return "customer", known.customer.id
    if known.unsure:
        offered = [
            (f"{NOUN_LABELS[one.kind]} {one.name}（{'、'.join(one.reasons)}）", f"{one.kind}:{one.id}") for one in known.unsure
        ]
        question = f"可能已有这位客户，「{lead.company or lead.name}」转到哪一个？请回复序号："
        raise ctx.ask_choice(question, [*offered, ("新建客户", ANEW)], slot="into")
    return ANEW, 0


_OPENED = re.compile(r"[\s，,]*(?:并且?|同时|再|顺便)?\s*(?:新?建|开|加)(?:一?个)?\s*$")


def _read(words: str) -> tuple[str, dict[str, object] | None]:
    """Take a sentence apart: whom, and the deal to open with its name and amount."""
    who, behind, deal = words.partition(DEAL)
    if not behind:
        return words.strip(), None
    who = _OPENED.sub("", who)
    parts = deal.split()
    amounts = [amount for part in parts if (amount := read_bare_amount(part)) is not None and not part.isdecimal()]
    name = " ".join(part for part in parts if part.isdecimal() or read_bare_amount(part) is None)
    wanted: dict[str, object] = {"name": name}
    if amounts:
        wanted["amount"] = amounts[0].text()
    return who.strip(), wanted


@command(
    intent="qualify_lead", usage="转潜客 张伟", roles=SELLING, phrases=("转潜客",), undo=("lead.qualify", undo_qualification)
)
async def qualify_lead(ctx: ChatContext) -> Reply:
    """把线索升为潜客"""
    if not ctx.slot("words") and "lead" not in ctx.slots:
        return replies.text("请带上姓名，例如：转潜客 张伟")
    number = await record_choice.one_of(ctx, "lead", ctx.slot("words"), slot="lead")
    lead = await conversion.qualify(ctx.core, ctx.actor, number)
    return replies.text(f"已升为潜客：{lead.name}，跟进记录不变", Undo("lead.qualify", (lead.id,)))
