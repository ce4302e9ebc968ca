"""Value in chat: line by line, ranking, purchases and interests in one line, ratings and answers."""

from decimal import Decimal

import pytest

from crm_core import activities, customers
from crm_core.employees import actor_of
from crm_core.ports import Core
from crm_core.purchases import Purchase
from scheduler.jobs import customer_values as job
from tests.factories import make_lead
from tests.fakes import FakeClock
from tests.handlers.conftest import Staff


async def test_a_purchase_in_one_line_and_the_value_of_it(core: Core, chat: Staff, clock: FakeClock) -> None:
    await customers.add_customer(core, await actor_of(chat.employee), name="云帆科技")
    assert "还没有算过价值" in await chat.says("价值排行")
    said = await chat.says("云帆科技 买了 智能网关 3台 1.2万 成本1.3万")
    assert said == "已记：云帆科技买过 智能网关 3台 ¥12,000.00 成本¥13,000.00"
    row = await Purchase.get()
    assert (row.product, row.quantity, row.amount, row.cost) == ("智能网关", "3台", Decimal(12000), Decimal(13000))
    told = await chat.says("价值 云帆科技")
    assert "利润 0分" in told
    assert "· 历史利润¥-1,000（成交1次，¥12,000）：0分" in told
    assert "· 付款周期未填：50分" in told
    assert "· 占有率未填" in told
    await job.run(core)
    ranked = await chat.says("价值排行")
    assert "客户1家，利润合计¥-1,000.00" in ranked
    assert "亏损：\n· 云帆科技 ¥-1,000.00" in ranked
    assert await chat.says("云帆科技买了网关2台8万") == "已记：云帆科技买过 网关 2台 ¥80,000.00"
    assert await chat.says("撤销") == "已撤销：网关 2台 ¥80,000.00"
    assert "已更新：云帆科技 付款周期：45天" in await chat.says("把云帆科技的付款周期改成45天")
    clock.advance(60)
    await job.run(core)
    told = await chat.says("价值 云帆科技")
    assert "付款周期45天：83分" in told
    assert "变化：" in told


async def test_interests_and_what_was_bought(core: Core, chat: Staff) -> None:
    await customers.add_customer(core, await actor_of(chat.employee), name="云帆科技")
    assert await chat.says("云帆科技 对 边缘计算 感兴趣") == "已记：云帆科技感兴趣 边缘计算"
    await chat.says("云帆科技买了网关")
    assert await chat.says("云帆科技买过什么") == "云帆科技，买过：网关"
    card = await chat.says("看下云帆科技的资料")
    assert "兴趣：边缘计算" in card
    assert "买过：网关" in card


async def test_ratings_and_first_answers_by_person(core: Core, chat: Staff, clock: FakeClock) -> None:
    assert "还没有可以统计" in await chat.says("服务满意度")
    actor = await actor_of(chat.employee)
    await customers.add_customer(core, actor, name="云帆科技")
    lead = await make_lead(core, owner_id=chat.employee.id)
    await make_lead(core, "赵六", owner_id=chat.employee.id)
    clock.advance(1800)
    await activities.add_follow_up(core, actor, activities.subject_of(lead), method="phone")
    assert await chat.says("服务评价 云帆科技 4 回复及时") == "已记：云帆科技评价4分"
    assert await chat.says("服务满意度") == "近30天的服务：\n1. 小王：首次响应30分钟（中位，1/2条已响应），评价4.0分（1次）"
    assert "请写成" in await chat.says("服务评价 云帆科技 9")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("云帆科技买了2台网关八千块", "网关 2台 ¥8,000.00"),
        ("云帆科技 又买了 5台网关 单价4000", "网关 5台 ¥20,000.00"),
        ("云帆科技买了网关 两台 每台1.5万", "网关 两台 ¥30,000.00"),
        ("云帆科技买了3套软件 单价两千元", "软件 3套 ¥6,000.00"),
    ],
)
async def test_sums_in_chinese_and_by_the_piece(core: Core, chat: Staff, said: str, told: str) -> None:
    await customers.add_customer(core, await actor_of(chat.employee), name="云帆科技")
    assert await chat.says(said) == f"已记：云帆科技买过 {told}"


async def test_a_purchase_of_a_lead_says_what_comes_first(core: Core, chat: Staff) -> None:
    await make_lead(core, "吴晓", company="东吴集团", owner_id=chat.employee.id)
    assert "还是线索，请先转客户：转客户 吴晓" in await chat.says("东吴集团 又买了 5台网关 单价4000")
    assert await Purchase.all().count() == 0


async def test_a_purchase_is_told_in_few_words(core: Core, chat: Staff) -> None:
    await customers.add_customer(core, await actor_of(chat.employee), name="云帆科技")
    assert "请不超过200个字" in await chat.says(f"记消费 云帆科技 {'一二三' * 3000}")
    assert await Purchase.all().count() == 0
