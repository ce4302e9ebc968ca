"""Who won how much: ranked, with targets of whole months, of nobody outside the own team."""

from datetime import date

import pytest

from crm_core import performance, sales_targets
from crm_core.access import Role
from crm_core.errors import Refused
from crm_core.ports import Core
from crm_core.win_loss import win
from tests.factories import make_actor, make_deal

FIRST, LAST = date(2026, 11, 1), date(2026, 11, 30)


async def test_the_one_who_won_most_comes_first(core: Core) -> None:
    admin = await make_actor(core, "管理员", Role.ADMIN)
    one, two = await make_actor(core, "小王"), await make_actor(core, "小李")
    for actor, amount in ((one, "100"), (one, "200"), (two, "5000")):
        await win(core, actor, (await make_deal(core, actor, amount=amount)).id)
    await sales_targets.set_target(core, admin, month="2026-11", amount="10000", employee_id=two.employee_id)
    found = await performance.standings(core, admin, FIRST, LAST)
    ranked = [(each.name, each.won_count, str(each.won_amount)) for each in found]
    assert ranked == [("小李", 1, "5000.00"), ("小王", 2, "300.00")]
    assert [str(each.target) for each in found] == ["10000.00", "None"]
    assert (await performance.standings(core, admin, FIRST, date(2026, 11, 29)))[0].target is None
    assert [each.name for each in await performance.standings(core, one, FIRST, LAST)] == ["小王"]
    assert await performance.standings(core, admin, date(2026, 10, 1), date(2026, 10, 31)) == []
    with pytest.raises(Refused):
        await performance.standings(core, one, FIRST, LAST, [two.employee_id or 0])
