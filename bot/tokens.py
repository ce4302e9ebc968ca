"""Access tokens of the platforms: stored by name, refreshed by one caller at a time, replaced once when refused."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from bot.httpclient import Answer, HttpError
from crm_core.clock import Clock

log = structlog.get_logger(__name__)

_MARGIN = timedelta(seconds=60)
"""A token this close to its end counts as over: the call that carries it takes time too."""
_FORCE_PAUSE_SECONDS = 30.0
"""WeChat allows a forced refresh every 30 s and 20 a day (stable_token page, 2026-11)."""
_WAIT_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and when it ends."""

    value: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"Token(***, {self.expires_at.isoformat()})"


class TokenError(Exception):
    """No token could be had, so the call that needed it was not made; `code` is the platform's word for it."""

    def __init__(self, code: str, *, for_admin: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.for_admin = for_admin


class TokenStore(Protocol):
    """Where tokens are kept; `lock` holds off every other process that shares the store."""

    async def get(self, name: str) -> Token | None:
        """Give the stored token, also an old one."""

    async def set(self, name: str, token: Token) -> None:
        """Keep a token."""

    def lock(self, name: str) -> AbstractAsyncContextManager[None]:
        """Let one refresh at a time happen."""


class MemoryTokens:
    """Tokens of this process only."""

    def __init__(self) -> None:
        self._tokens: dict[str, Token] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def get(self, name: str) -> Token | None:
        """Give the stored token."""
        return self._tokens.get(name)

    async def set(self, name: str, token: Token) -> None:
        """Keep a token."""
        self._tokens[name] = token

    def lock(self, name: str) -> AbstractAsyncContextManager[None]:
        """Let one refresh at a time happen."""
        return self._locks.setdefault(name, asyncio.Lock())


Fetch = Callable[[bool], Awaitable[Token]]
"""Asks the platform; True asks it to make a new one although the old one should still hold."""


class TokenKeeper:
    """The token of one account, for any number of calls at once."""

    def __init__(self, name: str, fetch: Fetch, clock: Clock, *, store: TokenStore | None = None) -> None:
        self._name = name
        self._fetch = fetch
        self._clock = clock
        self._store: TokenStore = store or MemoryTokens()
        self._tries = 0
        self._failure: TokenError | None = None
        self._forced_at: float | None = None
        self._held: Token | None = None

    async def call(self, attempt: Callable[[str], Awaitable[Answer]], is_refused: Callable[[Answer], bool]) -> Answer:
        """Make a call that needs the token; if the token is refused, replace it and make the call once more.

        Raises: TokenError; HttpError of the attempt.
        """
        used = await self.token()
        answer = await attempt(used)
        if not is_refused(answer):
            return answer
        log.info("token_refused", token=self._name)
        return await attempt(await self.token(refused=used))

    async def token(self, *, refused: str = "") -> str:
        """Give a token that is not `refused`; asks the platform only if nobody else just did.

        Raises: TokenError.
        """
        stored = await self._usable(refused)
        if stored is not None:
            return stored.value
        tries = self._tries
        try:
            async with asyncio.timeout(_WAIT_SECONDS), self._store.lock(self._name):
                return (await self._usable(refused) or await self._refresh(refused, tries)).value
        except TimeoutError:
            raise TokenError("timeout") from None

    async def _usable(self, refused: str) -> Token | None:
        # The one in hand saves a look into the store at every send; if somebody else replaced it meanwhile, the
        # platform refuses it, and then the store is asked.
        if self._is_good(self._held, refused):
            return self._held
        self._held = await self._store.get(self._name)
        return self._held if self._is_good(self._held, refused) else None

    def _is_good(self, token: Token | None, refused: str) -> bool:
        return token is not None and token.value != refused and self._clock.now() < token.expires_at - _MARGIN

    async def _refresh(self, refused: str, tries: int) -> Token:
        if self._tries != tries:
            # Fifty calls that waited for one refresh share what came of it; they do not make fifty more.
            if self._failure is not None:
                raise self._failure
            newest = await self._store.get(self._name)
            if newest is not None:
                return newest
        self._failure = None
        try:
            token = await self._fetch(False)
            if token.value == refused and self._may_force():
                token = await self._fetch(True)
        except TokenError as error:
            self._failure = error
            raise
        except HttpError as error:
            self._failure = TokenError(type(error).__name__)
            raise self._failure from error
        finally:
            # Counted at the end, so that whoever came while it ran knows that it waited for this one.
            self._tries += 1
        await self._store.set(self._name, token)
        self._held = token
        return token

    def _may_force(self) -> bool:
        now = self._clock.monotonic()
        if self._forced_at is not None and now - self._forced_at < _FORCE_PAUSE_SECONDS:
            return False
        self._forced_at = now
        return True
