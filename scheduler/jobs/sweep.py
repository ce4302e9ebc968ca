"""Each hour: forget small values that have expired, slots nobody asks for any more, and what was decided in quarantine."""

from datetime import timedelta

from crm_core.ports import Core, Program
from scheduler.queue import Periodic

KEEP_SLOTS = timedelta(days=120)
KEEP_SETTLED = timedelta(days=90)
"""How long a row of the quarantine is kept after it was released or dropped."""
MOST_SETTLED = 5000
"""Of them that go at once."""


async def run(core: Core) -> int:
    """Delete what is over; tells how many rows."""
    return await core.db.run(_sweep(core))


def _sweep(core: Core) -> Program[int]:
    now = core.clock.now()
    values = yield "DELETE FROM state_entries WHERE expires_at <= ?", (now,)
    slots = yield "DELETE FROM schedule_slots WHERE created_at <= ?", (now - KEEP_SLOTS,)
    settled = yield (
        "DELETE FROM quarantined_rows WHERE id IN"
        " (SELECT q.id FROM quarantined_rows q WHERE q.settled_at <= ? ORDER BY q.settled_at LIMIT ?)",
        (now - KEEP_SETTLED, MOST_SETTLED),
    )
    return int(values) + int(slots) + int(settled)


PERIODIC = Periodic(name="sweep", every=timedelta(hours=1), run=run)
