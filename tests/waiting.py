"""Waiting for something that another task brings about, with an end."""

import asyncio
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import TypeVar

T = TypeVar("T")


async def until(look: Callable[[], T | Awaitable[T]], within: float = 5.0) -> T:
    """Look again and again until there is something; fails with what was seen last."""
    seen: T | None = None
    try:
        async with asyncio.timeout(within):
            while True:
                found = look()
                seen = await found if isawaitable(found) else found  # type: ignore[assignment]
                if seen:
                    return seen  # type: ignore[return-value]
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"did not come about within {within} s, last seen: {seen!r}") from None
