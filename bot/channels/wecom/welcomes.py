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
from crm_core.welcomes import claim_welcomes, has_welcomes, settle_welcomes
from scheduler.queue import Periodic

EVERY = timedelta(milliseconds=500)
TOGETHER = 50


class Welcomes:
    """Sends the welcomes of one channel."""

    def __init__(self, name: str, sender: Sender) -> None:
        self._name = name
        self._sender = sender

    def periodics(self) -> Sequence[Periodic]:
        """Name the work."""
        return (Periodic(f"welcomes:{self._name}", EVERY, self.run, time_limit=timedelta(seconds=15)),)

    async def run(self, core: Core) -> int:
        """Send what waits now; tells how many were tried."""
        # Looked beside the writer first: nearly always there is nothing.
        if not await core.db.read(has_welcomes(self._name, core.clock.now())):
            return 0
        found = await core.db.run(claim_welcomes(self._name, core.clock.now(), limit=TOGETHER))
        await asyncio.gather(*(self._send(core, message) for message in found))  # at most TOGETHER
        return len(found)

    async def _send(self, core: Core, message: OutboundMessage) -> None:
        receipt = await self._sender.send_welcome(message)
        done = Settlement(message.id, receipt.status.value, receipt.reason)
        await core.db.run(settle_welcomes([done], core.clock.now()))
