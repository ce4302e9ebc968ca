"""The declarations of what happens on time, and the slots that keep each from happening twice."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from tortoise import fields

from crm_core.db import Entity, UtcDatetimeField
from crm_core.ports import Core


@dataclass(frozen=True, slots=True)
class Periodic:
    """Something done every so often; `run` claims its rows itself, so that firing twice does no harm."""

    name: str
    every: timedelta
    run: Callable[[Core], Awaitable[object]]
    time_limit: timedelta = timedelta(seconds=60)


class Slot(Entity):
    """One occurrence of something scheduled: (name, slot) is taken once, whoever fires."""

    name = fields.CharField(max_length=128)
    slot = fields.CharField(max_length=64)
    done_at = UtcDatetimeField(null=True)

    class Meta:
        """Taken once."""

        table = "schedule_slots"
        unique_together = (("name", "slot"),)
