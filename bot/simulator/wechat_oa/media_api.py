"""Temporary media: uploaded for three days, given back as bytes or as a JSON error in HTTP 200."""

import secrets
from dataclasses import dataclass

from bot.simulator.calls import Answer, Call, Handler, errcode
from bot.simulator.records import Json
from bot.simulator.wechat_oa.state import WeChatState

KEPT_SECONDS = 3 * 86_400.0
ARTICLE_IMAGE_BYTES = 2**20
MEDIA_TYPES = {"image": "image", "voice": "audio", "video": "video", "thumb": "image"}
MAX_BYTES = {"image": 10 * 2**20, "voice": 2 * 2**20, "video": 10 * 2**20, "thumb": 64 * 2**10}


@dataclass(frozen=True, slots=True)
class Media:
    """One kept file."""

    data: bytes
    content_type: str
    ends_at: float


class MediaApi:
    """The calls under /cgi-bin/media."""

    def __init__(self, state: WeChatState) -> None:
        self._state = state
        self._kept: dict[str, Media] = {}

    def routes(self) -> dict[str, Handler]:
        """Name the paths."""
        return {
            "/cgi-bin/media/upload": self.upload,
            "/cgi-bin/media/get": self.download,
            "/cgi-bin/media/uploadimg": self.upload_article_image,
        }

    def knows(self, media_id: str) -> bool:
        """Tell whether a file is still kept."""
        media = self._kept.get(media_id)
        return media is not None and media.ends_at > self._state.clock.seconds()

    def keep(self, data: bytes, content_type: str = "image/jpeg") -> str:
        """Keep a file as one that a person sent; gives its media id."""
        media_id = f"SIM{secrets.token_urlsafe(40)}"
        self._kept[media_id] = Media(data, content_type, self._state.clock.seconds() + KEPT_SECONDS)
        return media_id

    def upload(self, call: Call) -> Json:
        """Keep a file of the form field `media`."""
        self._state.admit(call)
        kind, upload = call.query.get("type", ""), call.uploads.get("media")
        if kind not in MAX_BYTES:
            raise errcode(40004, "invalid media type rid: simulated")
        if upload is None:
            raise errcode(41005, "media data missing rid: simulated")
        if not 0 < len(upload.data) <= MAX_BYTES[kind]:
            raise errcode(40006, "invalid media size rid: simulated")
        if upload.content_type.partition("/")[0] != MEDIA_TYPES[kind]:
            raise errcode(40005, "invalid file type rid: simulated")
        name = "thumb_media_id" if kind == "thumb" else "media_id"
        media_id = self.keep(upload.data, upload.content_type)
        return {"type": kind, name: media_id, "created_at": int(self._state.clock.seconds())}

    def upload_article_image(self, call: Call) -> Json:
        """Keep a picture for articles; gives its address."""
        self._state.admit(call)
        upload = call.uploads.get("media")
        if upload is None:
            raise errcode(41005, "media data missing rid: simulated")
        if upload.content_type not in ("image/jpeg", "image/png"):
            raise errcode(40005, "invalid file type rid: simulated")
        if not 0 < len(upload.data) <= ARTICLE_IMAGE_BYTES:
            raise errcode(40009, "invalid image size rid: simulated")
        return {"url": f"http://mmbiz.qpic.cn/simulated/{secrets.token_urlsafe(16)}/0"}

    def download(self, call: Call) -> Answer:
        """Give a file back."""
        self._state.admit(call)
        media = self._kept.get(call.query.get("media_id", ""))
        if media is None or not self.knows(call.query.get("media_id", "")):
            raise errcode(40007, "invalid media_id rid: simulated")
        return Answer(data=media.data, content_type=media.content_type)
