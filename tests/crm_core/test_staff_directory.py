"""Members are bound by mobile alone; nobody is made unless asked, nobody departed comes back."""

from crm_core import employees
from crm_core.accounts import Account
from crm_core.employees import Employee
from crm_core.ports import Core
from crm_core.staff_directory import Member, bind_members, list_unbound
from tests.factories import SYSTEM, make_employee

MEMBERS = [Member("zhangsan", "张三", "13900001111"), Member("lisi", "李四"), Member("13900002222", "王五")]


async def test_the_one_employee_with_the_mobile_is_bound(core: Core) -> None:
    first = await make_employee(core, "三", mobile="+8613900001111")
    second = await make_employee(core, "五", mobile="+8613900002222")
    await make_employee(core, "李四")  # a name proves nothing
    assert await bind_members(core, "wecom", MEMBERS, add_missing=False) == 2
    assert await bind_members(core, "wecom", MEMBERS, add_missing=False) == 0
    accounts = await Account.filter(channel="wecom").order_by("id").values_list("external_id", "person_id")
    assert accounts == [("zhangsan", first.person_id), ("13900002222", second.person_id)]
    assert [member.user_id for member in await list_unbound(core, "wecom", MEMBERS)] == ["lisi"]


async def test_two_with_one_number_and_the_departed_are_left_alone(core: Core) -> None:
    for name in ("甲", "乙"):
        await make_employee(core, name, mobile="+8613900001111")
    gone = await make_employee(core, "丙", mobile="+8613900002222")
    await employees.depart(core, SYSTEM, gone.id)
    assert await bind_members(core, "wecom", MEMBERS, add_missing=True) == 0
    assert await Employee.all().count() == 3


async def test_missing_ones_are_taken_in_only_when_asked(core: Core) -> None:
    assert await bind_members(core, "wecom", MEMBERS, add_missing=False) == 0
    assert await bind_members(core, "wecom", MEMBERS, add_missing=True) == 1
    assert (await Employee.get()).name == "张三"
