"""Mass sending (群发接口): one call reaches a chunk of a broadcast's people, all with the same text.

`MassQueue` is a `SendQueue` whose unit is the chunk. Its people and its key are fixed in the claim that makes it, so that
whatever was killed in between, the platform sees the same key again and sends once. Who of a chunk really got it stands in
the platform's report (`platform_results.py`); until then everybody in it is `handed_over`.
Reading order: the table, the queue; then `mass_chunks.py` for the claim and `mass_settling.py` for what becomes of it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from tortoise import fields
from tortoise.indexes import Index

from campaigns.mass_chunks import claim_chunk, next_due
from campaigns.mass_settling import recover_chunks, settle_chunks
from campaigns.results import pause_for_errors
from crm_core.db import Entity, UtcDatetimeField
from crm_core.leases import Held
from crm_core.messages import OutboundMessage
from crm_core.outbox import Settlement
from crm_core.policy import quiet_until
from crm_core.ports import Core
from crm_core.reach import MassRule


class MassSend(Entity):
    """One call to many people: the truth about what became of it."""

    owner_field = None

    broadcast_id = fields.BigIntField()
    number = fields.IntField()
    channel = fields.CharField(max_length=64)
    key = fields.CharField(max_length=64, unique=True)
    text = fields.TextField()
    status = fields.CharField(max_length=16)
    """planned, claimed, handed_over, finished, failed, unknown, dropped (nobody was left in it)."""
    attempts = fields.IntField(default=0)
    not_before = UtcDatetimeField(null=True)
    lease_until = UtcDatetimeField(null=True)
    claimed_at = UtcDatetimeField(null=True)
    in_doubt_at = UtcDatetimeField(null=True)
    external_id = fields.CharField(max_length=64, null=True)
    reason = fields.CharField(max_length=64, null=True)
    raw_status = fields.CharField(max_length=64, default="")
    total_count = fields.IntField(null=True)
    filtered_count = fields.IntField(null=True)
    """Recipients the platform left after its own filter."""
    sent_count = fields.IntField(null=True)
    error_count = fields.IntField(null=True)

    class Meta:
        """Few rows; their people stand in `recipients`."""

        table = "mass_sends"
        unique_together = (("broadcast_id", "number"),)
        indexes = (Index(fields=("channel", "external_id")),)


class MassQueue:
    """`SendQueue` over the chunks of running mass broadcasts; one chunk a claim."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self._held = Held("mass_sends")

    async def claim(self, channel: str, limit: int, lease: timedelta) -> list[OutboundMessage]:
        """Take the next chunk of a channel under a lease; nothing in the quiet hours."""
        rule = self._rule(channel)
        if rule is None or limit < 1 or quiet_until(self.core.settings.campaigns, self.core.clock.now()) is not None:
            return []
        message = await self.core.db.run(partial(claim_chunk, self.core, channel, rule, lease))
        if message is None:
            return []
        self._held.add([message.id], lease)
        return [message]

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        """Note what became of claimed chunks; a refused one pauses its broadcast before the next goes the same way."""
        if not settlements:
            return
        refused = await self.core.db.run(partial(settle_chunks, self.core, settlements))
        # Only now: while settling fails the chunks are still ours.
        self._held.remove(done.id for done in settlements)
        for number in sorted(refused):
            await pause_for_errors(self.core, number)

    async def renew(self) -> None:
        """Make what this process has claimed its own from now on."""
        if self._held:
            await self.core.db.run(partial(self._held.renew, self.core))

    async def recover(self, *, everything: bool) -> int:
        """Decide about chunks whose process is gone: the same key again while the platform knows it, else unknown."""
        if everything:
            self._held.clear()
        return await self.core.db.run(partial(recover_chunks, self.core, self._held, everything=everything))

    async def next_due(self, channel: str) -> datetime | None:
        """Tell when the next chunk of this channel is due; None when nothing waits."""
        if self._rule(channel) is None:
            return None
        now = self.core.clock.now()
        due = await self.core.db.read(next_due(channel, now))
        return None if due is None else quiet_until(self.core.settings.campaigns, max(due, now)) or due

    def _rule(self, channel: str) -> MassRule | None:
        reach = self.core.reach.get(channel)
        return reach.mass if reach else None
