"""Access tokens of WeCom: one for each secret, the same one while it is good, and a lock after too many failures.

Source: protocols.md section 3.4, token.
"""

import secrets
from collections import deque
from enum import StrEnum

from bot.simulator.accounts import SimulatorOptions, WeComCorp
from bot.simulator.calls import errcode
from bot.simulator.clock import SimClock
from bot.simulator.records import Json

HOUR_SECONDS = 3600.0
PREFIX = "SIMQY_"


class Scope(StrEnum):
    """Whose secret a token was given for."""

    APP = "app"
    CONTACT = "contact"
    KF = "kf"


class Tokens:
    """Gives out tokens and knows which are still good."""

    def __init__(self, corp: WeComCorp, options: SimulatorOptions, clock: SimClock) -> None:
        self._corp = corp
        self._options = options
        self._clock = clock
        self._current: dict[Scope, str] = {}
        self._known: dict[str, tuple[Scope, float]] = {}  # token to its scope and its end
        self._failures: deque[float] = deque()

    def fetch(self, corp_id: str, secret: str) -> Json:
        """Give the token of a secret; refuse unknown credentials and whoever tried too often with them."""
        self._check_lock()
        scope = self._scope_of(corp_id, secret)
        now = self._clock.seconds()
        token = self._current.get(scope, "")
        if not token or self._known[token][1] <= now:
            token = f"{PREFIX}{scope}_{secrets.token_urlsafe(100)}"
            self._current[scope] = token
            self._known[token] = (scope, now + self._options.token_seconds)
        expires_in = int(self._known[token][1] - now)
        return {"errcode": 0, "errmsg": "ok", "access_token": token, "expires_in": expires_in}

    def check(self, token: str | None) -> Scope:
        """Tell whose token it is; refuse one that is missing, unknown or over."""
        if not token:
            raise errcode(41001, "access_token missing, hint: [simulated]")
        scope, end = self._known.get(token, (Scope.APP, None))
        if end is None:
            raise errcode(40014, "invalid access_token, hint: [simulated]")
        if end <= self._clock.seconds():
            raise errcode(42001, "access_token expired, hint: [simulated]")
        return scope

    def expire_all(self) -> None:
        """End every token now, earlier than promised."""
        now = self._clock.seconds()
        self._known = {token: (scope, min(end, now)) for token, (scope, end) in self._known.items()}

    def forget_all(self) -> None:
        """Make every token invalid, as after a change of the secrets."""
        self._known.clear()
        self._current.clear()

    def _scope_of(self, corp_id: str, secret: str) -> Scope:
        if corp_id != self._corp.corp_id:
            self._failures.append(self._clock.seconds())
            raise errcode(40013, "invalid corpid, hint: [simulated]")
        owners = {self._corp.secret: Scope.APP, self._corp.contact_secret: Scope.CONTACT, self._corp.kf_secret: Scope.KF}
        scope = owners.get(secret)
        if scope is None:
            self._failures.append(self._clock.seconds())
            raise errcode(40001, "invalid credential, hint: [simulated]")
        return scope

    def _check_lock(self) -> None:
        start = self._clock.seconds() - HOUR_SECONDS
        while self._failures and self._failures[0] <= start:
            self._failures.popleft()
        if len(self._failures) >= self._options.wecom_token_failures:
            raise errcode(45009, "api freq out of limit, hint: [simulated]")
