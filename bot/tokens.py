"""Access tokens of the platforms: stored by name, refreshed by one caller at a time, replaced once when refused.

Across tasks and processes: whoever finds a token over or refused takes the lock of its name, looks again whether somebody
else has replaced it meanwhile, and only then asks the platform. What it got is stored by a swap with what it had seen, so
that a slow answer never replaces a newer token. A failure is remembered for a while by everybody.
Reading order: TokenKeeper, then Failures, then the stores.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from bot.httpclient import Answer, HttpError
from crm_core.clock import Clock
from crm_core.errors import CrmError

log = structlog.get_logger(__name__)

_MARGIN = timedelta(seconds=60)
"""A token this close to its end counts as over: the call that carries it takes time too."""
_FORCE_PAUSE_SECONDS = 30.0
"""WeChat allows a forced refresh every 30 s and 20 a day (stable_token page, 2026-11)."""
_WAIT_SECONDS = 12.0
"""For a token, somebody else's refresh included; less than a send may take."""
_FIRST_PAUSE = timedelta(seconds=1)
_LONGEST_PAUSE = timedelta(seconds=30)
_ADMIN_PAUSE = timedelta(seconds=60)
"""A wrong secret or an address that is not trusted does not mend itself; many failed calls lock the call for tokens."""
_FORGOTTEN_AFTER = timedelta(minutes=5)
_STRIKES = 3
"""New tokens refused in a row that make it the settings' fault."""


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


@dataclass(frozen=True, slots=True)
class Failure:
    """A refresh that failed; nobody asks again before `until`."""

    code: str
    for_admin: bool
    times: int
    until: datetime


class TokenStore(Protocol):
    """Where tokens are kept; `lock` holds off every other process that shares the store."""

    async def get(self, name: str) -> Token | None:
        """Give the stored token, also an old one; may be a copy that is a little behind."""

    async def newest(self, name: str) -> Token | None:
        """Give the stored token, and no copy of it."""

    async def set(self, name: str, token: Token) -> None:
        """Keep a token, whatever was there."""

    async def swap(self, name: str, old: Token | None, new: Token) -> bool:
        """Keep a token only if the stored one is still `old`; tell whether it was."""

    async def failure(self, name: str) -> Failure | None:
        """Give the last failure, also one whose pause is over."""

    async def note(self, name: str, failure: Failure | None) -> None:
        """Remember a failure, or that it is over."""

    def lock(self, name: str) -> AbstractAsyncContextManager[object]:
        """Let one refresh at a time happen."""


@dataclass
class MemoryTokens:
    """Tokens of this process only."""

    _tokens: dict[str, Token] = field(default_factory=dict)
    _failures: dict[str, Failure | None] = field(default_factory=dict)
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def get(self, name: str) -> Token | None:
        """Give the stored token."""
        return self._tokens.get(name)

    newest = get

    async def set(self, name: str, token: Token) -> None:
        """Keep a token."""
        self._tokens[name] = token

    async def swap(self, name: str, old: Token | None, new: Token) -> bool:
        """Keep a token only if the stored one is still `old`."""
        if self._tokens.get(name) != old:
            return False
        self._tokens[name] = new
        return True

    async def failure(self, name: str) -> Failure | None:
        """Give the last failure."""
        return self._failures.get(name)

    async def note(self, name: str, failure: Failure | None) -> None:
        """Remember a failure."""
        self._failures[name] = failure

    def lock(self, name: str) -> AbstractAsyncContextManager[object]:
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
        self._forced_at: float | None = None
        self._held: Token | None = None
        self._strikes = 0
        self._bad = ""
        """A new token the platform refused; no call is spent on it before the next refresh."""

    async def call(self, attempt: Callable[[str], Awaitable[Answer]], is_refused: Callable[[Answer], bool]) -> Answer:
        """Make a call that needs the token; if the token is refused, replace it and make the call once more.

        Raises: TokenError; HttpError of the attempt.
        """
        used = await self.token()
        answer = await attempt(used)
        if not is_refused(answer):
            self._strikes, self._bad = 0, ""
            return answer
        log.info("token_refused", token=self._name)
        fresh = await self.token(refused=used)
        answer = await attempt(fresh)
        if is_refused(answer):
            with suppress(CrmError):  # what cannot be remembered is found out once more
                await self._strike(fresh)
        else:
            self._strikes, self._bad = 0, ""
        return answer

    async def token(self, *, refused: str = "") -> str:
        """Give a token that is not `refused`; asks the platform only if nobody else just did.

        Raises: TokenError.
        """
        # The one in hand saves a look into the store at every send; if somebody else replaced it meanwhile, the
        # platform refuses it, and then the store is asked.
        held = self._held
        if held is not None and self._is_good(held, refused):
            return held.value
        try:
            async with asyncio.timeout(_WAIT_SECONDS):
                usable = await self._stored(refused) or await self._replace(refused)
        except TimeoutError:
            raise TokenError("timeout") from None
        except CrmError as error:
            raise TokenError(error.code) from error
        return usable.value

    async def _stored(self, refused: str) -> Token | None:
        return self._hold(await self._store.get(self._name), refused)

    def _hold(self, token: Token | None, refused: str) -> Token | None:
        if not self._is_good(token, refused):
            return None
        self._held = token
        return token

    def _is_good(self, token: Token | None, refused: str) -> bool:
        if token is None or token.value in (refused, self._bad):
            return False
        return self._clock.now() < token.expires_at - _MARGIN

    async def _replace(self, refused: str) -> Token:
        await self._raise_remembered()
        async with self._store.lock(self._name):
            seen = await self._store.newest(self._name)
            usable = self._hold(seen, refused)
            if usable is not None:
                return usable
            # Fifty calls that waited for one refresh share also its failure; they do not make fifty more.
            await self._raise_remembered()
            token = await self._ask(refused)
            return await self._keep(seen, token, refused)

    async def _ask(self, refused: str) -> Token:
        try:
            token = await self._fetch(False)
            if token.value == refused and self._may_force():
                token = await self._fetch(True)
        except TokenError as error:
            await self._remember(error)
            raise
        except HttpError as error:
            failed = TokenError(type(error).__name__)
            await self._remember(failed)
            raise failed from error
        return token

    async def _keep(self, seen: Token | None, token: Token, refused: str) -> Token:
        # In hand first: the platform may have ended the one before, so this one must not be lost with the store.
        self._held = token
        if not await self._store.swap(self._name, seen, token):
            # The lock ended under us. Theirs may be the newer one; if it is not, the platform refuses it soon.
            theirs = await self._store.newest(self._name)
            if self._is_good(theirs, refused) and theirs is not None:
                self._held = theirs
                return theirs
            await self._store.swap(self._name, theirs, token)
        if token.value != refused:
            await self._store.note(self._name, None)
        return token

    async def _raise_remembered(self) -> None:
        failure = await self._store.failure(self._name)
        if failure is not None and self._clock.now() < failure.until <= self._clock.now() + _ADMIN_PAUSE:
            raise TokenError(failure.code, for_admin=failure.for_admin)

    async def _remember(self, error: TokenError) -> None:
        last = await self._store.failure(self._name)
        now = self._clock.now()
        times = last.times + 1 if last and now < last.until + _FORGOTTEN_AFTER else 1
        pause = _ADMIN_PAUSE if error.for_admin else min(_FIRST_PAUSE * 2 ** min(times - 1, 10), _LONGEST_PAUSE)
        await self._store.note(self._name, Failure(error.code, error.for_admin, times, now + pause))

    async def _strike(self, fresh: str) -> None:
        """Note that a new token was refused as well: soon it is not asked for again and again."""
        newest = await self._store.newest(self._name)
        if newest is None or newest.value != fresh:
            return  # somebody else has a newer one already
        self._strikes += 1
        self._bad = fresh
        for_admin = self._strikes >= _STRIKES
        log.warning("new_token_refused", token=self._name, strikes=self._strikes)
        await self._remember(TokenError("new_token_refused", for_admin=for_admin))

    def _may_force(self) -> bool:
        now = self._clock.monotonic()
        if self._forced_at is not None and now - self._forced_at < _FORCE_PAUSE_SECONDS:
            return False
        self._forced_at = now
        return True
