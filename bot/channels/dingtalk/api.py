"""Calls of the two DingTalk APIs: one token, one rate and one monthly count for all of them."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

import structlog

from bot.channel import SendRate, SendReceipt, SendStatus
from bot.channels.dingtalk.ledger import CallLedger
from bot.channels.dingtalk.outcomes import BLOCKED_EVERYWHERE, PUNISHMENT, code_of, is_month_over, is_token_refused, needs_admin
from bot.channels.dingtalk.pace import Pace
from bot.channels.dingtalk.settings import Settings
from bot.httpclient import Answer, HttpClient, HttpError, NotSent, Upload
from bot.tokens import Token, TokenError, TokenKeeper, TokenStore
from crm_core.clock import Clock
from crm_core.ports import Core

log = structlog.get_logger(__name__)

CALLS_A_SECOND = SendRate(20, 1.0)
"""Standard edition; kept for all APIs together. Source: rate-limit page of the platform, read 2026-11."""
_PATIENCE_SECONDS = 3.0
"""How long a call waits for its turn; a send is tried again later instead."""
_ADMIN_PAUSE = timedelta(minutes=10)
_TOKEN = "/v1.0/oauth2/accessToken"  # noqa: S105 - an address
_TOKEN_HEADER = "x-acs-dingtalk-access-token"  # noqa: S105 - the header's name


class Busy(NotSent):
    """No turn came in time, or the platform shut us out for a while: the call was not made."""


class Api:
    """The way to `api_base` and `oapi_base` for everything of one application."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        http: HttpClient,
        *,
        clock: Clock,
        ledger: CallLedger,
        tokens: TokenStore | None = None,
    ) -> None:
        self.ledger = ledger
        self.settings = settings
        self._name = name
        self._http = http
        self._clock = clock
        self._pace = Pace(CALLS_A_SECOND, clock)
        self._bare_pace = self._pace
        self._shut_until = 0.0
        self.keeper = TokenKeeper(f"dingtalk:{settings.client_id}", self._fetch_token, clock, store=tokens)

    def attach(self, core: Core) -> None:
        """Count calls together with the other processes of the application, if there may be any.

        Those without a token (it is fetched, a Stream is opened) are few and have limits of their own on the platform; they
        stay with this process's count, so that a Stream finds its way back while the database is away.
        """
        if core.db.alone:
            return
        self._pace = Pace(CALLS_A_SECOND, self._clock)
        self._pace.attach(f"dingtalk:{self.settings.client_id}:calls", core.state)

    async def post(self, path: str, payload: object) -> Answer:
        """Call the newer API with the token. Raises: TokenError; NotSent; Unanswered."""

        async def attempt(token: str) -> Answer:
            headers = {_TOKEN_HEADER: token}
            return await self._http.post(self.settings.api_base + path, payload, headers=headers)

        return await self._call(path, attempt)

    async def put(self, path: str, payload: object) -> Answer:
        """Change something by the newer API. Raises: TokenError; NotSent; Unanswered."""

        async def attempt(token: str) -> Answer:
            return await self._http.put(self.settings.api_base + path, payload, headers={_TOKEN_HEADER: token})

        return await self._call(path, attempt)

    async def upload(self, path: str, upload: Upload, *, params: Mapping[str, str]) -> Answer:
        """Bring a file by the older API. Raises: TokenError; NotSent; Unanswered."""

        async def attempt(token: str) -> Answer:
            given = {"access_token": token, **params}
            return await self._http.post(self.settings.oapi_base + path, params=given, upload=upload)

        return await self._call(path, attempt)

    async def bare(self, path: str, payload: object) -> Answer:
        """Call the newer API without a token. Raises: NotSent; Unanswered."""
        return await self._turn(path, lambda: self._http.post(self.settings.api_base + path, payload), self._bare_pace)

    async def _call(self, path: str, attempt: Callable[[str], Awaitable[Answer]]) -> Answer:
        return await self.keeper.call(lambda token: self._turn(path, lambda: attempt(token), self._pace), is_token_refused)

    async def _turn(self, path: str, attempt: Callable[[], Awaitable[Answer]], pace: Pace) -> Answer:
        """Keep to the rate, count, and hear what the platform says of both."""
        self._check_shut()
        turn = await pace.begin(_PATIENCE_SECONDS)
        if isinstance(turn, timedelta):
            raise Busy("rate")
        try:
            self._check_shut()  # meanwhile
            self.ledger.count(path)
            answer = await attempt()
        finally:
            pace.end(turn)
        code = code_of(answer) or ""
        if code == BLOCKED_EVERYWHERE:
            self._shut_until = self._clock.monotonic() + PUNISHMENT.total_seconds()
        if is_month_over(code):
            self.ledger.exhausted()
        if needs_admin(code):
            log.error("channel_needs_admin", channel=self._name, code=code)
        return answer

    def _check_shut(self) -> None:
        if self._clock.monotonic() < self._shut_until:
            raise Busy("shut out")

    async def _fetch_token(self, force: bool) -> Token:
        # This platform has no forced refresh; `force` asks the same again.
        settings = self.settings
        payload = {"appKey": settings.client_id, "appSecret": settings.client_secret.reveal()}
        answer = await self.bare(_TOKEN, payload)
        code, fields = code_of(answer), answer.json()
        if code is None or fields is None:
            raise TokenError("unreadable_answer")
        value, lasts = fields.get("accessToken"), fields.get("expireIn")
        if code or not value or not isinstance(value, str) or not isinstance(lasts, int):
            raise TokenError(code or "unreadable_answer", for_admin=answer.status in (400, 401, 403))
        return Token(value, self._clock.now() + timedelta(seconds=lasts))


def receipt_of_failure(error: TokenError | HttpError, *, channel: str, now: datetime) -> SendReceipt:
    """Say what became of a send whose call was not made, or not answered."""
    if isinstance(error, NotSent):
        return SendReceipt(SendStatus.RETRY, "busy" if isinstance(error, Busy) else "not_sent")
    if not isinstance(error, TokenError):
        return SendReceipt(SendStatus.UNKNOWN, "no_answer")
    if not error.for_admin:
        return SendReceipt(SendStatus.RETRY, f"token_{error.code}")
    log.error("channel_needs_admin", channel=channel, code=error.code)
    at = now + _ADMIN_PAUSE
    return SendReceipt(SendStatus.RETRY, f"needs_admin_{error.code}", retry_at=at, pause_until=at)
