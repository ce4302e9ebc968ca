"""Offers of leads: whoever is silent too long is passed over, and what waited for working hours is offered when they begin."""

from datetime import timedelta

from crm_core import assignment, lead_exceptions
from crm_core.leads import Lead
from crm_core.ports import Core
from scheduler.queue import Periodic

PAGE = 100
RETRIED = 50
"""Leads that wait for work to begin, looked at in one go."""


async def run(core: Core) -> int:
    """Pass on what nobody answered; tells how many offers ended or began."""
    ended = 0
    while count := await assignment.expire_due(core, limit=PAGE):
        ended += count
    return ended + await retry_waiting(core)


async def retry_waiting(core: Core) -> int:
    """Offer what waited for working hours; tells how many found somebody."""
    begun = 0
    for number in await lead_exceptions.waiting_leads(RETRIED):
        async with core.db.transaction():
            lead = await Lead.get_or_none(id=number, owner_id=None, status__in=["new", "following"])
            if lead is None:
                await lead_exceptions.end(core, number)
                continue
            begun += await assignment.assign_by_rule(core, lead) is not None
    return begun


PERIODIC = Periodic(name="offers", every=timedelta(seconds=15), run=run)
