"""The memory of one customer-service account: three days of messages with cursors, tokens, codes, windows, sessions.

Source: protocols.md section 3.3.
"""

import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bot.simulator.accounts import SimulatorOptions, WeComCorp
from bot.simulator.calls import errcode
from bot.simulator.clock import SimClock
from bot.simulator.records import Json, Records
from bot.simulator.wecom.limits import Limits
from bot.simulator.wecom.tokens import Tokens

PLATFORM = "wecom_kf"
OK: Json = {"errcode": 0, "errmsg": "ok"}
KEPT_SECONDS = 3 * 86_400.0
EVENT_TOKEN_SECONDS = 600.0
QUICK_CODE_SECONDS = 20.0  # welcome and end of a session
SLOW_CODE_SECONDS = 48 * 3600.0  # queue and pickup
WINDOW_SECONDS = 48 * 3600.0
WINDOW_COUNT = 5
NEW, ASSISTANT, QUEUED, SERVED, ENDED = range(5)
"""States of a session: not handled yet, by the assistant, waiting in the pool, by a person, ended."""
MOVES = {NEW: {1, 2, 3}, ASSISTANT: {1, 2, 3, 4}, QUEUED: {2, 3, 4}, SERVED: {3, 4}, ENDED: set[int]()}


@dataclass(slots=True)
class Code:
    """A right to one message of `send_msg_on_event`."""

    person: str
    ends_at: float
    kinds: frozenset[str]
    used: bool = False


@dataclass(slots=True)
class Customer:
    """One customer of the account."""

    external_userid: str
    nickname: str
    state: int = ENDED
    servicer: str = ""
    wrote_at: float | None = None
    used: int = 0
    entered_at: float | None = None


@dataclass(slots=True)
class KfState:
    """What the parts of the simulated account share; the knobs below may be changed while it runs."""

    corp: WeComCorp
    options: SimulatorOptions
    clock: SimClock
    records: Records
    tokens: Tokens
    limits: Limits
    customers: dict[str, Customer] = field(default_factory=dict)
    log: list[tuple[int, float, Json]] = field(default_factory=list)
    codes: dict[str, Code] = field(default_factory=dict)
    msgids: set[str] = field(default_factory=set)
    fail_types: deque[int] = field(default_factory=deque)
    event_tokens: dict[str, float] = field(default_factory=dict)
    tokenless_per_minute: int = 10
    empty_pages: int = 0  # answers that say has_more with an empty list, before the next real one
    page: int = 1000  # the platform may give fewer than asked for
    tokenless: deque[float] = field(default_factory=deque)
    number: int = 0
    emit: Callable[[], None] | None = None  # pushes an event to the callback later

    def customer(self, external_userid: str) -> Customer:
        """Find a customer, or let them appear."""
        known = self.customers.get(external_userid)
        if known is None:
            known = self.customers[external_userid] = Customer(external_userid, f"客户{len(self.customers) + 1}")
        return known

    def append(self, item: dict[str, Any], *, ago_seconds: float = 0.0) -> str:
        """Put an item into the log; gives its msgid."""
        self.number += 1
        item.setdefault("msgid", f"kf{self.number:06d}{secrets.token_hex(4)}")
        item.setdefault("send_time", int(self.clock.stamp() - ago_seconds))
        self.log.append((self.number, self.clock.seconds() - ago_seconds, item))
        return str(item["msgid"])

    def page_after(self, cursor: str, limit: int) -> tuple[list[Json], str, bool]:
        """Give items after a cursor, the next cursor, and whether there are more."""
        start = self._number_of(cursor)
        oldest = self.clock.seconds() - KEPT_SECONDS
        self.log = [row for row in self.log if row[1] >= oldest]
        rows = [row for row in self.log if row[0] > start]
        if self.empty_pages > 0:
            self.empty_pages -= 1
            return [], cursor or "CURSOR0", True
        page = rows[: min(limit, self.page)]
        after = page[-1][0] if page else max(start, 0)
        return [item for _, _, item in page], f"CURSOR{after}", len(rows) > len(page)

    def make_event_token(self) -> str:
        """Make the token of an event; good for ten minutes."""
        token = f"ENC{secrets.token_urlsafe(24)}"
        self.event_tokens[token] = self.clock.seconds() + EVENT_TOKEN_SECONDS
        return token

    def check_event_token(self, token: str) -> None:
        """Refuse a token that is unknown or over; count a call without one against a strict limit."""
        now = self.clock.seconds()
        if token:
            if self.event_tokens.get(token, 0.0) <= now:
                raise errcode(95007, "invalid msgtoken, hint: [simulated]")
            return
        while self.tokenless and self.tokenless[0] <= now - 60.0:
            self.tokenless.popleft()
        if len(self.tokenless) >= self.tokenless_per_minute:
            raise errcode(45009, "api freq out of limit, hint: [simulated]")
        self.tokenless.append(now)

    def make_code(self, person: str, seconds: float, *kinds: str) -> str:
        """Make a code that allows one message."""
        code = f"CODE{secrets.token_urlsafe(18)}"
        self.codes[code] = Code(person, self.clock.seconds() + seconds, frozenset(kinds))
        return code

    def wrote(self, external_userid: str, *, ago_seconds: float = 0.0) -> None:
        """Note that a customer wrote: five messages may be sent again, and an ended session begins anew."""
        customer = self.customer(external_userid)
        customer.wrote_at, customer.used = self.clock.seconds() - ago_seconds, 0
        if customer.state == ENDED:
            customer.state = NEW

    def _number_of(self, cursor: str) -> int:
        if not cursor:
            return 0
        digits = cursor.removeprefix("CURSOR")
        if not digits.isdecimal() or len(cursor) > 64:
            raise errcode(40058, "invalid cursor, invalid Request Parameter, hint: [simulated]")
        return int(digits)
