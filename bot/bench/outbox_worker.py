"""One worker of the outbox: `python -m bot.bench.outbox_worker DATABASE` claims and settles until nothing is left.

The product's own queue over the product's own database, without a platform behind it: every message is "sent" at once.
Prints a line when it is ready, begins when it is told to (a line on standard input), and prints what it did as JSON.
"""

import asyncio
import json
import sys
import time
from datetime import timedelta

from bot.bench.yardsticks.serving import tell_line
from bot.models import MODEL_MODULES
from crm_core.clock import SystemClock
from crm_core.db import Database, DatabaseSettings
from crm_core.messages import OutboundMessage
from crm_core.outbox import DatabaseOutbox, Settlement
from crm_core.ports import Core
from crm_core.reach import ReachRule
from crm_core.state import DatabaseState

CHANNEL = "bench"
BATCH = 100
LEASE = timedelta(seconds=30)


async def main(url: str) -> None:
    """Work the queue off."""
    clock, outbox = SystemClock(), DatabaseOutbox()
    db = Database(DatabaseSettings(url), MODEL_MODULES)
    await db.open()
    core = Core(clock=clock, db=db, outbox=outbox, state=DatabaseState(db, clock), reach={CHANNEL: ReachRule()})
    outbox.bind(core)
    tell_line("ready")
    await asyncio.to_thread(sys.stdin.readline)
    started, numbers, keys = time.monotonic(), list[int](), set[str]()
    claimed: list[OutboundMessage] = []
    while True:
        # As delivery does it: what was sent is settled in the commit that claims the next.
        done = [Settlement(message.id, "sent", external_id=f"platform-{message.id}") for message in claimed]
        _, claimed = await asyncio.gather(outbox.settle(done), outbox.claim(CHANNEL, BATCH, LEASE))
        numbers += [message.id for message in claimed]
        keys.update(message.key for message in claimed)
        if not claimed:
            break
    took = time.monotonic() - started
    await db.close()
    tell_line(json.dumps({"seconds": took, "claimed": numbers, "keys": len(keys)}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
