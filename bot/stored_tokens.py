"""Platform tokens in the state store, so that a restart and every other process go on with the same one.

The row in the database is the token; Redis, when it is set, holds a copy that saves a look into the database. The lock of
a refresh is kept in the database always: it is taken once in two hours, and must hold while Redis is flushed.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta

import msgspec

from bot.tokens import Failure, Token
from crm_core import locks
from crm_core.ports import Core, StateStore

_COPY_LASTS = timedelta(hours=2)
_FAILURE_LASTS = timedelta(minutes=10)
_encode = msgspec.json.encode


class StoredTokens:
    """`TokenStore` over the state store; one refresh at a time over all processes."""

    def __init__(self, core: Core, copies: StateStore | None = None) -> None:
        self._core = core
        self._copies = copies
        self._locks: dict[str, asyncio.Lock] = {}

    async def get(self, name: str) -> Token | None:
        """Give the stored token, also an old one; from the copy, if there is one."""
        copy = await self._copies.get(_copy_key(name)) if self._copies else None
        token = _read_copy(copy) if copy is not None else None
        return token if token is not None else await self.newest(name)

    async def newest(self, name: str) -> Token | None:
        """Give the stored token, and no copy of it."""
        value = await self._core.state.get(_key(name))
        if value is None:
            return None
        token = _read(value)
        # Whoever asks for the newest found no copy, or one that is behind.
        await self._copy(name, token)
        return token

    async def set(self, name: str, token: Token) -> None:
        """Keep a token until a day after its end."""
        await self._core.state.set(_key(name), _write(token), lasts=self._lasts(token))
        await self._copy(name, token)

    async def swap(self, name: str, old: Token | None, new: Token) -> bool:
        """Keep a token only if the stored one is still `old`; tell whether it was."""
        state, lasts = self._core.state, self._lasts(new)
        if old is None:
            swapped = await state.add(_key(name), _write(new), lasts=lasts)
        else:
            swapped = await state.swap(_key(name), _write(old), _write(new), lasts=lasts)
        if swapped:
            await self._copy(name, new)
        return swapped

    async def failure(self, name: str) -> Failure | None:
        """Give the last failure, also one whose pause is over."""
        value = await self._core.state.get(f"{_key(name)}:failure")
        return msgspec.json.decode(value, type=Failure) if value else None

    async def note(self, name: str, failure: Failure | None) -> None:
        """Remember a failure, or that it is over."""
        key = f"{_key(name)}:failure"
        if failure is not None:
            await self._core.state.set(key, _encode(failure).decode(), lasts=_FAILURE_LASTS)
        elif await self._core.state.get(key) is not None:
            await self._core.state.delete(key)

    def lock(self, name: str) -> AbstractAsyncContextManager[object]:
        """Let one refresh at a time happen."""
        return self._one_of_all(name)

    @asynccontextmanager
    async def _one_of_all(self, name: str) -> AsyncIterator[None]:
        # Of this process one asks the database for its turn, and the others wait for that one.
        async with self._locks.setdefault(name, asyncio.Lock()), locks.held(self._core.state, _key(name)):
            yield

    async def _copy(self, name: str, token: Token) -> None:
        if self._copies is not None:
            await self._copies.set(_copy_key(name), _write(token), lasts=_COPY_LASTS)

    def _lasts(self, token: Token) -> timedelta:
        return max(token.expires_at - self._core.clock.now(), timedelta(0)) + timedelta(days=1)


def _key(name: str) -> str:
    return f"token:{name}"


def _copy_key(name: str) -> str:
    # A name of its own: without Redis the copies fall back to the database, and must not replace the token there.
    return f"copy:token:{name}"


def _write(token: Token) -> str:
    return _encode((token.value, token.expires_at)).decode()


def _read_copy(copy: str) -> Token | None:
    """Read a copy; one that is not ours is none: the row knows better."""
    try:
        token = _read(copy)
    except (msgspec.DecodeError, ValueError):
        return None
    return token if token.expires_at.tzinfo is not None else None


def _read(value: str) -> Token:
    word, until = msgspec.json.decode(value, type=tuple[str, datetime])
    return Token(word, until)
