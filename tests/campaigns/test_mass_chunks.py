"""The claim of a chunk beside what others do at the same moment: nobody is left in it who is neither sent to nor left out."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from campaigns import broadcasts, engine, results
from campaigns.broadcasts import Broadcast, Recipient
from campaigns.mass import MassQueue, MassSend
from campaigns.mass_chunks import chunk_size
from crm_core.outbox import Settlement
from crm_core.ports import Core
from crm_core.reach import MassRule, ReachRule
from tests.campaigns.conftest import make_followers, make_running, with_settings
from tests.conftest import on_postgres
from tests.waiting import until

LEASE = timedelta(seconds=30)
only_there = pytest.mark.skipif(not on_postgres(), reason="embedded, all writing queues behind one writer")


@pytest.fixture
def core(core: Core) -> Core:
    """A channel with mass sending to four at once, and no cap of our own in the way."""
    rule = ReachRule(mass=MassRule(most=4, least=2, monthly=100))
    return with_settings(replace(core, reach={"wechat": rule}), frequency_cap=100)


@pytest.mark.parametrize(
    ("waiting", "size"), [(1, 1), (2, 2), (4, 4), (5, 3), (6, 4)], ids=["alone", "two", "full", "one_left_joins", "two_left"]
)
def test_never_one_is_left_over(waiting: int, size: int) -> None:
    assert chunk_size(waiting, MassRule(most=4, least=2)) == size


class Beside:
    """Another connection that does something between what a claim reads and what it takes."""

    def __init__(self, core: Core) -> None:
        self._url = core.db.settings.url

    async def __aenter__(self) -> "Beside":
        self._raw = await asyncpg.connect(self._url)
        await self._raw.execute("BEGIN; LOCK TABLE recipients IN SHARE MODE")  # may be read, but not taken
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._raw.close()

    async def somebody_waits(self) -> None:
        waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'recipients'::regclass"
        await until(lambda: self._raw.fetchval(waits))

    async def end_with(self, sql: str, *values: object) -> None:
        await self._raw.execute(sql, *values)
        await self._raw.execute("COMMIT")


async def claim_beside(core: Core, sql: str, *values: object) -> list:
    """Claim while another transaction changes something after the claim has read who is to be had."""
    async with Beside(core) as beside:
        claiming = asyncio.ensure_future(MassQueue(core).claim("wechat", 50, LEASE))
        await beside.somebody_waits()
        await beside.end_with(sql, *values)
        return await claiming


OPT_OUT = "UPDATE accounts SET opted_out_at = $1 WHERE id = ANY($2)"


@only_there
@pytest.mark.parametrize(("answer", "ends_as"), [("retry", "suppressed"), ("unknown", "unknown"), (None, "suppressed")])
async def test_who_opts_out_while_a_chunk_is_taken_ends_with_the_reason(core, marketer, clock, answer, ends_as):
    made = await make_followers(core, 4)
    running = await make_running(core, marketer, kind="mass", body="新品上线")
    if answer is not None:
        queue = MassQueue(core)
        (first,) = await queue.claim("wechat", 50, LEASE)
        await queue.settle([Settlement(first.id, answer, "no_answer")])
        clock.advance(61)
    (chunk,) = await claim_beside(core, OPT_OUT, clock.now(), [made[0][1].id])
    assert chunk.audience == ("o0002", "o0003", "o0004")
    out = await Recipient.get(broadcast_id=running.id, account_id=made[0][1].id)
    assert (out.status, out.reason) == (ends_as, "opted_out" if ends_as == "suppressed" else "no_answer")
    await MassQueue(core).settle([Settlement(chunk.id, "handed_over", external_id="900")])
    assert await results.counts(core, running.id) == {ends_as: 1, "handed_over": 3}
    await engine.run(core)
    assert (await Broadcast.get(id=running.id)).status == "finished"


@only_there
@pytest.mark.parametrize(("answer", "ends_as"), [("retry", "suppressed"), ("unknown", "unknown"), (None, "suppressed")])
async def test_all_of_whom_opt_out_meanwhile(core, marketer, clock, answer, ends_as):
    made = await make_followers(core, 2)
    running = await make_running(core, marketer, kind="mass", body="新品上线")
    if answer is not None:
        queue = MassQueue(core)
        (first,) = await queue.claim("wechat", 50, LEASE)
        await queue.settle([Settlement(first.id, answer, "no_answer")])
        clock.advance(61)
    assert await claim_beside(core, OPT_OUT, clock.now(), [account.id for _, account in made]) == []
    assert await results.counts(core, running.id) == {ends_as: 2}
    assert await MassQueue(core).claim("wechat", 50, LEASE) == []
    assert (await MassSend.get()).status == ("unknown" if answer == "unknown" else "dropped")
    await engine.run(core)
    assert (await Broadcast.get(id=running.id)).status == "finished"


@only_there
async def test_a_cancel_while_a_chunk_is_taken_stays_a_cancel(core, marketer, clock):
    await make_followers(core, 3)
    running = await make_running(core, marketer, kind="mass", body="新品上线")
    found = await claim_beside(core, "UPDATE recipients SET status = 'cancelled' WHERE broadcast_id = $1", running.id)
    assert found == []
    assert await results.counts(core, running.id) == {"cancelled": 3}


@only_there
async def test_a_pause_that_comes_between_reading_and_taking_holds(core, marketer, clock):
    await make_followers(core, 3)
    running = await make_running(core, marketer, kind="mass", body="新品上线")
    raw = await asyncpg.connect(core.db.settings.url)
    try:
        await raw.execute("BEGIN")
        await raw.execute("UPDATE broadcasts SET status = 'paused' WHERE id = $1", running.id)
        claiming = asyncio.ensure_future(MassQueue(core).claim("wechat", 50, LEASE))
        await until(lambda: raw.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))
        await raw.execute("COMMIT")
        assert await claiming == []
    finally:
        await raw.close()
    assert await results.counts(core, running.id) == {"planned": 3}
    await broadcasts.resume(core, marketer, running.id)
    assert len(await MassQueue(core).claim("wechat", 50, LEASE)) == 1
