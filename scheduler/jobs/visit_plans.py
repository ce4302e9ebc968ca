"""Each morning: see that every customer of a level with a rhythm has its next visit planned (定期拜访计划)."""

from datetime import time, timedelta

from crm_core import visit_plans
from crm_core.ports import Core
from scheduler.queue import Periodic, once_a_day

AT = time(7)


async def run(core: Core) -> bool:
    """Plan once a day; tells whether it was done now."""
    return await once_a_day(core, "visit_plans", AT, lambda: visit_plans.make(core))


PERIODIC = Periodic(name="visit_plans", every=timedelta(minutes=5), run=run, time_limit=timedelta(minutes=10))
