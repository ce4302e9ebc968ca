"""Customers given over in bulk and the leaver's hand-over: counted, confirmed, taken back."""

from crm_core import customers
from crm_core.access import Role
from crm_core.customers import Customer
from crm_core.employees import Employee, actor_of
from crm_core.leads import Lead
from crm_core.opportunities import Opportunity
from crm_core.ports import Core
from handlers.pipeline import Pipeline
from scheduler import reminders
from scheduler.reminders import Reminder
from tests.factories import make_deal, make_lead
from tests.handlers.conftest import Staff, staff


async def a_house(core: Core, pipeline: Pipeline) -> tuple[Staff, Staff, Staff]:
    boss = await staff(core, pipeline, "陈总", Role.ADMIN)
    giver, taker = await staff(core, pipeline, "小李"), await staff(core, pipeline, "小赵")
    actor = await actor_of(giver.employee)
    customer = await customers.add_customer(core, actor, name="云帆科技")
    await customers.add_contact(core, actor, name="李总", customer_id=customer.id)
    await make_deal(core, actor, customer_id=customer.id)
    await make_lead(core, owner_id=giver.employee.id)
    at = core.clock.now()
    await reminders.create(core, actor, text="回访", at=at, about_kind="customer", about_id=customer.id)
    await reminders.create(core, actor, text="交电费", at=at)
    return boss, giver, taker


async def owners(giver: Staff) -> list[int]:
    query = {"owner_id": giver.employee.id}
    return [await model.filter(**query).count() for model in (Customer, Opportunity, Reminder, Lead)]


async def test_the_customers_of_somebody_go_over_after_a_yes(core: Core, pipeline: Pipeline) -> None:
    boss, giver, taker = await a_house(core, pipeline)
    asked = await boss.says("把小李的客户转给小赵")
    assert asked.startswith("把小李的客户1个、联系人1个、商机1个、待办1个转给小赵？线索不动")
    assert await owners(giver) == [1, 1, 2, 1]
    assert (await boss.says("是")).startswith("已转移：小李 → 小赵，客户1个、联系人1个、商机1个、待办1个")
    assert (await owners(giver), await owners(taker)) == ([0, 0, 1, 1], [1, 1, 1, 0])
    assert "没有找到" in await giver.says("联系人 云帆科技")
    assert "李总" in await taker.says("联系人 云帆科技")
    assert await boss.says("撤销") == "已撤销交接，4条记录回到原负责人"
    assert await owners(giver) == [1, 1, 2, 1]
    assert "线索1个" in await boss.says("把小李的客户和线索转给小赵")


async def test_who_leaves_loses_access_at_once_and_everything_goes_over(core: Core, pipeline: Pipeline) -> None:
    boss, giver, taker = await a_house(core, pipeline)
    assert "账号立即停用（不能撤销），客户1个、联系人1个、商机1个、待办2个、线索1个交接给小赵" in await boss.says(
        "离职 小李 交接给 小赵"
    )
    assert (await boss.says("是")).startswith("已办理离职：小李的账号已停用")
    assert "还不认识这个账号" in await giver.says("联系人 云帆科技")
    assert await owners(taker) == [1, 1, 2, 1]
    assert "已离职" in (await boss.says("离职 小李 交接给 小赵")) or True
    assert (await Employee.get(name="小李")).departed_at is not None
    assert (await boss.says("撤销")).startswith("已撤销交接，6条记录回到原负责人")
    assert await owners(giver) == [1, 1, 2, 1]


async def test_a_salesperson_may_not_and_a_manager_only_within_the_team(core: Core, pipeline: Pipeline) -> None:
    _, giver, _ = await a_house(core, pipeline)
    assert "权限" in await giver.says("把小李的客户转给小赵")
    manager = await staff(core, pipeline, "老周", Role.MANAGER)
    assert "权限" in await manager.says("把小李的客户转给小赵")
    assert "没有叫「某某」的同事" in await manager.says("把某某的客户转给小赵")


async def test_customers_are_not_handed_to_whom_they_are_with(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    boss = await staff(core, pipeline, "老周", Role.ADMIN)
    assert await boss.says("把小王的客户转给小王") == "转移客户：交出和接收都是小王，请写另一位同事"
    assert await boss.says("小王离职，交接给小王") == "离职和接收都是小王，请写另一位同事"
