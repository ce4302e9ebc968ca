"""Platform tokens in the state store, so that a restart (and later another process) goes on with the same one."""

import asyncio
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta

import msgspec

from bot.tokens import Token
from crm_core.ports import Core


class StoredTokens:
    """`TokenStore` over the state store; one refresh at a time in this process."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._locks: dict[str, asyncio.Lock] = {}

    async def get(self, name: str) -> Token | None:
        """Give the stored token, also an old one."""
        value = await self._core.state.get(f"token:{name}")
        if value is None:
            return None
        word, until = msgspec.json.decode(value, type=tuple[str, datetime])
        return Token(word, until)

    async def set(self, name: str, token: Token) -> None:
        """Keep a token until a day after its end."""
        lasts = max(token.expires_at - self._core.clock.now(), timedelta(0)) + timedelta(days=1)
        await self._core.state.set(f"token:{name}", msgspec.json.encode((token.value, token.expires_at)).decode(), lasts=lasts)

    def lock(self, name: str) -> AbstractAsyncContextManager[None]:
        """Let one refresh at a time happen."""
        return _Held(self._locks.setdefault(name, asyncio.Lock()))


class _Held(AbstractAsyncContextManager[None]):
    def __init__(self, lock: asyncio.Lock) -> None:
        self._lock = lock

    async def __aenter__(self) -> None:
        await self._lock.acquire()

    async def __aexit__(self, *_: object) -> None:
        self._lock.release()
