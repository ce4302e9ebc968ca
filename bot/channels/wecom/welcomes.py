"""The fast lane of welcomes (欢迎语): looks twice a second, and sends at once what was noted since.

It is no loop of its own but a periodic, which never runs beside itself; so each send has a short time limit, and what
could not leave is taken up again by the next run while its code lasts.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from bot.channels.wecom.send import Sender
from crm_core.messages import OutboundMessage
from crm_core.outbox_claims import Settlement
from crm_core.ports import Core
from crm_core.welcomes import LEASE, WelcomeQueue
from scheduler.queue import Periodic

EVERY = timedelta(milliseconds=500)
TOGETHER = 50


class Welcomes:
    """Sends the welcomes of one channel."""

    def __init__(self, name: str, sender: Sender) -> None:
        self._name = name
        self._sender = sender
        self._queue = WelcomeQueue(name)

    def periodics(self) -> Sequence[Periodic]:
        """Name the work, and what keeps it ours while it is under way."""
        return (
            Periodic(f"welcomes:{self._name}", EVERY, self.run, time_limit=timedelta(seconds=15)),
            Periodic(f"leases:welcomes:{self._name}", LEASE / 3, self._queue.renew, everywhere=True),
        )

    async def run(self, core: Core) -> int:
        """Send what waits now; tells how many were tried."""
        found = await self._queue.claim(core, limit=TOGETHER)
        try:
            # At most TOGETHER; all of them to their end, whatever befalls one.
            ends = await asyncio.gather(*(self._send(core, message) for message in found), return_exceptions=True)
        finally:
            self._queue.let_go(message.id for message in found)
        for failure in ends:
            if failure is not None:
                raise failure
        return len(found)

    async def _send(self, core: Core, message: OutboundMessage) -> None:
        receipt = await self._sender.send_welcome(message)
        done = Settlement(message.id, receipt.status.value, receipt.reason)
        await self._queue.settle(core, [done])
