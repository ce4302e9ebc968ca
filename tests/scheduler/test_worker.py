"""The worker: fires what is due, never one beside itself, survives failures, limits and stops; one real ticker run."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from crm_core.clock import SystemClock
from scheduler.queue import Periodic
from scheduler.worker import Worker
from tests.waiting import until

SECOND = timedelta(seconds=1)


def counting(seen: list[str], name: str, every: timedelta = SECOND) -> Periodic:
    async def run(_core) -> None:
        seen.append(name)

    return Periodic(name, every, run)


async def test_each_is_fired_when_its_time_has_come(core, clock):
    seen: list[str] = []
    worker = Worker(core, [counting(seen, "often"), counting(seen, "seldom", timedelta(seconds=10))])
    await worker.tick()
    await worker.tick()
    assert sorted(seen) == ["often", "seldom"]
    clock.advance(1)
    await worker.tick()
    clock.advance(9)
    await worker.tick()
    assert (seen.count("often"), seen.count("seldom")) == (3, 2)


async def test_a_jump_of_the_wall_clock_changes_nothing(core, clock):
    seen: list[str] = []
    worker = Worker(core, [counting(seen, "often")])
    await worker.tick()
    clock.set(clock.now() - timedelta(hours=1))
    clock.advance(1)
    await worker.tick()
    assert len(seen) == 2


async def test_one_that_is_running_is_not_started_again(core, clock):
    gate, starts = asyncio.Event(), []

    async def slow(_core) -> None:
        starts.append(1)
        await gate.wait()

    periodic = Periodic("slow", SECOND, slow)
    worker = Worker(core, [periodic])
    async with asyncio.TaskGroup() as group:
        first = group.create_task(worker.fire(periodic))
        await asyncio.sleep(0)
        assert worker.running == {"slow"}
        assert await worker.fire(periodic) is False
        gate.set()
    assert first.result() is True
    assert starts == [1]


async def test_a_failure_and_a_time_limit_do_not_stop_the_others(core):
    seen: list[str] = []

    async def bad(_core) -> None:
        raise RuntimeError

    async def endless(_core) -> None:
        await asyncio.Event().wait()

    jobs = [Periodic("bad", SECOND, bad), Periodic("endless", SECOND, endless, timedelta(0)), counting(seen, "good")]
    worker = Worker(core, jobs)
    await worker.tick()
    assert seen == ["good"]
    assert worker.running == frozenset()
    assert await worker.fire(jobs[0]) is False


async def test_two_of_one_name_are_a_fault(core):
    with pytest.raises(ValueError, match="one name"):
        Worker(core, [counting([], "a"), counting([], "a")])


async def test_the_real_ticker_fires_follows_the_clock_and_stops(core):
    fired = asyncio.Semaphore(0)

    async def run(_core) -> None:
        fired.release()

    worker = Worker(replace(core, clock=SystemClock()), [Periodic("tick", timedelta(milliseconds=20), run)])
    task = asyncio.get_running_loop().create_task(worker.run())
    for _ in range(3):
        await asyncio.wait_for(fired.acquire(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)


async def test_the_ticker_comes_back_from_a_clock_set_back_an_hour(core, clock):
    clock.set(SystemClock().now() - timedelta(hours=1))
    fired = asyncio.Semaphore(0)

    async def run(_core) -> None:
        fired.release()

    worker = Worker(core, [Periodic("tick", timedelta(seconds=30), run)])
    task = asyncio.get_running_loop().create_task(worker.run())
    await asyncio.wait_for(fired.acquire(), 5)
    # The next run stands half a minute after the machine's time: an hour away by the product's clock.
    clock.advance(1)
    await asyncio.wait_for(fired.acquire(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)


async def test_stopping_lets_running_work_end(core):
    started, gate, ended = asyncio.Event(), asyncio.Event(), []

    async def slow(_core) -> None:
        started.set()
        await gate.wait()
        ended.append(1)

    worker = Worker(replace(core, clock=SystemClock()), [Periodic("slow", SECOND, slow)])
    task = asyncio.get_running_loop().create_task(worker.run())
    await asyncio.wait_for(started.wait(), 5)
    task.cancel()
    await asyncio.sleep(0)
    assert await worker.fire(Periodic("late", SECOND, slow)) is False
    gate.set()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)
    assert ended == [1]


async def test_what_does_not_end_in_time_is_cut_off(core, monkeypatch):
    monkeypatch.setattr("scheduler.worker.STOP_WITHIN", 0)
    started = asyncio.Event()

    async def endless(_core) -> None:
        started.set()
        await asyncio.Event().wait()

    worker = Worker(replace(core, clock=SystemClock()), [Periodic("endless", SECOND, endless)])
    task = asyncio.get_running_loop().create_task(worker.run())
    await asyncio.wait_for(started.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)


async def test_a_bell_is_answered_at_once_and_again_when_rung_meanwhile(core):
    gate, starts = asyncio.Event(), []

    async def slow(_core) -> None:
        starts.append(1)
        await gate.wait()

    core = replace(core, clock=SystemClock())
    worker = Worker(core, [Periodic("slow", timedelta(hours=1), slow, bell="door")])
    task = asyncio.get_running_loop().create_task(worker.run())
    try:
        await until(lambda: starts)  # at the start, by the clock
        for _ in range(3):
            core.bell.ring("door")
        gate.set()
        await until(lambda: len(starts) == 2)
        core.bell.ring("door")
        await until(lambda: len(starts) == 3)
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 5)
    core.bell.ring("door")  # nobody listens any more
    assert len(starts) == 3
