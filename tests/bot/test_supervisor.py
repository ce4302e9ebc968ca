"""The owner of background tasks: restart, clean context, ordered end."""

import asyncio

from bot.supervisor import Supervisor
from crm_core.db import Database
from crm_core.identity import Person
from tests.fakes import FakeClock
from tests.waiting import until


async def test_loop_that_fails_is_started_again() -> None:
    runs = []

    async def loop() -> None:
        runs.append(1)
        if len(runs) == 1:
            raise ValueError("first turn")
        await asyncio.Event().wait()

    supervisor = Supervisor()
    supervisor.keep("loop", loop)
    await until(lambda: len(runs) == 2, within=3)
    await supervisor.stop_loops(within=1)


async def test_work_does_not_inherit_an_open_transaction(db: Database, clock: FakeClock) -> None:
    supervisor = Supervisor()
    now = clock.now()

    async def work() -> int:
        await Person.create(created_at=now, updated_at=now)
        return await Person.all().count()

    try:
        async with db.transaction():
            task = supervisor.start("work", work())
            await asyncio.sleep(0)
            raise KeyError
    except KeyError:
        pass
    assert await task == 1


async def test_finish_waits_and_then_cuts_off() -> None:
    supervisor = Supervisor()
    task = supervisor.start("stuck", asyncio.Event().wait())
    await supervisor.finish(within=0.01)
    assert task.cancelled()
    assert supervisor.count == 0
