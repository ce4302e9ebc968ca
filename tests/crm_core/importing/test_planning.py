"""What is found out before a page is written: whose customer a row hangs on, and who is above whom."""

from crm_core.customers import Contact, Customer
from crm_core.employees import Department
from crm_core.importing import undoing
from crm_core.leads import Lead
from crm_core.ports import Core
from tests.crm_core.importing.conftest import Table
from tests.factories import SYSTEM, make_actor, make_employee, make_lead


async def test_contacts_do_not_go_to_somebody_else_s_customer(table: Table, core: Core) -> None:
    actor, owner = await make_actor(core, "小王"), await make_employee(core, "小李")
    await Customer.add(core, name="云帆科技有限公司", owner_id=owner.id)
    rows = [["姓名", "手机", "公司"], ["张伟", "13800138000", "云帆科技"], ["李娜", "13900139000", "东风"]]
    counted = await table.count(rows, kind="contacts", actor=actor)
    assert (counted.new, counted.duplicate, counted.bad) == (1, 0, 1)
    row = await table.run(rows, kind="contacts", actor=actor)
    assert (row.new_count, row.duplicate_count, row.bad_count) == (1, 0, 1)
    assert [each["原因"] for each in table.refused_rows()] == ["客户：已有，归属：小李"]
    assert [each.name for each in await Contact.all()] == ["李娜"]


async def test_another_unit_s_customer_is_as_if_it_were_not_there(table: Table, core: Core) -> None:
    south = await Department.add(core, name="华南", kind="department")
    north = await Department.add(core, name="华北", kind="department")
    actor = await make_actor(core, "小王", department_id=south.id)
    theirs = await Customer.add(core, name="东风机械厂", owner_id=(await make_employee(core, "小李")).id)
    lead = await make_lead(core, "某人")
    await Lead.filter(id=lead.id).update(department_id=north.id, customer_id=theirs.id)
    rows = [["姓名", "手机", "公司"], ["张伟", "13800138000", "东风机械厂"]]
    await table.run(rows, kind="contacts", actor=actor)
    mine = await Customer.get(id=(await Contact.get(name="张伟")).customer_id)
    assert (mine.id != theirs.id, mine.owner_id) == (True, actor.employee_id)
    await table.run([["姓名", "手机", "公司"], ["李娜", "13900139000", "东风机械厂"]], kind="contacts", actor=actor)
    assert (await Contact.get(name="李娜")).customer_id == mine.id


async def test_a_parent_in_the_same_table_is_one_customer(table: Table, core: Core) -> None:
    rows = [["客户名称", "上级单位", "行业"], ["东风商用车", "东风集团", ""], ["东风集团有限公司", "", "汽车"]]
    row = await table.run(rows, kind="customers")
    assert row.new_count == 2
    above = await Customer.get(name="东风集团有限公司")
    assert ((await Customer.get(name="东风商用车")).parent_id, above.industry, above.parent_id) == (above.id, "汽车", None)
    await undoing.undo_now(table.core, SYSTEM, row.id)
    assert await Customer.all().count() == 0


async def test_rows_above_each_other_and_too_deep_are_refused(table: Table, core: Core) -> None:
    knot = [["甲公司", "乙公司"], ["乙公司", "甲公司"]]
    deep = [[f"第{number}级公司", f"第{number + 1}级公司"] for number in range(12)]
    row = await table.run([["客户名称", "上级单位"], *knot, *deep], kind="customers")
    reasons = [each["原因"] for each in table.refused_rows()]
    assert reasons[:2] == ["上级单位：几行互为上级"] * 2
    assert set(reasons[2:]) == {"上级单位：最多10级"}
    assert (row.bad_count, row.new_count) == (len(reasons), 14 - len(reasons))


async def test_a_parent_of_somebody_else_is_not_taken(table: Table, core: Core) -> None:
    actor, owner = await make_actor(core, "小王"), await make_employee(core, "小李")
    await Customer.add(core, name="东风集团", owner_id=owner.id)
    await table.run([["客户名称", "上级单位"], ["东风商用车", "东风集团"]], kind="customers", actor=actor)
    assert [each["原因"] for each in table.refused_rows()] == ["上级单位：已有，归属：小李"]
