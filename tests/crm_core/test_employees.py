"""Employees: binding by one-time code, leaving, and the team a manager sees."""

import asyncio
from datetime import timedelta

import pytest

from crm_core import access, employees
from crm_core.access import Role
from crm_core.accounts import Account
from crm_core.conversations import Message
from crm_core.employees import AlreadyDeparted, BindCodeWrong, Department
from crm_core.errors import Invalid, NotFound, Refused
from crm_core.leads import Lead
from crm_core.messages import Address, Body
from crm_core.ports import Core
from tests.factories import SYSTEM, make_actor, make_employee, make_lead
from tests.fakes import FakeClock

PHONE = Address("dingtalk", "staff-1")


async def account(core: Core, address: Address = PHONE) -> Account:
    made: Account = await Account.add(core, channel=address.channel, external_id=address.external_id)
    return made


async def test_code_binds_once(core: Core) -> None:
    await account(core)
    employee = await employees.add(core, SYSTEM, name="小王", role=Role.SALES)
    code = await employees.make_bind_code(core, SYSTEM, employee.id)
    assert len(code) == 8
    assert (await employees.bind(core, PHONE, code.lower())).id == employee.id
    assert (await Account.get()).person_id == employee.person_id
    with pytest.raises(BindCodeWrong):
        await employees.bind(core, PHONE, code)


async def test_two_at_once_with_one_code_bind_one_account(core: Core) -> None:
    other = Address("dingtalk", "staff-2")
    await account(core)
    await account(core, other)
    employee = await employees.add(core, SYSTEM, name="小王", role=Role.SALES)
    code = await employees.make_bind_code(core, SYSTEM, employee.id)
    outcomes = await asyncio.gather(*(employees.bind(core, each, code) for each in (PHONE, other)), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["BindCodeWrong", "Employee"]
    assert await Account.filter(person_kind="employee").count() == 1


async def test_code_ends_after_a_day(core: Core, clock: FakeClock) -> None:
    await account(core)
    employee = await employees.add(core, SYSTEM, name="小王", role=Role.SALES)
    code = await employees.make_bind_code(core, SYSTEM, employee.id)
    clock.advance(timedelta(hours=24, seconds=1))
    with pytest.raises(BindCodeWrong):
        await employees.bind(core, PHONE, code)


async def test_leaving_ends_chat_rights_and_codes_at_once_and_keeps_records(core: Core) -> None:
    employee = await make_employee(core, staff_id="staff-1")
    lead = await make_lead(core, owner_id=employee.id)
    code = await employees.make_bind_code(core, SYSTEM, employee.id)
    await employees.depart(core, SYSTEM, employee.id)
    assert (await Account.get(external_id="staff-1")).person_kind == "stranger"
    with pytest.raises(BindCodeWrong):
        await employees.bind(core, PHONE, code)
    with pytest.raises(AlreadyDeparted):
        await employees.depart(core, SYSTEM, employee.id)
    assert (await Lead.get(id=lead.id)).owner_id == employee.id


@pytest.mark.parametrize("role", [Role.SALES, Role.MANAGER, Role.MARKETER, Role.VIEWER])
async def test_only_admin_changes_the_house(core: Core, role: Role) -> None:
    actor = await make_actor(core, "某人", role)
    with pytest.raises(Refused):
        await employees.add(core, actor, name="新人", role=Role.SALES)
    assert (await employees.add(core, SYSTEM, name="新人", role=Role.SALES)).name == "新人"


async def test_bad_number_and_unknown_manager_change_nothing(core: Core) -> None:
    with pytest.raises(Invalid):
        await employees.add(core, SYSTEM, name="小王", role=Role.SALES, mobile="123")
    with pytest.raises(NotFound):
        await employees.add(core, SYSTEM, name="小王", role=Role.SALES, manager_id=99)
    assert await employees.Employee.all().count() == 0


async def test_manager_sees_the_team_and_a_peer_does_not(core: Core) -> None:
    manager = await make_employee(core, "林经理", Role.MANAGER)
    seller = await make_employee(core, "小王", manager_id=manager.id)
    junior = await make_employee(core, "小李", manager_id=seller.id)
    peer = await make_employee(core, "小陈")
    lead = await make_lead(core, owner_id=junior.id)
    assert (await access.load(Lead, await employees.actor_of(manager), lead.id)).id == lead.id
    with pytest.raises(NotFound):
        await access.load(Lead, await employees.actor_of(peer), lead.id)
    with pytest.raises(NotFound):
        await access.load(Lead, await employees.actor_of(seller), lead.id)


async def test_department_tree_belongs_to_its_managers_team(core: Core) -> None:
    sales: Department = await Department.add(core, name="销售部")
    east: Department = await Department.add(core, name="华东组", parent_id=sales.id)
    manager = await make_employee(core, "林经理", Role.MANAGER, department_id=sales.id)
    seller = await make_employee(core, "小王", department_id=east.id)
    other = await make_employee(core, "小陈")
    team = await employees.team_of(manager)
    assert seller.id in team
    assert other.id not in team


async def test_leaving_cancels_what_still_waits_to_be_told(core: Core) -> None:
    leaver = await make_employee(core, staff_id="staff-1")
    await make_employee(core, "小李", staff_id="staff-2")
    own = await Account.get(external_id="staff-1")
    for key, address, account_id in (
        ("by account", PHONE, own.id),
        ("by address", PHONE, None),
        ("kept", PHONE, own.id),
        ("sent", PHONE, own.id),
        ("colleague", Address("dingtalk", "staff-2"), None),
        ("other channel", Address("wechat", "staff-1"), None),
    ):
        await core.outbox.put(address, Body(text=key), key=key, account_id=account_id)
    await Message.filter(key="kept").update(status="kept")
    await Message.filter(key="sent").update(status="sent")
    await own.change(core, waiting_count=1)
    await employees.depart(core, SYSTEM, leaver.id)
    status = dict(await Message.all().values_list("key", "status"))
    assert status == {
        "by account": "cancelled",
        "by address": "cancelled",
        "kept": "cancelled",
        "sent": "sent",
        "colleague": "queued",
        "other channel": "queued",
    }
    assert {row.reason for row in await Message.filter(status="cancelled")} == {"employee_departed"}
    assert (await Account.get(id=own.id)).waiting_count == 0
