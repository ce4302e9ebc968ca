"""Access tokens of the Official Account: the classic endpoint and the stable one, isolated from each other.

Source: protocols.md section 2.2, tokens.
"""

import secrets

from bot.simulator.accounts import SimulatorOptions, WeChatAccount
from bot.simulator.calls import Refused, errcode
from bot.simulator.clock import SimClock
from bot.simulator.records import Json

OVERLAP_SECONDS = 300  # the stable endpoint renews this long before the end, both tokens live meanwhile
FORCED_PER_DAY = 20
FORCED_PAUSE_SECONDS = 30
PREFIX = "SIM_"


class Tokens:
    """Gives out tokens and knows which are still good."""

    def __init__(self, account: WeChatAccount, options: SimulatorOptions, clock: SimClock) -> None:
        self._account = account
        self._options = options
        self._clock = clock
        self._ends: dict[str, float] = {}
        self._killed: set[str] = set()
        self._classic = ""
        self._stable = ""
        self._forced: list[float] = []

    def fetch_classic(self, app_id: str, secret: str) -> Json:
        """Give a new token; the one before dies, at once or after the grace of the options."""
        self._check_credentials(app_id, secret)
        if self._classic:
            self._kill(self._classic, self._options.classic_grace_seconds)
        self._classic = self._make()
        return {"access_token": self._classic, "expires_in": self._options.token_seconds}

    def fetch_stable(self, app_id: str, secret: str, *, force: bool) -> Json:
        """Give the same token while it is good for 5 minutes more; a forced one kills its predecessor."""
        self._check_credentials(app_id, secret)
        if force:
            self._count_forced()
            self._kill(self._stable, 0.0)
            self._stable = ""
        if not self._stable or self.remaining_seconds(self._stable) < OVERLAP_SECONDS:
            self._stable = self._make()
        return {"access_token": self._stable, "expires_in": int(self.remaining_seconds(self._stable))}

    def check(self, token: str | None) -> None:
        """Refuse a token that is missing, unknown, replaced or over."""
        if not token:
            raise errcode(41001, "access_token missing rid: simulated")
        end, now = self._ends.get(token), self._clock.seconds()
        if end is not None and now < end:
            return
        if end is not None and token not in self._killed:
            raise errcode(42001, "access_token expired rid: simulated")
        if end is None and not token.startswith(PREFIX):
            raise errcode(40014, "invalid access_token rid: simulated")
        raise errcode(40001, "invalid credential, access_token is invalid or not latest rid: simulated")

    def remaining_seconds(self, token: str) -> float:
        """Tell how long a token is still good."""
        return self._ends.get(token, 0.0) - self._clock.seconds()

    def expire_all(self) -> None:
        """End every token now, earlier than promised."""
        now = self._clock.seconds()
        self._ends = {token: min(end, now) for token, end in self._ends.items()}

    def forget_all(self) -> None:
        """Make every token invalid, as after a change of the secret."""
        self._ends.clear()

    def _check_credentials(self, app_id: str, secret: str) -> None:
        refusal: Refused | None = None
        if app_id != self._account.app_id:
            refusal = errcode(40013, "invalid appid rid: simulated")
        elif secret != self._account.app_secret:
            refusal = errcode(40125, "invalid appsecret rid: simulated")
        if refusal is not None:
            raise refusal

    def _count_forced(self) -> None:
        now = self._clock.seconds()
        self._forced = [at for at in self._forced if at > now - 86_400]
        if len(self._forced) >= FORCED_PER_DAY:
            raise errcode(45009, "reach max api daily quota limit rid: simulated")
        if self._forced and now - self._forced[-1] < FORCED_PAUSE_SECONDS:
            raise errcode(45011, "api minute-quota reach limit, must slower, retry next minute rid: simulated")
        self._forced.append(now)

    def _make(self) -> str:
        token = f"{PREFIX}{secrets.token_urlsafe(100)}"
        self._ends[token] = self._clock.seconds() + self._options.token_seconds
        return token

    def _kill(self, token: str, grace_seconds: float) -> None:
        if token in self._ends:
            self._ends[token] = min(self._ends[token], self._clock.seconds() + grace_seconds)
            self._killed.add(token)
