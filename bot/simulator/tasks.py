"""The background work of the simulators: pushes that follow a send, doors that open again.

The simulators import nothing of the product, so they cannot use its supervisor; this is the
one place of theirs where a task is started, and every task ends with `stop`.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

from bot.simulator.records import Records


class Tasks:
    """Owns the background tasks of one simulator."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._running: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, object], name: str) -> None:
        """Run work in the background; a failure becomes a complaint."""
        # The owner is this object: `stop` cancels and awaits what is left.
        task = asyncio.get_running_loop().create_task(self._guarded(work, name), name=name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def settle(self) -> None:
        """Wait until nothing runs in the background any more."""
        while self._running:
            await asyncio.wait(set(self._running))

    async def stop(self) -> None:
        """Cancel what still runs and wait for its end."""
        running = set(self._running)
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)

    async def _guarded(self, work: Coroutine[Any, Any, object], name: str) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - a failed background push must not stay unseen
            self._records.complain(name, f"{type(error).__name__}: {error}")
