"""Fetching what customers said: woken by events, one puller an account, the cursor moved after the batch is recorded.

A kill between the batch and the cursor fetches the batch again, and the keys of its messages are known. At start it goes on
from the stored cursor without waiting for an event, and now and then it looks without one, in case an event was lost.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog

from bot.channel import Received, Surroundings
from bot.channels.wecom.outcomes import TOO_MANY_AT_ONCE
from bot.channels.wecom_kf.calls import NAMES_A_CALL, KfCalls
from bot.channels.wecom_kf.fields import clean
from bot.channels.wecom_kf.messages import Reading, read_item
from bot.channels.wecom_kf.outcomes import BAD_EVENT_TOKEN, FOR_ADMIN
from bot.channels.wecom_kf.positions import Positions
from bot.channels.wecom_kf.settings import Settings
from bot.httpclient import HttpError
from bot.platform_result import Result
from bot.tokens import TokenError
from crm_core import inbox, locks
from crm_core.errors import Unavailable
from crm_core.locks import Lease
from crm_core.messages import InboundMessage
from handlers.service_desk import list_nameless, name_person

log = structlog.get_logger(__name__)

TOKEN_LASTS = timedelta(minutes=10)
_TOKEN_MARGIN = timedelta(seconds=15)
LIMIT = 1000
"""Messages in one page; the platform's most."""
TOGETHER = 50
"""Messages given to the gateway at once, so that they share commits; in their order."""
LONGEST_PAUSE_SECONDS = 60.0
_FREQUENCY_SECONDS = 60.0
_EMPTY_PAUSE_SECONDS = 0.2
_LOCK_WITHIN_SECONDS = 60.0
_NAMES_TRIED = 10_000
_NAMES_REST_SECONDS = 60.0
"""Names are not asked for so long after they could not be had: every message would wait for them."""


LONGEST_CURSOR = 512
"""Characters; the platform's own have 64 bytes at most."""


class PullFailed(Exception):
    """The platform did not give a page; `pause_seconds` is how long to leave it alone at least."""

    def __init__(self, why: str, *, pause_seconds: float = 0.0) -> None:
        super().__init__(why)
        self.pause_seconds = pause_seconds


class Puller:
    """Pulls one account for one started channel."""

    def __init__(
        self, name: str, settings: Settings, calls: KfCalls, around: Surroundings, *, key_of: Callable[[str], str]
    ) -> None:
        self._name = name
        self._settings = settings
        self._calls = calls
        self._inlet = around.inlet
        self._core = around.core
        self._key_of = key_of
        self._positions = Positions(around.core, f"{settings.corp_id}:{settings.open_kfid}")
        self._woken = asyncio.Event()
        self._fresh = asyncio.Event()
        self._token_helps = False
        self._token = ""
        self._token_at: datetime | None = None
        self._failures = 0
        self._since: datetime | None = None
        self._named: dict[str, None] = {}
        self._names_rest_until = 0.0
        self._parked = 0
        self._lost = 0

    def wake(self, token: str, at: datetime) -> None:
        """Take an event: something new is there, and its token makes fetching cheap for ten minutes."""
        if token and (self._token_at is None or at >= self._token_at):
            self._token, self._token_at = token, at
            self._fresh.set()
        self._woken.set()

    async def run(self) -> None:
        """Pull until cancelled."""
        is_due = True
        while True:
            if is_due:
                self._woken.clear()
                pause = await self._pull_guarded()
                if pause:
                    await self._rest(pause)
                    continue
            is_due = await self._wait()

    async def _wait(self) -> bool:
        """Wait for an event or the time to look without one; tell whether to pull."""
        every = self._settings.poll_every
        try:
            async with asyncio.timeout(every.total_seconds()):
                await self._woken.wait()
        except TimeoutError:
            try:
                return await self._positions.is_my_poll(every * 0.9)
            except Unavailable:
                return False
        return True

    async def _rest(self, seconds: float) -> None:
        self._failures += 1
        long = seconds * random.uniform(0.8, 1.2)  # noqa: S311 - jitter, no secret
        if not self._token_helps:
            await asyncio.sleep(long)
            return
        # Calls without a token are few; the token of a new event opens the way again.
        with suppress(TimeoutError):
            async with asyncio.timeout(long):
                await self._fresh.wait()

    async def _pull_guarded(self) -> float:
        """Pull everything there is; gives the seconds to rest after a failure, 0 after success."""
        try:
            # Waits while another process pulls: what the event told of may come after that one's last page.
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(_LOCK_WITHIN_SECONDS):
                    held = locks.held(self._positions.store, self._positions.lock)
                    lease = await stack.enter_async_context(held)
                await self._pull(lease)
        except PullFailed as failed:
            log.warning("pull_failed", channel=self._name, why=str(failed))
            return max(self._growing(), failed.pause_seconds)
        except (TokenError, HttpError, Unavailable, TimeoutError) as error:
            log.warning("pull_failed", channel=self._name, why=type(error).__name__)
            return self._growing()
        self._failures = 0
        return 0.0

    def _growing(self) -> float:
        return min(2.0 ** min(self._failures, 10), LONGEST_PAUSE_SECONDS)

    async def _pull(self, lease: Lease) -> None:
        since = self._since = self._since or await self._positions.first_look()
        cursor = await self._positions.cursor()
        more = True
        while more and not lease.lost:
            result = await self._fetch(cursor)
            items = result.fields.get("msg_list")
            items = items if isinstance(items, list) else []
            await self._record(items, since)
            following = _cursor_of(result)
            moved = bool(following) and following != cursor
            if moved and not lease.lost:
                cursor = following
                await self._positions.move(cursor)
            # The platform says so also with an empty list: only this word ends it.
            more = str(result.fields.get("has_more")) in ("1", "True")
            if more and not (moved and items):
                await asyncio.sleep(_EMPTY_PAUSE_SECONDS)
        if more:
            raise PullFailed("lock_lost")

    async def _fetch(self, cursor: str) -> Result:
        token, self._token_helps = self._good_token(), False
        self._fresh.clear()
        result = await self._calls.sync(cursor, token, limit=LIMIT)
        if result is not None and result.errcode == BAD_EVENT_TOKEN and token:
            self._forget(token)
            token = ""
            result = await self._calls.sync(cursor, "", limit=LIMIT)
        if result is None:
            raise PullFailed("unreadable_answer")
        code = result.errcode
        if code in FOR_ADMIN:
            log.error("channel_needs_admin", channel=self._name, errcode=code)
            raise PullFailed(f"errcode_{code}", pause_seconds=LONGEST_PAUSE_SECONDS)
        if code == 45009:
            self._token_helps = not token
            raise PullFailed("frequency", pause_seconds=_FREQUENCY_SECONDS * 2 ** min(self._failures, 5))
        if code:
            raise PullFailed("too_many_at_once" if code == TOO_MANY_AT_ONCE else f"errcode_{code}")
        return result

    def _good_token(self) -> str:
        lasts = TOKEN_LASTS - _TOKEN_MARGIN
        is_good = self._token_at is not None and self._core.clock.now() < self._token_at + lasts
        return self._token if is_good else ""

    def _forget(self, token: str) -> None:
        if self._token == token:
            self._token = ""

    async def _record(self, items: Sequence[Any], since: datetime) -> None:
        """Record a page, in its order; returns when all of it is durable."""
        now = self._core.clock.now()
        reading = Reading(self._name, self._settings.corp_id, self._settings.open_kfid, since, now)
        messages = []
        for item in items:
            message = _read(reading, item)
            if message is None:
                log.warning("item_unreadable", channel=self._name)
            else:
                messages.append(message)
        messages = await self._with_names(messages)
        for first in range(0, len(messages), TOGETHER):
            page = messages[first : first + TOGETHER]
            results = await asyncio.gather(*map(self._take, page), return_exceptions=True)
            for message, failure in zip(page, results, strict=True):
                await self._check(message, failure)

    async def _take(self, message: InboundMessage) -> None:
        if message.event == "msg_send_fail":
            key = self._key_of(str(message.data.get("fail_msgid") or ""))
            message = replace(message, data={**message.data, "message_key": key})
        await self._inlet.take(self._name, Received(messages=(message,)))

    async def _check(self, message: InboundMessage, failure: object) -> None:
        if not isinstance(failure, BaseException):
            return
        if isinstance(failure, Unavailable | TimeoutError) or not isinstance(failure, Exception):
            raise failure
        # It must not hold up everybody after it for ever, and the cursor does not bring it again: a person has to look.
        log.error("message_refused", channel=self._name, kind=message.kind.value, exc_info=failure)
        if not await self._park(message, f"not taken: {type(failure).__name__}"):
            self._lost += 1
            log.error("message_lost", channel=self._name, kind=message.kind.value, lost=self._lost)

    async def _park(self, message: InboundMessage, reason: str) -> bool:
        """Keep the bare message, without any effect; False when the database does not take it."""
        try:
            new = await self._core.db.run(partial(inbox.record_parked, self._core, message, reason))
        except (Unavailable, TimeoutError):
            raise  # then the cursor stays
        except Exception:
            log.exception("message_not_parked", channel=self._name, kind=message.kind.value)
            return False
        self._parked += new
        return True

    def health(self) -> dict[str, object]:
        """Count what this process could not work on: kept for a person to look at, and not even kept."""
        return {"pull_parked": self._parked, "pull_lost": self._lost}

    async def _with_names(self, messages: list[InboundMessage]) -> list[InboundMessage]:
        """Ask for the names of people who have none yet; whoever has one already is not asked for again."""
        people = dict.fromkeys(message.address.external_id for message in messages)
        people.pop("", None)
        asked = [person for person in people if person not in self._named]
        if not asked or self._core.clock.monotonic() < self._names_rest_until:
            return messages
        nameless = await self._core.db.read(list_nameless(self._name, asked))
        names: dict[str, str] = {}
        for first in range(0, len(nameless), NAMES_A_CALL):
            found = await self._calls.names(nameless[first : first + NAMES_A_CALL])
            if not found:
                self._names_rest_until = self._core.clock.monotonic() + _NAMES_REST_SECONDS
                break
            names |= found
        for person, nickname in names.items():
            await self._core.db.run(name_person(self._core, self._name, person, nickname))
        self._note_named([person for person in asked if person not in nameless or person in names])
        return [replace(message, nickname=names.get(message.address.external_id, "")) for message in messages]

    def _note_named(self, people: Sequence[str]) -> None:
        self._named.update(dict.fromkeys(people))
        while len(self._named) > _NAMES_TRIED:
            del self._named[next(iter(self._named))]


def _cursor_of(result: Result) -> str:
    """Give the next cursor; one that could not be stored or sent back is none."""
    following = result.fields.get("next_cursor")
    is_usable = (
        isinstance(following, str) and len(following) <= LONGEST_CURSOR and following.isascii() and following.isprintable()
    )
    return str(following) if is_usable else ""


def _read(reading: Reading, item: object) -> InboundMessage | None:
    """Read one item of a page; one that is odd beyond reading must not hold up those after it."""
    if not isinstance(item, dict):
        return None
    try:
        return read_item(reading, clean(item))
    except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError):
        log.exception("item_odd", channel=reading.channel)
        return None
