"""Every minute: value the customers that are due, page by page; who changed is due at once, everybody once a month."""

from datetime import timedelta
from functools import partial

from crm_core import customer_values, life_cycles
from crm_core.ports import Core
from scheduler.queue import Periodic

BUDGET = 20.0
"""Seconds of one run, so that a run ends; the rest comes a minute later. Between pages others have the writer."""


async def run(core: Core) -> int:
    """Value what is due; tells how many customers."""
    end = core.clock.monotonic() + BUDGET
    await core.db.run(partial(life_cycles.begin_reading, core))
    done = 0
    while core.clock.monotonic() < end:
        count = await core.db.run(partial(customer_values.look_at_due, core))
        done += count
        if count < customer_values.PAGE:
            break
    return done


PERIODIC = Periodic(name="customer_values", every=timedelta(minutes=1), run=run)
