"""Stuck deals are told to owner and manager once, and again after some days or a new rest."""

from datetime import timedelta

from crm_core import activities
from crm_core.access import Role
from crm_core.conversations import Message
from crm_core.employees import actor_of
from crm_core.pipelines import Quiet
from crm_core.ports import Core
from scheduler.jobs.stuck_opportunities import PERIODIC, manager_text, owner_text, run, tell_all
from tests.factories import make_deal, make_employee
from tests.fakes import START, FakeClock


async def told(core: Core) -> list[str]:
    return [row.text for row in await Message.filter(direction="out", topic="stuck_opportunities").order_by("id")]


async def test_owner_and_manager_are_told_once_and_again_after_a_week(core: Core, clock: FakeClock) -> None:
    boss = await make_employee(core, "老周", Role.MANAGER, staff_id="s-boss")
    owner = await make_employee(core, staff_id="s-wang", manager_id=boss.id)
    deal = await make_deal(core, await actor_of(owner))
    assert await tell_all(core) == 0
    clock.advance(timedelta(days=14))
    assert await tell_all(core) == 1
    assert await told(core) == [
        f"有1个商机好久没动了：\n· #{deal.id} 智能网关，初步接触，14天没动\n记一条跟进，或说“商机名 到哪了”看看还缺什么。",
        f"团队有1个商机卡住了：\n· 小王：#{deal.id} 智能网关，初步接触，14天没动\n"
        f"可以留下下一步，例如：下一步 #{deal.id} 约客户高层见面",
    ]
    assert await tell_all(core) == 0
    clock.advance(timedelta(days=6))
    assert await tell_all(core) == 0
    clock.advance(timedelta(days=1))
    assert await tell_all(core) == 1
    subject = await activities.load_subject(await actor_of(owner), "opportunity", deal.id)
    await activities.add_follow_up(core, await actor_of(owner), subject, method="phone")
    clock.advance(timedelta(days=10))
    assert await tell_all(core) == 0
    clock.advance(timedelta(days=4))
    assert await tell_all(core) == 1
    assert len(await told(core)) == 6


async def test_it_is_told_once_a_day_in_the_morning(core: Core, clock: FakeClock) -> None:
    owner = await make_employee(core, staff_id="s-wang")
    await make_deal(core, await actor_of(owner))
    clock.advance(timedelta(days=20))
    clock.set(START + timedelta(days=20, hours=-2))
    assert await PERIODIC.run(core) is False
    clock.set(START + timedelta(days=20))
    assert await run(core) is True
    assert await run(core) is False
    assert len(await told(core)) == 1


def test_a_long_list_is_counted() -> None:
    deals = [Quiet(number, f"商机{number}", 1, 7, "初步接触", 20 + number, START, None) for number in range(1, 13)]
    assert owner_text(deals).splitlines()[1] == "· #12 商机12，初步接触，32天没动"
    assert "另有2个，回复“卡住的商机”查看" in owner_text(deals)
    assert "团队有12个商机卡住了" in manager_text({7: deals}, {7: "小王"})
