"""Names held by one process: given back, kept from others' accidents, lost with the connection, taken from the silent."""

import asyncio
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
import pytest_asyncio

from crm_core import postgres_names
from crm_core.clock import SystemClock
from crm_core.db import Database
from crm_core.errors import Unavailable
from crm_core.ports import Core
from crm_core.postgres_dialect import PostgresClient
from crm_core.postgres_names import APPLICATION, NameLost
from scheduler.queue import Periodic
from scheduler.worker import Worker
from tests.conftest import new_database
from tests.waiting import until

HOLDER = "tests.crm_core.name_holder"


@pytest_asyncio.fixture
async def pair(db: Database) -> AsyncIterator[tuple[PostgresClient, PostgresClient]]:
    """Two processes, as far as the server can tell."""
    url = await new_database()
    made = tuple(PostgresClient(url, connection_name=name, pool_size=2) for name in ("one", "other"))
    for client in made:
        await client.create_connection(with_db=True)
    yield made  # type: ignore[misc]
    for client in made:
        await client.close()


async def is_free(client: PostgresClient, name: str) -> bool:
    async with client.names.held(name) as mine:
        return mine


async def end_connections(client: PostgresClient) -> None:
    """Let the server end the connections that hold names."""
    async with client.lend() as raw:
        await raw.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = $1",
            APPLICATION,
        )


async def test_name_is_held_by_one_and_given_back(pair: tuple[PostgresClient, PostgresClient]) -> None:
    one, other = pair
    async with one.names.held("night") as mine:
        assert mine
        assert not await is_free(one, "night")
        assert not await is_free(other, "night")
        assert await is_free(other, "day")
    assert await is_free(other, "night")
    async with other.names.held("night"):
        assert not await is_free(one, "night")
    with pytest.raises(NameLost):
        async with other.names.held("night"):
            closing = asyncio.ensure_future(other.close())
            await asyncio.Event().wait()
    await closing
    assert await is_free(one, "night")


async def test_cancelled_one_drops_nobody_elses_name_and_keeps_none(pair: tuple[PostgresClient, PostgresClient]) -> None:
    """Each cancelled question used to end the connection, and with it every name of the process."""
    one, other = pair
    dice = random.Random(3)

    async def hold(name: str, turns: int) -> None:
        async with one.names.held(name):
            for _ in range(turns):
                await asyncio.sleep(0)

    async with one.names.held("kept") as kept:
        assert kept
        for number in range(60):
            task = asyncio.ensure_future(hold(f"cut{number % 7}", dice.randrange(4)))
            for _ in range(dice.randrange(12)):
                await asyncio.sleep(0)
            if number % 3 == 0:
                await asyncio.sleep(dice.random() / 300)
            task.cancel()
            await asyncio.wait({task})
        assert not await is_free(other, "kept")
        for number in range(7):
            assert await until(lambda number=number: is_free(other, f"cut{number}"))  # type: ignore[misc]
    assert await is_free(other, "kept")


async def test_statement_the_server_cuts_off_drops_no_name(pair: tuple[PostgresClient, PostgresClient]) -> None:
    one, other = pair
    async with one.names.held("kept"):
        with pytest.raises(Unavailable):
            async with one.names._turn:
                await one.names._ask("SELECT 1 / 0")
        assert not await is_free(other, "kept")


async def test_work_under_a_name_that_was_lost_is_stopped(pair: tuple[PostgresClient, PostgresClient]) -> None:
    one, other = pair
    stopped = []

    async def work(name: str) -> None:
        try:
            async with one.names.held(name) as mine:
                assert mine
                await asyncio.Event().wait()
        except NameLost:
            stopped.append(name)

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        for name in ("a", "b"):
            group.create_task(work(name))
        await until(lambda: len(one.names._held) == 2)
        await end_connections(other)
    assert sorted(stopped) == ["a", "b"]
    assert await is_free(other, "a")
    assert await is_free(one, "a")


async def test_who_lost_a_name_gives_nobody_elses_back(pair: tuple[PostgresClient, PostgresClient]) -> None:
    one, other = pair
    async with AsyncExitStack() as stack:
        with pytest.raises(NameLost):
            async with one.names.held("night"):
                try:
                    await end_connections(other)
                    await asyncio.Event().wait()
                finally:
                    # Taken anew by another part of the process before the first one is out.
                    assert await stack.enter_async_context(one.names.held("night"))
        assert not await is_free(other, "night")


async def test_timeout_of_the_work_itself_stays_what_it_is(pair: tuple[PostgresClient, PostgresClient]) -> None:
    one, other = pair
    with pytest.raises(TimeoutError):
        async with one.names.held("night"), asyncio.timeout(0.01):
            await asyncio.Event().wait()
    assert await is_free(other, "night")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05), one.names.held("night"):
            await asyncio.Event().wait()
    assert await until(lambda: is_free(other, "night"))


async def test_who_lives_is_heard_of_and_keeps_its_name(
    pair: tuple[PostgresClient, PostgresClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_names, "BEAT_SECONDS", 0.1)
    monkeypatch.setattr(postgres_names, "SILENT_SECONDS", 1.0)
    one, other = pair
    began = SystemClock().monotonic()
    async with one.names.held("night"):
        while SystemClock().monotonic() - began < 2.5:
            assert not await is_free(other, "night")


async def test_periodic_whose_name_was_lost_stops_and_is_fired_anew(core: Core) -> None:
    if core.db.alone:
        pytest.skip("one process alone holds every name")
    begun: list[int] = []

    async def run(_: Core) -> None:
        begun.append(1)
        if len(begun) == 1:
            await asyncio.Event().wait()

    job = Periodic("long", timedelta(seconds=1), run)
    worker = Worker(core, [job])
    first = asyncio.ensure_future(worker.fire(job))
    await until(lambda: begun)
    await end_connections(core.db._pool)  # type: ignore[attr-defined]
    assert not await asyncio.wait_for(first, 10)
    assert await worker.fire(job)
    assert len(begun) == 2


@pytest.mark.slow  # a process is started, and stopped for seconds
async def test_name_of_a_frozen_process_goes_to_another_and_the_frozen_one_hears_of_it(
    pair: tuple[PostgresClient, PostgresClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stopped process kept its names for ever."""
    one, _ = pair
    monkeypatch.setattr(postgres_names, "SILENT_SECONDS", 5.0)
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-m", HOLDER, one._url, "night", stdout=asyncio.subprocess.PIPE
    )
    assert holder.stdout is not None
    try:
        assert await holder.stdout.readline() == b"held\n"
        holder.send_signal(signal.SIGSTOP)
        frozen_at = SystemClock().monotonic()
        assert not await is_free(one, "night")
        await until(lambda: is_free(one, "night"), within=25)
        assert SystemClock().monotonic() - frozen_at > 5.0 - postgres_names.BEAT_SECONDS
        async with one.names.held("night") as mine:
            assert mine
            holder.send_signal(signal.SIGCONT)
            assert await asyncio.wait_for(holder.stdout.readline(), 10) == b"lost\n"
    finally:
        if holder.returncode is None:
            holder.send_signal(signal.SIGCONT)
            holder.kill()
        await holder.wait()
