"""Finding the customer a sentence means."""

from crm_core import customers
from crm_core.employees import actor_of
from crm_core.ports import Core
from handlers.customer_words import is_known
from tests.handlers.conftest import Staff


async def test_two_of_a_name_are_told_apart_by_number(core: Core, chat: Staff) -> None:
    actor = await actor_of(chat.employee)
    for _ in range(2):
        row = await customers.add_customer(core, actor, name="云帆科技")
    assert "请回复序号" in await chat.says("把云帆科技标为流失，搬走了")
    await chat.says("1")
    assert await customers.Customer.filter(life_cycle="lost").count() == 1
    assert await is_known(actor, row.name)
    assert not await is_known(actor, "云帆")
    assert not await is_known(actor, "云")
