"""The life cycle in chat: overview, one customer, by hand with a reason, sleepers, warnings, whom to call."""

from crm_core import customers
from crm_core.employees import actor_of
from crm_core.ports import Core
from scheduler.jobs import life_cycles as job
from tests.fakes import FakeClock
from tests.handlers.conftest import Staff


async def test_states_and_moves_and_one_customer(core: Core, chat: Staff, clock: FakeClock) -> None:
    assert await chat.says("生命周期") == "还没有客户，生命周期无从统计。"
    await customers.add_customer(core, await actor_of(chat.employee), name="云帆科技")
    assert await chat.says("把云帆科技标为流失") == "云帆科技标为流失，原因是什么？"
    said = await chat.says("搬到外地了")
    assert said == "已改：云帆科技为流失（搬到外地了），有新往来时会自动更新。"
    told = await chat.says("生命周期")
    assert told.splitlines()[1] == "目标0，潜在0，机会0，用户0，忠诚0，休眠0，流失1"
    assert "· 目标→流失：1家（占离开的100%）" in told
    one = await chat.says("生命周期 云帆科技")
    assert "云帆科技：流失，今天 10:00起（搬到外地了）" in one
    assert "联系节奏：每180天，只发节日问候" in one
    assert "云帆科技" in await chat.says("流失客户")
    assert await chat.says("休眠客户") == "没有休眠的客户。"


async def test_set_in_one_sentence_and_taken_back(core: Core, chat: Staff) -> None:
    await customers.add_customer(core, await actor_of(chat.employee), name="云帆科技")
    assert "已改：云帆科技为休眠（项目暂停）" in await chat.says("把云帆科技标为休眠，项目暂停")
    assert await chat.says("撤销") == "已撤销，恢复原来的生命周期"
    assert "目标1" in await chat.says("生命周期")
    assert "只能是目标、潜在" in await chat.says("改生命周期 云帆科技 消失 不见了")


async def test_sleepers_warnings_and_the_plan(core: Core, chat: Staff, clock: FakeClock) -> None:
    await customers.add_customer(core, await actor_of(chat.employee), name="云帆科技")
    assert await chat.says("流失预警") == "没有快要流失的客户。"
    assert await chat.says("联系计划") == "按联系节奏，现在没有该联系的客户。"
    clock.advance(80 * 86400)
    await job.run(core)
    assert "1. 云帆科技（目标，还没有跟进）" in await chat.says("流失预警")
    assert "1. 云帆科技（目标）：每60天，节日问候" in await chat.says("联系计划")
    clock.advance(20 * 86400)
    await job.run(core)
    assert "休眠客户1家：\n1. 云帆科技" in await chat.says("休眠客户")
