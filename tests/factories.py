"""Rows with readable defaults."""

from crm_core import leads
from crm_core.access import Actor, Role
from crm_core.accounts import Account
from crm_core.employees import Employee, actor_of
from crm_core.identity import new_person
from crm_core.leads import Lead
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
