"""Rows with readable defaults."""

from dataclasses import replace
from typing import Any

from crm_core import customers, leads, opportunities
from crm_core.access import Actor, Role
from crm_core.accounts import Account
from crm_core.employees import Employee, actor_of
from crm_core.identity import new_person
from crm_core.leads import Lead
from crm_core.opportunities import Opportunity
from crm_core.pipeline_rules import OpportunitySettings
from crm_core.ports import Core

SYSTEM = Actor.of_system("test")


async def make_employee(
    core: Core, name: str = "小王", role: Role = Role.SALES, *, staff_id: str = "", **values: object
) -> Employee:
    """An employee, with a bound DingTalk account when a staff id is given."""
    async with core.db.transaction():
        employee: Employee = await Employee.add(core, person_id=await new_person(core), name=name, role=role.value, **values)
        if staff_id:
            await Account.add(
                core, channel="dingtalk", external_id=staff_id, person_kind="employee", person_id=employee.person_id
            )
    return employee


async def make_actor(core: Core, name: str = "小王", role: Role = Role.SALES, **values: object) -> Actor:
    return await actor_of(await make_employee(core, name, role, **values))


async def make_lead(core: Core, name: str = "张伟", *, owner_id: int | None = None, **values: object) -> Lead:
    return await leads.add(core, SYSTEM, name=name, owner_id=owner_id, **values)


async def make_customer_account(
    core: Core, lead: Lead, external_id: str = "oZhangWei", channel: str = "wechat", **values: object
) -> Account:
    account: Account = await Account.add(
        core, channel=channel, external_id=external_id, person_kind="customer", person_id=lead.person_id, **values
    )
    return account


async def make_deal(
    core: Core,
    actor: Actor,
    name: str = "智能网关",
    *,
    customer_id: int | None = None,
    customer: str = "云帆科技",
    **values: Any,
) -> Opportunity:
    """An open deal of the actor's, at a new customer unless one is given; columns that no use case sets may be given too."""
    if customer_id is None:
        customer_id = (await customers.add_customer(core, actor, name=customer)).id
    said = ("stage", "pipeline", "amount", "product", "probability", "expected_close_on")
    known = {each: values.pop(each) for each in said if each in values}
    made = await opportunities.create(core, actor, customer_id=customer_id, name=name, **known)
    if values:
        await made.change(core, **values)
    return made


def with_opportunities(core: Core, settings: OpportunitySettings) -> Core:
    """The same core under other `[opportunities]`."""
    return replace(core, settings=replace(core.settings, opportunities=settings))
