"""Each hour: forget small values that have expired and slots nobody asks for any more."""

from datetime import timedelta

from crm_core.ports import Core, Program
from scheduler.queue import Periodic

KEEP_SLOTS = timedelta(days=120)


async def run(core: Core) -> int:
    """Delete what is over; tells how many rows."""
    return await core.db.run(_sweep(core))


def _sweep(core: Core) -> Program[int]:
    now = core.clock.now()
    values = yield "DELETE FROM state_entries WHERE expires_at <= ?", (now,)
    slots = yield "DELETE FROM schedule_slots WHERE created_at <= ?", (now - KEEP_SLOTS,)
    return int(values) + int(slots)


PERIODIC = Periodic(name="sweep", every=timedelta(hours=1), run=run)
