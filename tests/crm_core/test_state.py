"""The state in the database, beyond what tests/contracts/test_state_contract.py asks of every place."""

from datetime import timedelta

import pytest

from crm_core import locks
from crm_core.db import Database
from crm_core.ports import Core
from crm_core.state import DatabaseState
from tests.fakes import FakeClock

MINUTE = timedelta(minutes=1)


async def test_sweep_takes_what_has_expired(core: Core, clock: FakeClock) -> None:
    state = DatabaseState(core.db, clock)  # type: ignore[arg-type]
    await state.set("old", "v", lasts=MINUTE)
    await state.set("new", "v", lasts=2 * MINUTE)
    clock.advance(MINUTE)
    assert await state.sweep() == 1
    assert await state.get("new") == "v"


async def test_locks_of_a_killed_process_are_freed_and_nothing_else(core: Core, clock: FakeClock) -> None:
    state = DatabaseState(core.db, clock)  # type: ignore[arg-type]
    assert await locks.take(state, "a") is not None
    await state.set("dialog:1", "v", lasts=MINUTE)
    assert await state.free_locks() == 1
    assert await locks.take(state, "a") is not None
    assert await state.get("dialog:1") == "v"


async def test_machine_whose_clock_is_ahead_takes_no_lock_that_is_held(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await locks.take(DatabaseState(core.db, FakeClock()), "a") is not None  # type: ignore[arg-type]
    ahead = timedelta(seconds=10)
    monkeypatch.setattr(Database, "skew", property(lambda _: -ahead))  # the database's clock is that of the first one
    other = DatabaseState(core.db, FakeClock(FakeClock().now() + ahead))  # type: ignore[arg-type]
    assert await other.get("lock:a") is not None
    assert await locks.take(other, "a") is None


async def test_lock_of_a_holder_killed_while_the_clock_was_ahead_is_free_once_it_is_right(core: Core, clock: FakeClock) -> None:
    state = DatabaseState(core.db, clock)  # type: ignore[arg-type]
    hour = timedelta(hours=1)
    clock.set(clock.now() + hour)
    assert await locks.take(state, "a") is not None
    await state.set("dialog:1", "v", lasts=MINUTE)
    clock.set(clock.now() - hour)
    assert await state.get("lock:a") is None
    lease = await locks.take(state, "a")
    assert lease is not None
    assert await locks.take(state, "a") is None
    assert not await state.add("dialog:1", "w", lasts=MINUTE)  # no lock: nobody waits for it
    # Clocks that differ by less than anybody measures take nothing from each other.
    clock.set(clock.now() - timedelta(seconds=1))
    assert await locks.take(state, "a") is None
    assert await locks.renew(state, lease)
