"""The way to the API of one WeCom application: two tokens, calls that carry one, and how many of them at once."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from datetime import timedelta
from typing import Any

from bot.channels.wecom.outcomes import BAD_SECRET, TOO_MANY_AT_ONCE
from bot.channels.wecom.settings import Settings
from bot.httpclient import MAX_ANSWER_BYTES, Answer, HttpClient, Upload
from bot.platform_result import is_token_refused, read_result, read_token
from bot.secret import Secret
from bot.tokens import Token, TokenKeeper, TokenStore
from crm_core.clock import Clock

WIDEST = 40
"""Below what the way out allows for one host, so that what is in a hurry finds a connection of its own."""
_WIDER_AFTER = 20
"""Calls that went well before one more at once is tried."""


class ApiRefused(Exception):
    """The platform refused a call, or its answer could not be read (`errcode` None)."""

    def __init__(self, path: str, errcode: int | None) -> None:
        super().__init__(f"{path}: {errcode}")
        self.errcode = errcode


class Width:
    """How many calls go at once: halved when the platform says it is too many, slowly widened again."""

    def __init__(self, widest: int = WIDEST) -> None:
        self._widest = widest
        self._allowed = widest
        self._under_way = 0
        self._went_well = 0
        self._changed = asyncio.Condition()

    @property
    def allowed(self) -> int:
        """Tell how many may go at once now."""
        return self._allowed

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait for a place among the calls under way."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._under_way < self._allowed)
            self._under_way += 1
        try:
            yield
        finally:
            async with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def note(self, *, too_many: bool) -> None:
        """Take the outcome of one call."""
        if too_many:
            self._allowed, self._went_well = max(1, self._allowed // 2), 0
            return
        self._went_well += 1
        if self._went_well >= _WIDER_AFTER and self._allowed < self._widest:
            self._allowed, self._went_well = self._allowed + 1, 0


class Calls:
    """Calls with the token of the application (`message/…`, directory) or of customer contact (`externalcontact/…`)."""

    def __init__(self, settings: Settings, http: HttpClient, *, clock: Clock, tokens: TokenStore | None = None) -> None:
        self.settings = settings
        self._http = http
        self._clock = clock
        self._width = Width()

        def keeper(name: str, secret: Secret) -> TokenKeeper:
            async def fetch(force: bool) -> Token:
                return await self._fetch_token(secret)

            return TokenKeeper(f"wecom:{settings.corp_id}:{name}", fetch, clock, store=tokens)

        self.keeper = keeper(str(settings.agent_id), settings.secret)
        own = settings.has_own_contact_secret
        self.contact_keeper = keeper("contact", settings.contact_secret) if own else self.keeper

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        payload: object = None,
        upload: Upload | None = None,
        within: timedelta | None = None,
        hurry: bool = False,
        max_bytes: int = MAX_ANSWER_BYTES,
    ) -> Answer:
        """Call the API with the token that is meant for it, replaced once if it is refused; `hurry` waits for no place.

        Raises: TokenError; NotSent; Unanswered.
        """
        url = f"{self.settings.api_base}/cgi-bin/{path}"
        keeper = self.contact_keeper if path.startswith("externalcontact/") else self.keeper

        async def attempt(token: str) -> Answer:
            query = {**(params or {}), "access_token": token}
            async with nullcontext() if hurry else self._width.place():
                if method == "get":
                    answer = await self._http.get(url, params=query, max_bytes=max_bytes)
                else:
                    answer = await self._http.post(url, payload, params=query, upload=upload, within=within)
            result = read_result(answer)
            self._width.note(too_many=result is not None and result.errcode == TOO_MANY_AT_ONCE)
            return answer

        return await keeper.call(attempt, is_token_refused)

    async def ask(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, payload: object = None
    ) -> dict[str, Any]:
        """Make a call and give the fields of its answer.

        Raises: ApiRefused; TokenError; NotSent; Unanswered.
        """
        result = read_result(await self.request(method, path, params=params, payload=payload))
        if result is None or result.errcode:
            raise ApiRefused(path, result.errcode if result else None)
        return dict(result.fields)

    async def _fetch_token(self, secret: Secret) -> Token:
        # Asking again gives the same token while it holds, so there is no way (and no need) to force a new one.
        params = {"corpid": self.settings.corp_id, "corpsecret": secret.reveal()}
        answer = await self._http.get(f"{self.settings.api_base}/cgi-bin/gettoken", params=params)
        return read_token(answer, self._clock.now(), BAD_SECRET)
