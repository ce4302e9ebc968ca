"""At the start of a month: keep its forecast, and write what was won beside the forecasts of months that are over."""

from datetime import time, timedelta

from crm_core import forecasts
from crm_core.clock import today
from crm_core.ports import Core
from scheduler.queue import Periodic, once_a_day

AT = time(0, 10)
KEPT_UNTIL = 3
"""Days of a month in which its forecast may still be called one of its start; later only what is over is settled."""


async def run(core: Core) -> bool:
    """Do a day's work once; tells whether it was done now."""
    return await once_a_day(core, "sales_forecasts", AT, lambda: keep_and_settle(core))


async def keep_and_settle(core: Core) -> int:
    """Keep and settle what is due; tells how many rows. Safe to repeat: a forecast that stands is never changed."""
    day = today(core.clock)
    kept = await core.db.run(forecasts.keep(core, day)) if day.day <= KEPT_UNTIL else 0
    return kept + await core.db.run(forecasts.settle(core, day))


PERIODIC = Periodic(name="sales_forecasts", every=timedelta(minutes=10), run=run)
