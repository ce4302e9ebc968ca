"""What the commands about customers share: finding the customer or contact a sentence means, and asking when several fit."""

from collections.abc import Collection, Sequence
from typing import NoReturn

from tortoise.expressions import Q

from crm_core import access
from crm_core.access import Actor
from crm_core.activities import Subject
from crm_core.customers import Customer
from crm_core.errors import Conflict, NotFound
from handlers import subjects
from handlers.router import ChatContext


class NoSuchCustomer(NotFound):
    """Nobody the speaker sees is called so."""

    code = "customer.none_found"
    text = "没有找到客户「{name}」，请核对名称"


class StillALead(Conflict):
    """What is said is a customer's; whoever is meant is a lead."""

    code = "customer.still_a_lead"
    text = "「{name}」还是线索，请先转客户：转客户 {lead}"


async def _refuse(ctx: ChatContext, who: str) -> NoReturn:
    """Say why there is no such customer. Raises: StillALead; NoSuchCustomer."""
    leads = await subjects.find_named(ctx.actor, who, ("lead",)) if who else []
    if leads:
        raise StillALead(name=who[:20], lead=leads[0].name[:20])
    raise NoSuchCustomer(name=who[:30])


async def pick_customer(ctx: ChatContext, who: str, slot: str = "customer") -> Customer:
    """Find the visible customer of this name, also by the name of a contact there; asks by number when several fit.

    Raises: NoSuchCustomer; NotFound.
    """
    if slot in ctx.slots:
        return await access.load(Customer, ctx.actor, int(ctx.slot(slot)))
    found = await subjects.find(ctx.actor, person="", company=who, kinds=("customer",)) if who else []
    if len(found) > 1:
        now = ctx.core.clock.now()
        options = [(subjects.label(each, now), str(each.id)) for each in found[:9]]
        raise ctx.ask_choice("有几家客户符合，请回复序号：", options, slot=slot)
    if not found:
        await _refuse(ctx, who)
    return await access.load(Customer, ctx.actor, found[0].id)


async def pick_any(ctx: ChatContext, who: str, kinds: Sequence[str], slot: str = "subject") -> Subject:
    """Find the visible record of this name among some kinds. Raises: NoSuchCustomer; NotFound."""
    if slot in ctx.slots:
        return await subjects.from_slot(ctx.actor, ctx.slot(slot))
    found = [each for each in await subjects.find_named(ctx.actor, who, kinds) if each.kind in kinds]
    if len(found) > 1:
        now = ctx.core.clock.now()
        options = [(subjects.label(each, now), f"{each.kind}:{each.id}") for each in found[:9]]
        raise ctx.ask_choice("有几位同名，请回复序号：", options, slot=slot)
    if not found:
        await _refuse(ctx, who)
    return found[0]


async def is_known(actor: Actor, who: str, kinds: Collection[str] = ("customer",)) -> bool:
    """Tell whether somebody the speaker sees is called just so."""
    if not 2 <= len(who) <= 40:
        return False
    for kind in kinds:
        model = subjects.MODELS[kind]
        named = Q(name=who) | Q(company=who) if kind == "lead" else Q(name=who)
        if await access.visible(model, actor).filter(named).exists():
            return True
    return False
