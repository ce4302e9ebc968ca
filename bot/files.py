"""Files in chat: fetched by the channel's own download call and no other address, and brought up for its messages."""

from collections.abc import Mapping
from typing import Any

import structlog

from bot.channel import Channel
from crm_core.files import FileNotFetched

log = structlog.get_logger(__name__)


class ChannelFiles:
    """The port `crm_core.files.Files` over the configured channels."""

    def __init__(self, channels: Mapping[str, Channel]) -> None:
        self._channels = channels

    async def fetch(self, channel: str, data: Mapping[str, object], most_bytes: int) -> bytes:
        """Fetch the file a message's data name. Raises: FileNotFetched."""
        download: Any = getattr(self._channels.get(channel), "fetch_file", None)
        if download is None:
            raise FileNotFetched
        content: bytes | None = await download(data, most_bytes)
        if content is None:
            log.warning("file_not_fetched", channel=channel)
            raise FileNotFetched
        return content

    async def give(self, channel: str, name: str, content: bytes) -> str:
        """Bring a file up to the platform; "" where its messages show none, or it would not take this one."""
        upload: Any = getattr(self._channels.get(channel), "give_file", None)
        media_id: str = await upload(name, content) if upload is not None else ""
        if upload is not None and not media_id:
            log.warning("file_not_given", channel=channel)
        return media_id
