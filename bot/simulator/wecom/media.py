"""Temporary media of the corporation: shared by its applications, kept for three days."""

import secrets
from dataclasses import dataclass

from bot.simulator.calls import Upload, errcode
from bot.simulator.clock import SimClock

KEPT_SECONDS = 3 * 86_400.0
LEAST_BYTES = 5  # a file has to have more
MAX_BYTES = {"image": 10 * 2**20, "voice": 2 * 2**20, "video": 10 * 2**20, "file": 20 * 2**20}
OPENINGS = {"image": (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"), "voice": (b"#!AMR",)}  # what the files of a type begin with


@dataclass(frozen=True, slots=True)
class Media:
    """One kept file."""

    kind: str
    name: str
    data: bytes
    content_type: str
    ends_at: float


class MediaStore:
    """Files by media id."""

    def __init__(self, clock: SimClock) -> None:
        self._clock = clock
        self._kept: dict[str, Media] = {}

    def keep(self, kind: str, data: bytes, content_type: str, name: str = "file") -> str:
        """Keep a file; gives its media id."""
        media_id = f"3SIM{secrets.token_urlsafe(44)}"
        self._kept[media_id] = Media(kind, name, data, content_type, self._clock.seconds() + KEPT_SECONDS)
        return media_id

    def keep_upload(self, kind: str, upload: Upload | None, kinds: tuple[str, ...] = tuple(MAX_BYTES)) -> str:
        """Check an uploaded file and keep it."""
        if kind not in kinds:
            raise errcode(40004, "invalid media type, hint: [simulated]")
        if upload is None or not upload.data:
            raise errcode(44001, "empty media data, hint: [simulated]")
        if len(upload.data) <= LEAST_BYTES:
            raise errcode(40006, "invalid media size, hint: [simulated]")
        if len(upload.data) > MAX_BYTES[kind]:
            raise errcode(45001, "media size out of limit, hint: [simulated]")
        openings = OPENINGS.get(kind)
        if openings is not None and not upload.data.startswith(openings):
            raise errcode(301017 if kind == "voice" else 40123, f"not a {kind} file, hint: [simulated]")
        return self.keep(kind, upload.data, upload.content_type, upload.name)

    def find(self, media_id: object) -> Media:
        """Find a file that is still kept, or refuse."""
        media = self._kept.get(str(media_id))
        if media is None or media.ends_at <= self._clock.seconds():
            raise errcode(40007, "invalid media_id, hint: [simulated]")
        return media

    def has(self, media_id: object) -> bool:
        """Tell whether a file is still kept."""
        media = self._kept.get(str(media_id))
        return media is not None and media.ends_at > self._clock.seconds()
