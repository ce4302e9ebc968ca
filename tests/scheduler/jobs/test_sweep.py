"""The sweep forgets what has expired and nothing else."""

from datetime import timedelta

from crm_core import quarantine
from crm_core.quarantine import QuarantinedRow
from crm_core.state import StateEntry
from scheduler.jobs import sweep
from scheduler.queue import Slot, take_slot
from tests.factories import SYSTEM


async def test_expired_values_and_old_slots_go(core, clock):
    await core.state.set("short", "1", lasts=timedelta(minutes=1))
    await core.state.set("long", "1", lasts=timedelta(days=365))
    await core.db.run(take_slot(clock.now(), "job", "2026-11-25"))
    assert await sweep.PERIODIC.run(core) == 0
    clock.advance(60)
    assert await sweep.run(core) == 1
    clock.advance(sweep.KEEP_SLOTS)
    assert await sweep.run(core) == 1
    assert [each.key for each in await StateEntry.all()] == ["long"]
    assert await Slot.all().count() == 0


async def test_what_was_decided_in_quarantine_is_kept_for_a_while(core, clock):
    await core.db.run(quarantine.put(core, "leads", "x", [(line, {"name": "甲"}, []) for line in (1, 2)]))
    await quarantine.drop(core, SYSTEM, (await QuarantinedRow.get(line=1)).id)
    clock.advance(sweep.KEEP_SETTLED - timedelta(minutes=1))
    assert await sweep.run(core) == 0
    clock.advance(60)
    assert await sweep.run(core) == 1
    assert [row.line for row in await QuarantinedRow.all()] == [2]
