"""Owns every background task: its name, its restart after a failure, its end."""

import asyncio
import contextvars
import random
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import structlog

log = structlog.get_logger(__name__)
T = TypeVar("T")
LONGEST_PAUSE_SECONDS = 3
"""What failed because of the database is to be back within five seconds of it."""
GOOD_RUN_SECONDS = 10.0


class Supervisor:
    """Starts tasks in a clean context (none inherits an open transaction) and ends them in order."""

    def __init__(self) -> None:
        self._loops: dict[str, asyncio.Task[None]] = {}
        self._once: set[asyncio.Task[Any]] = set()

    def keep(self, name: str, loop: Callable[[], Awaitable[None]]) -> None:
        """Run a loop for ever; one that fails is started again after a growing pause."""
        self._loops[name] = self._task(self._kept(name, loop), name)

    def start(self, name: str, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run one piece of work that outlives its caller; its result is the task's."""
        task = self._task(work, name)
        self._once.add(task)
        task.add_done_callback(self._ended)
        return task

    async def finish(self, *, within: float) -> None:
        """Let one-time work end, for so many seconds at most; what is left is cut off."""
        if self._once:
            await asyncio.wait(set(self._once), timeout=within)
        await _cancel(set(self._once))

    async def stop(self, name: str, *, within: float) -> None:
        """End one loop."""
        task = self._loops.pop(name, None)
        if task is not None:
            await _cancel({task}, within=within)

    async def stop_loops(self, *, within: float) -> None:
        """End the loops; each may use this long to settle what it began."""
        tasks = set(self._loops.values())
        self._loops.clear()
        await _cancel(tasks, within=within)

    @property
    def count(self) -> int:
        """How many pieces of one-time work are under way."""
        return len(self._once)

    def _task(self, work: Coroutine[Any, Any, T], name: str) -> "asyncio.Task[T]":
        return asyncio.get_running_loop().create_task(work, name=name, context=contextvars.Context())

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._once.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("task_failed", task=task.get_name(), exc_info=task.exception())

    async def _kept(self, name: str, loop: Callable[[], Awaitable[None]]) -> None:
        pause = 0.5
        while True:
            begun = asyncio.get_running_loop().time()
            try:
                await loop()
            except Exception:
                log.exception("loop_failed", loop=name)
                if asyncio.get_running_loop().time() - begun > GOOD_RUN_SECONDS:
                    pause = 0.5
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, no secret
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            else:
                return


async def _cancel(tasks: "set[asyncio.Task[Any]]", within: float = 2.0) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=within)
