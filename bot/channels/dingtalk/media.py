"""Files of DingTalk: brought up for sending, fetched when somebody sent one."""

from dataclasses import dataclass
from enum import StrEnum

import structlog
from yarl import URL

from bot.channels.dingtalk.api import Api
from bot.channels.dingtalk.hosts import find_media_url
from bot.channels.dingtalk.outcomes import code_of
from bot.channels.dingtalk.settings import Settings
from bot.httpclient import HttpClient, HttpError, Upload
from bot.tokens import TokenError

log = structlog.get_logger(__name__)

_MIB = 1024 * 1024
MAX_FETCHED_BYTES = 20 * _MIB
_UPLOAD = "/media/upload"
_DOWNLOAD = "/v1.0/robot/messageFiles/download"


class MediaType(StrEnum):
    """What the platform sorts files into."""

    IMAGE = "image"
    VOICE = "voice"
    VIDEO = "video"
    FILE = "file"


_RULES: dict[MediaType, tuple[int, frozenset[str]]] = {
    MediaType.IMAGE: (20 * _MIB, frozenset({"jpg", "jpeg", "gif", "png", "bmp"})),
    MediaType.VOICE: (2 * _MIB, frozenset({"amr", "mp3", "wav"})),
    MediaType.VIDEO: (20 * _MIB, frozenset({"mp4"})),
    MediaType.FILE: (20 * _MIB, frozenset()),
}
"""Size and endings. Source: media page of the platform, read 2026-11."""


class MediaError(Exception):
    """A file that cannot go up or could not be fetched; `code` is ours or the platform's word."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file somebody sent. The platform names it without an ending."""

    content: bytes
    content_type: str


class Media:
    """Bringing and fetching files of one application."""

    def __init__(self, settings: Settings, api: Api, http: HttpClient) -> None:
        self._settings = settings
        self._api = api
        self._http = http

    async def upload(self, kind: MediaType, filename: str, content: bytes) -> str:
        """Bring a file up and give its media id. Raises: MediaError."""
        most, endings = _RULES[kind]
        if not 0 < len(content) <= most:
            raise MediaError("size")
        if endings and filename.rpartition(".")[2].lower() not in endings:
            raise MediaError("type")
        upload = Upload("media", filename, content, fields=(("type", kind.value),))
        try:
            answer = await self._api.upload(_UPLOAD, upload, params={"type": kind.value})
        except (TokenError, HttpError) as error:
            raise MediaError("unreachable") from error
        fields = answer.json() or {}
        media_id = fields.get("media_id") or fields.get("mediaId")
        code = code_of(answer)
        if code or not isinstance(media_id, str) or not media_id:
            raise MediaError(code or "unreadable_answer")
        return media_id

    async def fetch(self, download_code: str, *, max_bytes: int = MAX_FETCHED_BYTES) -> Fetched:
        """Fetch a file by the download code of a message. Raises: MediaError."""
        url = await self._short_lived(download_code)
        try:
            answer = await self._http.get(url, max_bytes=max_bytes)
        except HttpError as error:
            raise MediaError("unreachable") from error
        if answer.status != 200 or not answer.body:
            raise MediaError("gone")
        return Fetched(answer.body, answer.content_type)

    async def _short_lived(self, download_code: str) -> URL:
        payload = {"downloadCode": download_code, "robotCode": self._settings.robot}
        try:
            answer = await self._api.post(_DOWNLOAD, payload)
        except (TokenError, HttpError) as error:
            raise MediaError("unreachable") from error
        code = code_of(answer)
        if code or code is None:
            raise MediaError(code or "unreadable_answer")
        url = find_media_url((answer.json() or {}).get("downloadUrl"), self._settings)
        if url is None:
            log.warning("media_host_refused")
            raise MediaError("host")
        return url
