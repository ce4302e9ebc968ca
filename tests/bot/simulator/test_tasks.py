"""Background work has an owner."""

import asyncio

from bot.simulator.clock import SimClock
from bot.simulator.records import Records
from bot.simulator.tasks import Tasks


async def test_settle_waits_and_a_failure_becomes_a_complaint():
    records, done = Records(SimClock()), []
    tasks = Tasks(records)

    async def work() -> None:
        done.append(1)

    async def fail() -> None:
        raise ValueError("broken")

    tasks.spawn(work(), "work")
    tasks.spawn(fail(), "fail")
    await tasks.settle()
    assert done == [1]
    assert [(row.where, row.what) for row in records.complaints] == [("fail", "ValueError: broken")]


async def test_stop_ends_what_still_runs():
    tasks, started, ended = Tasks(Records(SimClock())), asyncio.Event(), []

    async def wait() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(1)

    tasks.spawn(wait(), "wait")
    await started.wait()
    await tasks.stop()
    assert ended == [1]
