"""Files at the platform (临时素材): kept for 3 days, shared between the applications of a corporation."""

from bot.channels.wecom.calls import ApiRefused, Calls
from bot.httpclient import Answer, Upload
from bot.platform_result import read_result
from crm_core.errors import Invalid

LIMITS = {"image": 10 << 20, "voice": 2 << 20, "video": 10 << 20, "file": 20 << 20}
"""Bytes of a file at most. Source: media page of the platform, protocols.md section 3.4."""
LEAST_BYTES = 5
_MAX_BYTES = 20 << 20


class Media:
    """Uploads and downloads of one application. Each call raises ApiRefused, TokenError, NotSent or Unanswered."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def upload(self, kind: str, filename: str, content: bytes, *, content_type: str) -> str:
        """Keep a file at the platform; gives its media_id. Raises: Invalid for one it would not take."""
        if not LEAST_BYTES < len(content) <= LIMITS[kind]:
            raise Invalid(field="file", reason=f"大小应在 {LEAST_BYTES + 1} 字节到 {LIMITS[kind] >> 20} MB 之间")
        upload = Upload("media", filename, content, content_type)
        result = read_result(await self._calls.request("post", "media/upload", params={"type": kind}, upload=upload))
        if result is None or result.errcode:
            raise ApiRefused("media/upload", result.errcode if result else None)
        return str(result.fields.get("media_id") or "")

    async def download(self, media_id: str) -> Answer:
        """Fetch a file somebody sent; an error comes as JSON with status 200 where the file should be."""
        answer = await self._calls.request("get", "media/get", params={"media_id": media_id}, max_bytes=_MAX_BYTES)
        is_word = "json" in answer.content_type or "text" in answer.content_type
        result = read_result(answer) if is_word else None
        if result is not None or answer.status != 200:
            raise ApiRefused("media/get", result.errcode if result else None)
        return answer
