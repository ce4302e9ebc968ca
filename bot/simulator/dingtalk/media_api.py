"""Files of DingTalk: media the product uploads, and files people sent, behind addresses that live for a short time.

Source: protocols.md sections 4.2 and 4.5.
"""

import secrets

from bot.simulator.calls import Answer, Call, Handler, code, errcode
from bot.simulator.dingtalk.state import DingTalkState
from bot.simulator.records import Json

MEGABYTE = 2**20
MEDIA_BYTES = {"image": 20 * MEGABYTE, "voice": 2 * MEGABYTE, "video": 20 * MEGABYTE, "file": 20 * MEGABYTE}
ENDINGS = {"image": ("jpg", "jpeg", "gif", "png", "bmp"), "voice": ("amr", "mp3", "wav"), "video": ("mp4",)}
FILES = "/_files"


class MediaApi:
    """The files of one application."""

    def __init__(self, state: DingTalkState) -> None:
        self._state = state
        self._links: dict[str, tuple[str, float]] = {}  # the last part of an address to download code and end

    def routes(self) -> dict[str, Handler]:
        """Name the paths that count as calls."""
        return {"/v1.0/robot/messageFiles/download": self.locate_file, "/media/upload": self.upload}

    def file_routes(self) -> dict[str, Handler]:
        """Name the paths of the file store."""
        return {f"{FILES}/*": self.give_file}

    def locate_file(self, call: Call) -> Json:
        """Turn a download code into a short-lived address."""
        state = self._state
        fields = state.read(call)
        if fields.get("robotCode") != state.app.robot_code:
            raise code("invalidParameter.robotCode.invalid", "robotCode is unknown")
        download_code = fields.get("downloadCode")
        if not isinstance(download_code, str) or download_code not in state.files:
            raise code("invalidParameter.downloadCode.invalid", "downloadCode is unknown")
        link = secrets.token_urlsafe(18)
        self._links[link] = download_code, state.clock.seconds() + state.knobs.link_seconds
        return {"downloadUrl": f"{state.base_url}{FILES}/{link}"}

    def give_file(self, call: Call) -> Answer:
        """Give the bytes behind such an address, while it lives."""
        download_code, ends_at = self._links.get(call.path.rsplit("/", 1)[1], ("", 0.0))
        if self._state.clock.seconds() >= ends_at:
            return Answer(404 if not download_code else 403, data=b"", content_type="text/plain")
        data, content_type = self._state.files[download_code]
        return Answer(data=data, content_type=content_type)

    def upload(self, call: Call) -> Json:
        """Keep a file of the form field `media`; its type stands in the form or in the address."""
        self._state.admit_old(call)
        upload, kind = call.uploads.get("media"), call.form.get("type") or call.query.get("type", "")
        if kind not in MEDIA_BYTES:
            raise errcode(40004, "不合法的媒体文件类型")
        if upload is None or not 0 < len(upload.data) <= MEDIA_BYTES[kind]:
            raise errcode(40006, "不合法的文件大小")
        if kind in ENDINGS and upload.name.rsplit(".", 1)[-1].lower() not in ENDINGS[kind]:
            raise errcode(40005, "不合法的文件类型")
        media_id = f"@{self._state.keep_file(upload.data, upload.content_type)}"
        created_at = self._state.clock.milliseconds()
        return {"errcode": 0, "errmsg": "ok", "type": kind, "media_id": media_id, "created_at": created_at}
