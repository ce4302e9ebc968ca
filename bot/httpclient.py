"""The only way out over HTTP: time limits always, no redirects, no token in an error, and what became of a call.

A call ends in one of three ways, because a send may be repeated after one of them only:
an `Answer` (whatever its status), `NotSent` (it provably did not reach the platform), `Unanswered` (it may have).
"""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

import aiohttp
import msgspec
from yarl import URL

CONNECT_WITHIN = timedelta(seconds=3)
ANSWER_WITHIN = timedelta(seconds=10)
_KEEPALIVE_SECONDS = 10.0
"""Shorter than the platforms': writing into a connection they just closed would leave an unknown outcome."""
_CONNECTIONS = 100
_CONNECTIONS_PER_HOST = 50
MAX_ANSWER_BYTES = 4 * 1024 * 1024
_SECRET_PARAMETER = re.compile(
    r"(?i)\b((?:access_?token|app_?secret|corp_?secret|client_?secret|secret|session|sign|ticket|key)[\"']?\s*[=:]\s*[\"']?)"
    r"[^&\s\"',}]+"
)


class HttpError(Exception):
    """A call without an answer; its text holds the method, host and path, never the query."""


class NotSent(HttpError):
    """The platform provably never saw the call: no name, no connection."""


class Unanswered(HttpError):
    """The call was given to the network and no whole answer came: it may have taken effect."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a platform answered."""

    status: int
    body: bytes
    content_type: str = ""
    _read: "list[dict[str, Any] | None]" = field(default_factory=list, repr=False, compare=False)
    """What `json` found, because the token's keeper and the sender both look."""

    def json(self) -> dict[str, Any] | None:
        """Give the JSON object of the body, or None for anything else (HTML of a proxy, nothing, a list)."""
        if not self._read:
            self._read.append(_read_object(self.body))
        return self._read[0]


# Not strict: nicknames hold control characters.
_decode = json.JSONDecoder(strict=False).decode
_encode = msgspec.json.Encoder().encode


def _read_object(body: bytes) -> dict[str, Any] | None:
    try:
        # Read as UTF-8 whatever the header says.
        value = _decode(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


@dataclass(frozen=True, slots=True)
class Upload:
    """A file for a multipart call."""

    field: str
    filename: str
    content: bytes
    content_type: str = "application/octet-stream"
    fields: tuple[tuple[str, str], ...] = ()
    """Plain fields beside the file."""


def redact(text: str) -> str:
    """Blank the values of tokens, secrets and signs in a text that may hold an address or a body."""
    return _SECRET_PARAMETER.sub(r"\1***", text)


def encode_json(value: object) -> bytes:
    """Write compact JSON in raw UTF-8: WeChat shows escapes to people or refuses them (40033, 47002)."""
    try:
        return _encode(value)
    except UnicodeEncodeError:  # half a character: written as "?"
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


@lru_cache(maxsize=256)
def _address(url: URL, params: tuple[tuple[str, str], ...]) -> URL:
    """Put the parameters into an address; remembered, because every send has the same ones."""
    return url.update_query(params)


class HttpClient:
    """One session for the whole process; made at start, closed at stop."""

    def __init__(self, *, connect_within: timedelta = CONNECT_WITHIN, answer_within: timedelta = ANSWER_WITHIN) -> None:
        self._connect_within = connect_within
        self._usual_limits = aiohttp.ClientTimeout(total=answer_within.total_seconds(), connect=connect_within.total_seconds())
        self._session: aiohttp.ClientSession | None = None
        self._sockets: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "HttpClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection; the client may be used again."""
        sessions = (self._session, self._sockets)
        self._session = self._sockets = None
        for session in sessions:
            if session is not None:
                await session.close()

    async def get(
        self,
        url: str | URL,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        max_bytes: int = MAX_ANSWER_BYTES,
    ) -> Answer:
        """Fetch.

        Raises: NotSent; Unanswered.
        """
        return await self._request("GET", URL(url), params=params, headers=headers, max_bytes=max_bytes)

    async def post(
        self,
        url: str | URL,
        body: object = None,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        upload: Upload | None = None,
        within: timedelta | None = None,
    ) -> Answer:
        """Send a JSON body, or a file.

        Raises: NotSent; Unanswered.
        """
        data: bytes | aiohttp.FormData
        sent = dict(headers or {})
        if upload is not None:
            # Names as they are: the platforms show one in percent signs to people.
            data = aiohttp.FormData(quote_fields=False)
            for name, value in upload.fields:
                data.add_field(name, value)
            data.add_field(upload.field, upload.content, filename=upload.filename, content_type=upload.content_type)
        else:
            data = encode_json(body)
            sent["Content-Type"] = "application/json; charset=utf-8"
        return await self._request("POST", URL(url), params=params, headers=sent, data=data, within=within)

    async def put(self, url: str | URL, body: object, *, headers: Mapping[str, str] | None = None) -> Answer:
        """Replace something by a JSON body.

        Raises: NotSent; Unanswered.
        """
        sent = {**(headers or {}), "Content-Type": "application/json; charset=utf-8"}
        return await self._request("PUT", URL(url), params=None, headers=sent, data=encode_json(body))

    async def clock_of(self, url: str | URL) -> datetime | None:
        """Tell a server's own time by its Date header, whatever it answers; None when it tells none.

        Raises: NotSent; Unanswered.
        """
        what = f"HEAD {URL(url).host}"
        try:
            async with self._open().head(url, allow_redirects=False, timeout=self._usual_limits) as response:
                told = response.headers.get("Date", "")
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise NotSent(f"{what}: {type(error).__name__}") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unanswered(f"{what}: {type(error).__name__}") from None
        try:
            return parsedate_to_datetime(told)
        except ValueError:
            return None

    async def websocket(self, url: URL, *, max_bytes: int, within: timedelta) -> aiohttp.ClientWebSocketResponse:
        """Open a WebSocket; a message over the size closes it, and nothing is compressed.

        Raises: NotSent, whatever the reason: nothing was said over it yet.
        """
        try:
            async with asyncio.timeout(within.total_seconds()):
                return await self._open_for_sockets().ws_connect(url, max_msg_size=max_bytes, autoclose=True)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise NotSent(f"WS {url.host}{url.path}: {type(error).__name__}") from None

    def _open_for_sockets(self) -> aiohttp.ClientSession:
        if self._sockets is None:
            trace = aiohttp.TraceConfig()
            trace.on_request_redirect.append(_refuse_redirect)
            # Without a limit of its own a socket that stays open would take a place of the calls.
            connector = aiohttp.TCPConnector(limit=0)
            limits = aiohttp.ClientTimeout(total=None, sock_connect=self._connect_within.total_seconds())
            self._sockets = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                timeout=limits,
                trace_configs=[trace],
            )
        return self._sockets

    async def _request(
        self,
        method: str,
        url: URL,
        *,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        data: bytes | aiohttp.FormData | None = None,
        max_bytes: int = MAX_ANSWER_BYTES,
        within: timedelta | None = None,
    ) -> Answer:
        if params:
            url = _address(url, tuple(params.items()))
        what = f"{method} {url.host}{url.path}"
        # `from None` below: the causes may carry the address, and with it a token.
        try:
            async with self._open().request(
                method, url, data=data, headers=headers, allow_redirects=False, timeout=self._limits(within)
            ) as response:
                body = await _read(response, max_bytes)
                return Answer(response.status, body, response.content_type)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise NotSent(f"{what}: {type(error).__name__}") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unanswered(f"{what}: {type(error).__name__}") from None

    def _limits(self, within: timedelta | None) -> aiohttp.ClientTimeout:
        if within is None:
            return self._usual_limits
        return aiohttp.ClientTimeout(total=within.total_seconds(), sock_connect=self._connect_within.total_seconds())

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=_CONNECTIONS, limit_per_host=_CONNECTIONS_PER_HOST, keepalive_timeout=_KEEPALIVE_SECONDS
            )
            self._session = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=True, trust_env=False
            )
        return self._session


async def _refuse_redirect(*_: object) -> None:
    # aiohttp follows redirects of a WebSocket's handshake and knows no switch against it.
    raise aiohttp.ClientError("redirect")


async def _read(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    if response.content.is_eof() and "Content-Encoding" not in response.headers:
        whole = response.content.read_nowait()  # it came in one piece, as nearly all do
        if len(whole) > max_bytes:
            raise aiohttp.ClientPayloadError("answer too large")
        return whole
    body = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > max_bytes:
            raise aiohttp.ClientPayloadError("answer too large")
    return bytes(body)
