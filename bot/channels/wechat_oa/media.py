"""Pictures, voices and videos on the platform: checked before they go up, and not sent up twice within their 3 days."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from bot.channels.wechat_oa.api import WechatApi
from crm_core.errors import Invalid
from crm_core.ports import StateStore

_KEPT = timedelta(days=3) - timedelta(hours=1)
"""The platform keeps temporary media for 3 days; the hour is for whoever sends it last."""
_KIB, _MIB = 1024, 1024 * 1024


class MediaUnusable(Invalid):
    """The file cannot go to the platform."""

    code = "media.unusable"


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a kind of media may be: bytes at most, and content types by the first bytes of the file."""

    label: str
    max_bytes: int
    types: tuple[str, ...]


KINDS = {
    # The platform's page says 10 MB in one place and 2 MB in another: the smaller one holds in any case.
    "image": _Kind("图片", 2 * _MIB, ("image/jpeg", "image/png", "image/gif")),
    "voice": _Kind("语音", 2 * _MIB, ("audio/amr", "audio/mpeg")),
    "video": _Kind("视频", 10 * _MIB, ("video/mp4",)),
    "thumb": _Kind("缩略图", 64 * _KIB, ("image/jpeg",)),
    "article": _Kind("图文内图片", _MIB, ("image/jpeg", "image/png")),
}
"""Source: media page of the platform, protocols.md section 2.2. `article` are pictures inside articles (uploadimg)."""
_SIGNS = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF8", "image/gif"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (4, b"ftyp", "video/mp4"),
)
SUFFIXES = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "audio/amr": "amr",
    "audio/mpeg": "mp3",
    "video/mp4": "mp4",
}


def check_media(kind: str, content: bytes) -> str:
    """Give the content type of a file that may go up. Raises: MediaUnusable."""
    rule = KINDS.get(kind)
    if rule is None:
        raise MediaUnusable(field="type", reason=f"应为{'、'.join(KINDS)}")
    found = next((name for at, sign, name in _SIGNS if content[at : at + len(sign)] == sign), "")
    if found not in rule.types:
        raise MediaUnusable(field="file", reason=f"{rule.label}只能是{'、'.join(SUFFIXES[name] for name in rule.types)}")
    if len(content) > rule.max_bytes:
        limit = f"{rule.max_bytes // _MIB}MB" if rule.max_bytes >= _MIB else f"{rule.max_bytes // _KIB}KB"
        raise MediaUnusable(field="file", reason=f"{rule.label}不能超过{limit}")
    return found


class Media:
    """The media of one account. The number a file got is remembered by its content."""

    def __init__(self, name: str, api: WechatApi, state: StateStore) -> None:
        self._name = name
        self._api = api
        self._state = state

    async def upload(self, kind: str, content: bytes) -> str:
        """Give the media_id of a file, sent up unless the platform still has it; for `article` its address.

        Raises: MediaUnusable; ApiRefused, TokenError, NotSent, Unanswered.
        """
        content_type = check_media(kind, content)
        key = f"media:{self._name}:{kind}:{hashlib.sha256(content).hexdigest()}"
        known = await self._state.get(key)
        if known is not None:
            return known
        filename = f"media.{SUFFIXES[content_type]}"
        if kind == "article":
            found = await self._api.upload_article_image(filename, content, content_type=content_type)
        else:
            found = await self._api.upload_media(kind, filename, content, content_type=content_type)
        await self._state.set(key, found, lasts=_KEPT)
        return found

    async def forget(self, kind: str, content: bytes) -> None:
        """Forget the number of a file that the platform no longer knows."""
        await self._state.delete(f"media:{self._name}:{kind}:{hashlib.sha256(content).hexdigest()}")
