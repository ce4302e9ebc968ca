"""A lock shared by all processes: a value in the state store that names its owner, ends by itself and is renewed.

A lock with a lifetime can have two holders for a moment (a process that was stopped for longer than the lock lasts).
It keeps work from being done twice; what must never happen twice is kept by a unique row or a `swap` besides.
"""

import asyncio
import random
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

from crm_core.errors import CrmError
from crm_core.ports import StateStore

LASTS = timedelta(seconds=6)
"""How long others wait after a holder was killed."""
LOOK_AFTER_SECONDS, LOOK_EVERY_SECONDS = 0.05, 0.5
"""Pauses of whoever waits: the first one, and the longest they grow to."""
RENEW_SHARE = 3
"""Renewed so many times within its life."""


@dataclass(slots=True)
class Lease:
    """A lock that is held. `lost` tells that it ended under its holder; `owner` that it is his."""

    key: str
    owner: str
    lost: bool = False


async def take(state: StateStore, name: str, *, lasts: timedelta = LASTS) -> Lease | None:
    """Take a lock if it is free."""
    lease = Lease(f"lock:{name}", secrets.token_hex(8))
    return lease if await state.add(lease.key, lease.owner, lasts=lasts) else None


async def renew(state: StateStore, lease: Lease, *, lasts: timedelta = LASTS) -> bool:
    """Make a lock last from now on; False when it ended or is somebody else's."""
    if not await state.swap(lease.key, lease.owner, lease.owner, lasts=lasts):
        lease.lost = True
    return not lease.lost


async def give_back(state: StateStore, lease: Lease) -> bool:
    """Let others have a lock; one that is somebody else's by now is left alone."""
    return await state.discard(lease.key, lease.owner)


@asynccontextmanager
async def held(state: StateStore, name: str, *, lasts: timedelta = LASTS) -> AsyncIterator[Lease]:
    """Hold a lock, renewed for as long as the block runs; waits while somebody else has it (bounded by the caller)."""
    lease = await _wait(state, name, lasts)
    try:
        async with asyncio.TaskGroup() as group:
            keeper = group.create_task(_keep(state, lease, lasts))
            try:
                yield lease
            finally:
                keeper.cancel()
    except BaseExceptionGroup as failed:  # what the block raised, without the group around it
        raise failed.exceptions[0] from None
    finally:
        # It ends by itself when the store cannot be reached.
        with suppress(CrmError):
            await give_back(state, lease)


async def _wait(state: StateStore, name: str, lasts: timedelta) -> Lease:
    pause = LOOK_AFTER_SECONDS
    while True:
        # A look costs the store no write, however many wait.
        if await state.get(f"lock:{name}") is None:
            lease = await take(state, name, lasts=lasts)
            if lease is not None:
                return lease
        await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
        pause = min(pause * 1.6, LOOK_EVERY_SECONDS)


async def _keep(state: StateStore, lease: Lease, lasts: timedelta) -> None:
    while not lease.lost:
        await asyncio.sleep(lasts.total_seconds() / RENEW_SHARE)
        with suppress(CrmError):
            await renew(state, lease, lasts=lasts)
