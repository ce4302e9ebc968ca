"""Every other second: make the keys by which names are compared, where they are due (查重)."""

import asyncio
from datetime import timedelta

from crm_core import keying, name_keys
from crm_core.ports import Core
from scheduler.queue import Periodic


async def run(core: Core) -> int:
    """Make what is due; tells how many rows."""
    # The readings of characters load once, beside the loop.
    await asyncio.to_thread(name_keys.warm_up)
    return await keying.fill(core)


PERIODIC = Periodic(name="name_keys", every=timedelta(seconds=2), run=run, time_limit=timedelta(minutes=30))
