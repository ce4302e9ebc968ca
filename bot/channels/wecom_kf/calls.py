"""The calls of a customer-service account: one token for all of them, and never too many at once."""

import asyncio
from collections.abc import Sequence

from bot.channels.wecom.calls import ApiRefused, Width
from bot.channels.wecom.outcomes import BAD_SECRET, TOO_MANY_AT_ONCE
from bot.channels.wecom_kf.fields import text
from bot.channels.wecom_kf.settings import Settings
from bot.httpclient import Answer, HttpClient, HttpError, Upload
from bot.platform_result import Result, is_token_refused, read_result, read_token
from bot.tokens import Token, TokenError, TokenKeeper, TokenStore
from crm_core.clock import Clock

KF = "/cgi-bin/kf"
AT_ONCE = 5
"""Calls at once; more are refused with 45033 in the field (protocols.md section 3.3)."""
_MAX_MEDIA_BYTES = 20 * 1024 * 1024
NAMES_A_CALL = 100
_NAMES_WITHIN_SECONDS = 1.5
"""A name is nice to have and the message is waiting."""
SERVED_BY_ASSISTANT = 1
_SERVED_BY_PEOPLE = (2, 3)


class KfCalls:
    """The API of one account."""

    def __init__(self, settings: Settings, http: HttpClient, *, clock: Clock, tokens: TokenStore | None = None) -> None:
        self._settings = settings
        self._http = http
        self._clock = clock
        self._width = Width(AT_ONCE)
        self.keeper = TokenKeeper(f"wecom_kf:{settings.corp_id}:{settings.open_kfid}", self._fetch_token, clock, store=tokens)

    async def post(self, path: str, payload: object) -> Result | None:
        """Make a call with the token, replaced once if it is refused; None when the answer cannot be read.

        Raises: TokenError; NotSent; Unanswered.
        """
        url = self._settings.api_base + path

        async def attempt(token: str) -> Answer:
            async with self._width.place():
                return await self._http.post(url, payload, params={"access_token": token})

        result = read_result(await self.keeper.call(attempt, is_token_refused))
        self._width.note(too_many=result is not None and result.errcode == TOO_MANY_AT_ONCE)
        return result

    async def sync(self, cursor: str, token: str, *, limit: int) -> Result | None:
        """Fetch what came after a cursor.

        Raises: TokenError; HttpError.
        """
        payload: dict[str, object] = {"open_kfid": self._settings.open_kfid, "limit": limit, "voice_format": 0}
        if cursor:
            payload["cursor"] = cursor
        if token:
            payload["token"] = token
        return await self.post(f"{KF}/sync_msg", payload)

    async def upload_media(self, media_type: str, upload: Upload) -> str:
        """Keep a picture, voice, video or file on the platform for 3 days; gives its media_id.

        Raises: ApiRefused; TokenError; HttpError.
        """
        path = "/cgi-bin/media/upload"

        async def attempt(token: str) -> Answer:
            params = {"type": media_type, "access_token": token}
            return await self._http.post(self._settings.api_base + path, params=params, upload=upload)

        result = read_result(await self.keeper.call(attempt, is_token_refused))
        if result is None or result.errcode or not result.fields.get("media_id"):
            raise ApiRefused(path, result.errcode if result else None)
        return str(result.fields["media_id"])

    async def download_media(self, media_id: str) -> Answer:
        """Fetch a file a customer sent; an error comes as JSON with status 200 where the file should be.

        Raises: ApiRefused; TokenError; HttpError.
        """
        path = "/cgi-bin/media/get"

        async def attempt(token: str) -> Answer:
            params = {"media_id": media_id, "access_token": token}
            return await self._http.get(self._settings.api_base + path, params=params, max_bytes=_MAX_MEDIA_BYTES)

        answer = await self.keeper.call(attempt, is_token_refused)
        is_text = "json" in answer.content_type or "text" in answer.content_type
        result = read_result(answer) if is_text else None
        if answer.status != 200 or (result is not None and result.errcode):
            raise ApiRefused(path, result.errcode if result else None)
        return answer

    async def names(self, people: Sequence[str]) -> dict[str, str]:
        """Ask what customers call themselves; {} for whatever cannot be had quickly."""
        try:
            async with asyncio.timeout(_NAMES_WITHIN_SECONDS):
                result = await self.post(f"{KF}/customer/batchget", {"external_userid_list": list(people[:NAMES_A_CALL])})
        except (TimeoutError, TokenError, HttpError):
            return {}
        rows = result.fields.get("customer_list") if result and not result.errcode else None
        if not isinstance(rows, list):
            return {}
        told = {text(row, "external_userid"): text(row, "nickname").strip() for row in rows if isinstance(row, dict)}
        return {person: name for person, name in told.items() if person and name}

    async def give_to_assistant(self, person: str) -> bool:
        """Take a session that nobody handles for the assistant, so that it may be written to; False where it may not.

        Raises: TokenError; HttpError.
        """
        about = {"open_kfid": self._settings.open_kfid, "external_userid": person}
        state = await self.post(f"{KF}/service_state/get", about)
        if state is None or state.errcode:
            return False
        now = state.fields.get("service_state")
        # Waiting for a person, or with one: that is the house's own choice and not ours to undo.
        if now in _SERVED_BY_PEOPLE:
            return False
        if now == SERVED_BY_ASSISTANT:
            return True
        moved = await self.post(f"{KF}/service_state/trans", {**about, "service_state": SERVED_BY_ASSISTANT})
        return moved is not None and not moved.errcode

    async def _fetch_token(self, force: bool) -> Token:
        params = {"corpid": self._settings.corp_id, "corpsecret": self._settings.secret.reveal()}
        answer = await self._http.get(f"{self._settings.api_base}/cgi-bin/gettoken", params=params)
        return read_token(answer, self._clock.now(), BAD_SECRET)
