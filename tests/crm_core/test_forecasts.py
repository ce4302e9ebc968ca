"""The forecast: its method to the cent, what it leaves out, rows kept at the start of months, and its error."""

from datetime import UTC, date, datetime
from decimal import Decimal

from crm_core import forecasts
from crm_core.forecasts import SalesForecast, forecast, months_of
from crm_core.ports import Core
from tests.factories import SYSTEM, make_actor, make_deal
from tests.fakes import FakeClock

NOVEMBER = (date(2026, 11, 1), date(2026, 11, 30))
TODAY = date(2026, 11, 25)


async def test_it_is_what_is_won_and_what_is_weighed_to_the_cent(core: Core) -> None:
    actor, peer = await make_actor(core), await make_actor(core, "小李")
    await make_deal(core, actor, amount="100.10", status="won", won_at=core.clock.now())
    await make_deal(core, actor, amount="100.10", status="won", won_at=datetime(2026, 10, 31, 15, 59, tzinfo=UTC))
    await make_deal(core, actor, amount="0.10", probability=60, expected_close_on="2026-11-30")
    await make_deal(core, actor, amount="0.20", stage="proposal", expected_close_on="2026-11-25")
    await make_deal(core, actor, amount="9", expected_close_on="2026-12-01")
    await make_deal(core, actor, amount="9", expected_close_on="2026-11-24")
    await make_deal(core, actor, amount="9")
    await make_deal(core, actor, expected_close_on="2026-11-29")
    await make_deal(core, peer, amount="1000", probability=100, expected_close_on="2026-11-30")
    found = await forecast(core, *NOVEMBER, [actor.employee_id or 0], TODAY)
    assert (found.won_amount, found.expected_amount) == (Decimal("100.10"), Decimal("0.16"))
    assert (found.amount, found.counted) == (Decimal("100.26"), 3)
    assert (found.overdue_count, found.undated_count, found.error_percent) == (1, 1, None)
    assert (await forecast(core, *NOVEMBER, None, TODAY)).expected_amount == Decimal("1000.16")
    assert (await forecast(core, *NOVEMBER, [], TODAY)).amount == 0


async def test_sums_are_exact(core: Core) -> None:
    for _ in range(30):
        await make_deal(core, SYSTEM, amount="0.10", probability=100, expected_close_on="2026-11-30")
    assert (await forecast(core, *NOVEMBER, None, TODAY)).expected_amount == Decimal("3.00")


async def test_what_was_forecast_is_kept_once_and_compared_when_the_month_is_over(core: Core, clock: FakeClock) -> None:
    actor, peer = await make_actor(core), await make_actor(core, "小李")
    clock.set(datetime(2026, 12, 1, 1, tzinfo=UTC))
    await make_deal(core, actor, amount="100", probability=60, expected_close_on="2026-12-20")
    assert await core.db.run(forecasts.keep(core, date(2026, 12, 1))) == 1
    await make_deal(core, actor, amount="100", probability=60, expected_close_on="2026-12-20")
    assert await core.db.run(forecasts.keep(core, date(2026, 12, 2))) == 0
    assert await core.db.run(forecasts.settle(core, date(2026, 12, 31))) == 0
    for owner, amount in ((actor, "80"), (peer, "20")):
        await make_deal(core, owner, amount=amount, status="won", won_at=datetime(2026, 12, 31, 15, 59, tzinfo=UTC))
    await make_deal(core, actor, amount="7", status="won", won_at=datetime(2026, 12, 31, 16, tzinfo=UTC))
    clock.set(datetime(2027, 1, 1, 1, tzinfo=UTC))
    assert await core.db.run(forecasts.settle(core, date(2027, 1, 1))) == 2
    assert await core.db.run(forecasts.settle(core, date(2027, 1, 2))) == 0
    rows = {row.owner_id: (row.forecast_amount, row.won_amount) for row in await SalesForecast.all()}
    assert rows == {
        actor.employee_id: (Decimal("60.00"), Decimal("80.00")),
        peer.employee_id: (Decimal("0.00"), Decimal("20.00")),
    }
    found = await forecast(core, date(2027, 1, 1), date(2027, 1, 31), None, date(2027, 1, 1))
    assert [(each.month, each.forecast_amount, each.won_amount) for each in found.past] == [
        ("2026-12", Decimal("60.00"), Decimal("100.00"))
    ]
    assert found.error_percent == 40
    assert (await forecast(core, *NOVEMBER, [actor.employee_id or 0], TODAY)).error_percent == 25


async def test_a_month_of_which_nothing_came_is_settled_with_nothing(core: Core, clock: FakeClock) -> None:
    await make_deal(core, SYSTEM, amount="100", probability=50, expected_close_on="2026-11-30")
    await core.db.run(forecasts.keep(core, date(2026, 11, 1)))
    await core.db.run(forecasts.settle(core, date(2026, 12, 1)))
    row = await SalesForecast.get()
    assert (row.owner_id, row.won_amount) == (forecasts.NOBODY, Decimal("0.00"))
    assert (await forecast(core, *NOVEMBER, None, TODAY)).error_percent is None


def test_months_of_a_span() -> None:
    assert months_of(date(2026, 11, 30), date(2027, 1, 1)) == ["2026-11", "2026-12", "2027-01"]
    assert forecasts.bounds_of("2026-12") == (date(2026, 12, 1), date(2027, 1, 1))
