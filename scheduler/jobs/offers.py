"""Offers of leads: whoever is silent too long is passed over, and what waited for
working hours, room or its unit is offered then.
"""

from collections.abc import Sequence
from datetime import timedelta

from crm_core import assignment, distribution, lead_exceptions
from crm_core.candidates_of_units import Desk
from crm_core.leads import Lead
from crm_core.ports import Core
from scheduler.queue import Periodic

PAGE = 100
RETRIED = 20
"""Leads of one unit that wait, looked at before it is given up for this time."""
WORK_SECONDS = 20.0
"""How long one run goes on; the rest is done by the next."""


async def run(core: Core) -> int:
    """Pass on what nobody answered; tells how many offers ended or began."""
    ended = 0
    while count := await assignment.expire_due(core, limit=PAGE):
        ended += count
    return ended + await retry_waiting(core)


async def retry_waiting(core: Core) -> int:
    """Offer what waited for working hours or for room; tells how many found somebody."""
    until, begun = core.clock.monotonic() + WORK_SECONDS, 0
    for unit in await lead_exceptions.waiting_units():
        begun += await _retry_unit(core, unit, until)
    return begun


async def _retry_unit(core: Core, unit: int | None, until: float) -> int:
    """Offer the oldest leads of a unit for as long as somebody is found."""
    begun = after = 0
    while core.clock.monotonic() < until:
        page = await lead_exceptions.waiting_leads(unit, after, RETRIED)
        found = await _retry(core, [lead for _, lead in page])
        begun += found
        if not found:
            return begun + (await _retry_further(core, unit, page[-1][0]) if len(page) == RETRIED else 0)
        after = page[-1][0]
    return begun


async def _retry_further(core: Core, unit: int | None, after: int) -> int:
    """Look at one page behind, at another each time: those in front may wait for others than those behind do."""
    key = f"offers_further:{unit or 0}"
    page = await lead_exceptions.waiting_leads(unit, max(after, int(await core.state.get(key) or 0)), RETRIED)
    await core.state.set(key, str(page[-1][0] if page else 0), lasts=timedelta(days=1))
    return await _retry(core, [lead for _, lead in page])


async def _retry(core: Core, numbers: Sequence[int]) -> int:
    desk, begun = Desk(core), 0
    for number in numbers:
        async with core.db.transaction():
            lead = await Lead.get_or_none(id=number, owner_id=None, status__in=["new", "following"])
            if lead is None:
                await lead_exceptions.end(core, number)
                continue
            if await distribution.find_unit_now(core, desk, lead):
                begun += await assignment.assign_by_rule(core, lead, desk=desk) is not None
    return begun


PERIODIC = Periodic(name="offers", every=timedelta(seconds=15), run=run)
