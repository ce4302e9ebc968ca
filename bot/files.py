"""Fetching the files people send, by the channel's own download call and no other address."""

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
