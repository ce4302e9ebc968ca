"""Files people send in chat, and are sent: the port through which the edge brings them, and what is said when it cannot."""

from collections.abc import Mapping
from typing import Protocol

from crm_core.errors import Conflict


class FileNotFetched(Conflict):
    """The platform keeps files for a while only, or did not give it."""

    code = "file.not_fetched"
    text = "文件取不到（可能已过期或太大），请重新发送，或用接口上传"


class Files(Protocol):
    """Where files of a message are fetched; implemented in `bot/files.py`."""

    async def fetch(self, channel: str, data: Mapping[str, object], most_bytes: int) -> bytes:
        """Fetch the file a message's data name. Raises: FileNotFetched."""

    async def give(self, channel: str, name: str, content: bytes) -> str:
        """Bring a file to where messages of a channel can show it; gives its media id, or "" where none can."""


class NoFiles:
    """Where there are no channels, as on the command line."""

    async def fetch(self, channel: str, data: Mapping[str, object], most_bytes: int) -> bytes:
        """Fetch nothing. Raises: FileNotFetched."""
        raise FileNotFetched

    async def give(self, channel: str, name: str, content: bytes) -> str:
        """Bring nothing."""
        return ""
