"""What an importer may do with a record that is there: whose it is, in which unit, in which pool."""

from dataclasses import replace
from typing import Any

import pytest

from crm_core import collecting, deletion, quarantine
from crm_core.access import Actor, Role
from crm_core.collaborators import Collaborator
from crm_core.customers import Contact, Customer
from crm_core.employees import Department
from crm_core.importing import running
from crm_core.leads import Lead, LeadElsewhere
from crm_core.matching import LeadDuplicate
from crm_core.ports import Core
from tests.crm_core.importing.conftest import Table
from tests.factories import SYSTEM, make_actor, make_employee, make_lead

HEAD = ["姓名", "手机号", "公司", "需求"]
ELSEWHERE = "已有这位客户，没有重复录入，请联系总部"


async def two_units(core: Core) -> tuple[Actor, Department]:
    """小王 of the south, and the north."""
    south = await Department.add(core, name="华南", kind="department")
    north = await Department.add(core, name="华北", kind="department")
    return await make_actor(core, "小王", department_id=south.id), north


async def of_unit(core: Core, unit: Department, name: str, **values: Any) -> Lead:
    lead = await make_lead(core, name, **values)
    await Lead.filter(id=lead.id).update(department_id=unit.id)
    return lead


async def test_another_unit_s_number_is_refused_and_nothing_is_told(table: Table, core: Core) -> None:
    actor, north = await two_units(core)
    owner = await make_employee(core, "小李", department_id=north.id)
    lead = await of_unit(core, north, "张伟", mobile="13800138000", owner_id=owner.id)
    row = await table.run([HEAD, ["张三", "13800138000", "东风", "20台"]], actor=actor, on_duplicate="overwrite")
    assert (row.new_count, row.duplicate_count, row.changed_count) == (0, 1, 0)
    assert [each["原因"] for each in table.refused_rows()] == [ELSEWHERE]
    assert "小李" not in table.refused.read_text("utf-8-sig")
    assert ((await Lead.get(id=lead.id)).company, await Lead.all().count()) == ("", 1)


async def test_another_unit_s_name_is_as_if_it_were_not_there(table: Table, core: Core) -> None:
    actor, north = await two_units(core)
    await of_unit(core, north, "张伟", company="东风机械厂")
    rows = [HEAD, ["张伟", "", "东风机械厂", ""]]
    assert (await table.count(rows, actor=actor)).new == 1
    assert (await table.run(rows, actor=actor)).new_count == 1
    assert (await table.run([*rows, []], actor=actor)).duplicate_count == 1


async def test_another_unit_s_lead_in_the_pool_is_not_touched_by_its_manager(table: Table, core: Core) -> None:
    _, north = await two_units(core)
    boss = await make_actor(core, "老王", Role.MANAGER, department_id=(await Department.get(name="华南")).id)
    theirs = await of_unit(core, north, "张伟", mobile="13800138000")
    ours = await make_lead(core, "李娜", mobile="13900139000")
    row = await table.run([HEAD, ["张伟", "13800138000", "甲", ""], ["李娜", "13900139000", "乙", ""]], actor=boss)
    assert (row.duplicate_count, row.changed_count) == (2, 1)
    assert ((await Lead.get(id=theirs.id)).company, (await Lead.get(id=ours.id)).company) == ("", "乙")


async def test_what_lies_in_the_pool_is_claimed_before_it_is_changed(table: Table, core: Core) -> None:
    actor = await make_actor(core, "小王")
    lead = await make_lead(core, "张伟", mobile="13800138000")
    row = await table.run([HEAD, ["张伟", "13800138000", "东风", ""]], actor=actor)
    assert (row.duplicate_count, row.changed_count) == (1, 0)
    assert [each["原因"] for each in table.refused_rows()] == ["已有，在公海，138****8000"]
    assert (await Lead.get(id=lead.id)).company == ""


async def test_a_closed_pool_stays_closed(table: Table, core: Core) -> None:
    boss = replace(await make_actor(core, "老王", Role.MANAGER), closed_pools=frozenset({"vip"}))
    lead = await make_lead(core, "张伟", mobile="13800138000")
    await Lead.filter(id=lead.id).update(pool="vip")
    assert (await table.run([HEAD, ["张伟", "13800138000", "东风", ""]], actor=boss)).changed_count == 0


async def test_a_contact_of_another_unit_s_customer_is_hidden_too(table: Table, core: Core) -> None:
    actor, north = await two_units(core)
    owner = await make_employee(core, "小李", department_id=north.id)
    customer = await Customer.add(core, name="东风机械厂", name_key="x", owner_id=owner.id)
    contact = await Contact.add(
        core, name="张伟", mobile="+8613800138000", customer_id=customer.id, owner_id=owner.id, person_id=9
    )
    lead = await of_unit(core, north, "张伟")
    await Lead.filter(id=lead.id).update(contact_id=contact.id, customer_id=customer.id, status="converted")
    await core.db.run(_person(core, 9))
    row = await table.run([["姓名", "手机号"], ["张三", "13800138000"]], kind="contacts", actor=actor)
    assert (row.new_count, row.duplicate_count) == (0, 1)
    assert [each["原因"] for each in table.refused_rows()] == [ELSEWHERE]


def _person(core: Core, number: int) -> Any:
    now = core.clock.now()
    yield "INSERT INTO people (id, created_at, updated_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (number, now, now)


async def test_a_collaborator_who_may_write_may_import(table: Table, core: Core) -> None:
    actor, owner = await make_actor(core, "小王"), await make_employee(core, "小李")
    customer = await Customer.add(core, name="东风机械厂", owner_id=owner.id)
    rows = [["客户名称", "行业"], ["东风机械厂", "汽车"]]
    await table.run(rows, kind="customers", actor=actor)
    assert (await Customer.get(id=customer.id)).industry == ""
    assert [each["原因"] for each in table.refused_rows()] == ["已有，归属：小李"]
    await Collaborator.add(core, customer_id=customer.id, employee_id=actor.employee_id, may_write=True)
    row = await table.run([*rows, []], kind="customers", actor=actor)
    assert (row.changed_count, (await Customer.get(id=customer.id)).industry) == (1, "汽车")


async def test_what_was_deleted_is_not_there(table: Table, core: Core) -> None:
    customer = await Customer.add(core, name="东风机械厂", owner_id=None)
    await deletion.delete_customer(core, SYSTEM, customer.id)
    row = await table.run([["客户名称"], ["东风机械厂"]], kind="customers")
    assert (row.new_count, row.duplicate_count) == (1, 0)


async def test_collecting_leaves_alone_what_is_not_the_speaker_s(core: Core) -> None:
    actor, north = await two_units(core)
    owner = await make_employee(core, "小李")
    own = await make_lead(core, "张伟", mobile="13800138000", owner_id=owner.id)
    secret = await of_unit(core, north, "李娜", mobile="13900139000")
    for number, kind, sentence in (
        ("13800138000", LeadDuplicate, "已有，归属：小李，138****8000，没有重复录入"),
        ("13900139000", LeadElsewhere, ELSEWHERE),
    ):
        said = {"name": "某人", "mobile": number, "need": "20台"}
        await core.db.run(quarantine.put(core, "leads", "x", [(1, said, [])], employee_id=actor.employee_id))
        row = await quarantine.waiting(actor).order_by("-id").first()
        assert row is not None
        with pytest.raises(kind) as refused:
            await quarantine.release(core, actor, row.id, {})
        assert refused.value.sentence() == sentence
        assert await quarantine.waiting(actor).filter(id=row.id).exists()
    assert {(await Lead.get(id=each.id)).need for each in (own, secret)} == {""}
    made = await collecting.collect(core, SYSTEM, {"mobile": "13900139000", "need": "5台"}, source="官网")
    assert (made.made, (await Lead.get(id=secret.id)).need) == (False, "5台")


async def test_sight_is_taken_from_who_the_importer_is_now(table: Table, core: Core) -> None:
    """Somebody who was moved to the unit meanwhile sees it."""
    actor, north = await two_units(core)
    lead = await of_unit(core, north, "张伟", mobile="13800138000")
    boss = await make_actor(core, "老王", Role.MANAGER, department_id=north.id)
    rows = [HEAD, ["张伟", "13800138000", "东风", ""]]
    waiting = await table.begin(rows, actor=actor)
    await running.run(table.core, waiting, boss)
    assert (await Lead.get(id=lead.id)).company == "东风"
