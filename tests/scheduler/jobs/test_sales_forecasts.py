"""Forecasts are kept in the first days of a month and settled when it is over."""

from datetime import UTC, datetime

from crm_core.forecasts import SalesForecast
from crm_core.ports import Core
from scheduler.jobs.sales_forecasts import keep_and_settle, run
from tests.factories import SYSTEM, make_deal
from tests.fakes import FakeClock


async def test_kept_at_the_start_of_a_month_alone_and_settled_after_it(core: Core, clock: FakeClock) -> None:
    await make_deal(core, SYSTEM, amount="100", probability=50, expected_close_on="2026-11-30")
    assert await keep_and_settle(core) == 0
    await make_deal(core, SYSTEM, amount="100", probability=50, expected_close_on="2026-12-30")
    clock.set(datetime(2026, 12, 1, 1, tzinfo=UTC))
    assert await run(core) is True
    assert await run(core) is False
    row = await SalesForecast.get()
    assert (row.month, str(row.forecast_amount), row.settled_at) == ("2026-12", "50.00", None)
    clock.set(datetime(2027, 1, 1, 1, tzinfo=UTC))
    assert await keep_and_settle(core) == 1
    assert (await SalesForecast.get()).settled_at is not None
