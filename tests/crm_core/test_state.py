"""The state in the database, beyond what tests/contracts/test_state_contract.py asks of every place."""

from datetime import timedelta

from crm_core import locks
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
