"""Calls about files: temporary media, and pictures for articles.

Source: protocols.md section 3.4, media.
"""

import secrets

from bot.simulator.calls import Answer, Call, Handler, errcode
from bot.simulator.records import Json
from bot.simulator.wecom.state import OK, PREFIX, WeComState


class MediaApi:
    """The calls under /cgi-bin/media."""

    def __init__(self, state: WeComState) -> None:
        self._state = state

    def routes(self) -> dict[str, Handler]:
        """Name the paths."""
        return {
            f"{PREFIX}/media/upload": self.upload,
            f"{PREFIX}/media/uploadimg": self.upload_picture,
            f"{PREFIX}/media/get": self.download,
        }

    def upload(self, call: Call) -> Json:
        """Keep the file of a form; the platform wants it under the name `media`."""
        self._state.admit(call)
        kind, upload = call.query.get("type", ""), call.uploads.get("media")
        media_id = self._state.media.keep_upload(kind, upload)
        return {**OK, "type": kind, "media_id": media_id, "created_at": str(int(self._state.clock.seconds()))}

    def upload_picture(self, call: Call) -> Json:
        """Keep a picture for good; gives an address for articles."""
        self._state.admit(call)
        upload = call.uploads.get("media")
        if upload is None or not upload.data:
            raise errcode(44001, "empty media data, hint: [simulated]")
        return {**OK, "url": f"http://p.qpic.cn/pic_wework/{secrets.token_hex(16)}/0"}

    def download(self, call: Call) -> Answer:
        """Give a file back; errors come as JSON in HTTP 200."""
        self._state.admit(call)
        media = self._state.media.find(call.query.get("media_id"))
        return Answer(data=media.data, content_type=media.content_type)
