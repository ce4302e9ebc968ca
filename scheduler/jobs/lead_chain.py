"""Each new lead, as soon as it was made, goes through the chain: examined (清洗), scored (评分), placed (分发、分配).

A lead is due while `chained_at` is NULL; every link is safe to repeat, so a killed run begins its page anew. What somebody
recorded for themselves keeps its owner: it is examined and scored only.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import structlog

from crm_core import cleaning, distribution, lead_exceptions, scoring
from crm_core.bell import LEADS
from crm_core.candidates_of_units import Desk
from crm_core.lead_news import tell_of_leads
from crm_core.leads import Lead
from crm_core.ports import Core, Program
from scheduler.queue import Periodic

log = structlog.get_logger(__name__)

PAGE = 50
TOGETHER = 5
"""Leads placed in one transaction, which holds the writer of an embedded database for some tens of milliseconds."""
WORK_SECONDS = 20.0
"""How long one run goes on; the rest is done by the next."""
TRIES = 3
"""A lead that fails so often is put on the managers' list instead."""


async def run(core: Core) -> int:
    """Take every due lead through the chain; tells how many."""
    began, done = core.clock.monotonic(), 0
    # Through the writer: whoever rang may be about to commit.
    page = await core.db.run(lambda: _due(0))
    while page:
        done += await _chain(core, page)
        if core.clock.monotonic() - began > WORK_SECONDS:
            break
        page = await core.db.read(_due(page[-1]))
    return done


def _due(after: int) -> Program[list[int]]:
    rows = yield "SELECT id FROM leads WHERE chained_at IS NULL AND id > ? ORDER BY id LIMIT ?", (after, PAGE)
    return [int(number) for (number,) in rows]


async def _chain(core: Core, page: Sequence[int]) -> int:
    """Take a page through, link by link: scoring does many at once."""
    given_up: list[int] = []
    left = await _each(core, page, cleaning.examine, given_up)
    await scoring.rescore(core, await _people(left))
    left = await _placed(core, left, given_up)
    done = [*left, *given_up]
    if done:
        await core.db.run(lambda: _end(core, done))
    return len(done)


async def _placed(core: Core, page: Sequence[int], given_up: list[int]) -> list[int]:
    """Place a page, a few at a time in one transaction; where one of them fails each by itself."""
    passed: list[int] = []
    desk = Desk(core)
    for start in range(0, len(page), TOGETHER):
        few = page[start : start + TOGETHER]
        (failed,) = await asyncio.gather(distribution.place_all(core, few, desk), return_exceptions=True)
        if isinstance(failed, BaseException):
            desk = Desk(core)  # it knows of turns that were not taken
            passed += await _each(core, few, distribution.place, given_up)
        else:
            passed += few
    return passed


async def _each(
    core: Core, page: Sequence[int], link: Callable[[Core, int], Awaitable[object]], given_up: list[int]
) -> list[int]:
    passed = []
    for number in page:
        # As a result and not as an exception: one lead that fails must not hold up those behind it.
        (failed,) = await asyncio.gather(link(core, number), return_exceptions=True)
        if not isinstance(failed, BaseException):
            passed.append(number)
        elif await _give_up(core, number, failed):
            given_up.append(number)
    return passed


async def _people(numbers: Sequence[int]) -> list[int]:
    found = await Lead.filter(id__in=list(numbers)).values_list("person_id", flat=True)
    return [int(person) for person in found]  # type: ignore[call-overload]


def _end(core: Core, numbers: Sequence[int]) -> Program[None]:
    """End the chain of these leads, and tell whoever is to know of them."""
    marks = ", ".join("?" * len(numbers))
    # No stamp: it is no change of the record.
    yield f"UPDATE leads SET chained_at = ? WHERE id IN ({marks})", (core.clock.now(), *numbers)  # noqa: S608 - question marks
    yield from tell_of_leads(core, numbers)


async def _give_up(core: Core, number: int, failed: BaseException) -> bool:
    if not isinstance(failed, Exception):
        raise failed
    key = f"lead_chain:{number}"
    tries = int(await core.state.get(key) or 0) + 1
    await core.state.set(key, str(tries), lasts=timedelta(days=1))
    log.error("lead_chain_failed", lead_id=number, tries=tries, exc_info=failed)
    if tries < TRIES:
        return False
    async with core.db.transaction():
        lead = await Lead.get_or_none(id=number)
        if lead is not None and lead.owner_id is None:
            await lead_exceptions.put(core, lead, "自动处理出错")
    return True


PERIODIC = Periodic(name="lead_chain", every=timedelta(seconds=2), run=run, bell=LEADS)
