"""The declarations of what happens on time, and the slots that keep each from happening twice."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from tortoise import fields

from crm_core.clock import local_day, to_local
from crm_core.db import Entity, UtcDatetimeField
from crm_core.ports import Core, Program


@dataclass(frozen=True, slots=True)
class Periodic:
    """Something done every so often; `run` claims its rows itself, so that firing twice does no harm."""

    name: str
    every: timedelta
    run: Callable[[Core], Awaitable[object]]
    time_limit: timedelta = timedelta(seconds=60)
    bell: str = ""
    """Besides, it is done soon after this is rung (crm_core/bell.py), several rings at once together."""
    everywhere: bool = False
    """Done by every process for itself; anything else is done by one of those that serve the database."""


class Slot(Entity):
    """One occurrence of something scheduled: (name, slot) is taken once, whoever fires."""

    name = fields.CharField(max_length=128)
    slot = fields.CharField(max_length=64)
    done_at = UtcDatetimeField(null=True)

    class Meta:
        """Taken once."""

        table = "schedule_slots"
        unique_together = (("name", "slot"),)


def take_slot(now: datetime, name: str, slot: str) -> Program[bool]:
    """Take one occurrence, in the transaction of its effect; False if it is taken already."""
    changed = yield (
        "INSERT INTO schedule_slots (name, slot, done_at, created_at, updated_at)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT (name, slot) DO NOTHING",
        (name, slot, now, now, now),
    )
    return bool(changed)


async def once_a_day(core: Core, name: str, after: time, work: Callable[[], Awaitable[object]]) -> bool:
    """Do a day's work once its local time has come; tells whether it was done now.

    The slot is taken afterwards: a crash in between does the work again, which must therefore be safe to repeat.
    """
    now = core.clock.now()
    day = local_day(now).isoformat()
    if to_local(now).time() < after or await _is_taken(core, name, day):
        return False
    await work()
    await core.db.run(take_slot(now, name, day))
    return True


async def _is_taken(core: Core, name: str, slot: str) -> bool:
    def program() -> Program[bool]:
        rows = yield "SELECT 1 FROM schedule_slots WHERE name = ? AND slot = ?", (name, slot)
        return bool(rows)

    return await core.db.read(program())
