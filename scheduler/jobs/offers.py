"""Offers of leads: whoever is silent too long is passed over, and what waited for working hours is offered when they begin."""

from collections.abc import Sequence
from datetime import timedelta

from crm_core import assignment, lead_exceptions
from crm_core.candidates_of_units import Desk
from crm_core.leads import Lead
from crm_core.ports import Core
from scheduler.queue import Periodic

PAGE = 100
RETRIED = 20
"""Leads of one unit that wait for work to begin, looked at before it is given up for this time."""
WORK_SECONDS = 20.0
"""How long one run goes on; the rest is done by the next."""


async def run(core: Core) -> int:
    """Pass on what nobody answered; tells how many offers ended or began."""
    ended = 0
    while count := await assignment.expire_due(core, limit=PAGE):
        ended += count
    return ended + await retry_waiting(core)


async def retry_waiting(core: Core) -> int:
    """Offer what waited for working hours; tells how many found somebody."""
    began, begun = core.clock.monotonic(), 0
    for unit in await lead_exceptions.waiting_units():
        after = 0
        while core.clock.monotonic() - began < WORK_SECONDS:
            page = await lead_exceptions.waiting_leads(unit, after, RETRIED)
            found = await _retry(core, [lead for _, lead in page])
            begun += found
            if not found:  # nobody of this unit works yet
                break
            after = page[-1][0]
    return begun


async def _retry(core: Core, numbers: Sequence[int]) -> int:
    desk, begun = Desk(core), 0
    for number in numbers:
        async with core.db.transaction():
            lead = await Lead.get_or_none(id=number, owner_id=None, status__in=["new", "following"])
            if lead is None:
                await lead_exceptions.end(core, number)
                continue
            begun += await assignment.assign_by_rule(core, lead, desk=desk) is not None
    return begun


PERIODIC = Periodic(name="offers", every=timedelta(seconds=15), run=run)
