"""Files in chat, by the channel that has them."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from bot.files import ChannelFiles
from crm_core.files import FileNotFetched, NoFiles


async def fetch_file(data: Mapping[str, object], most_bytes: int) -> bytes | None:
    return b"x" * 3 if most_bytes > 3 and data else None


async def give_file(name: str, content: bytes) -> str:
    return f"media-{name}" if content else ""


async def test_a_file_is_fetched_and_given_where_the_channel_can() -> None:
    able: Any = SimpleNamespace(fetch_file=fetch_file, give_file=give_file)
    files = ChannelFiles({"dingtalk": able, "wechat": SimpleNamespace()})  # type: ignore[dict-item]
    assert await files.fetch("dingtalk", {"download_code": "c"}, 10) == b"xxx"
    assert await files.give("dingtalk", "a.xlsx", b"x") == "media-a.xlsx"
    for channel, data in (("dingtalk", {}), ("wechat", {"x": 1}), ("none", {"x": 1})):
        with pytest.raises(FileNotFetched):
            await files.fetch(channel, data, 10)
    assert [await files.give(channel, "a", b"") for channel in ("dingtalk", "wechat", "none")] == [""] * 3


async def test_without_channels_there_are_none() -> None:
    assert await NoFiles().give("dingtalk", "a", b"x") == ""
    with pytest.raises(FileNotFetched):
        await NoFiles().fetch("dingtalk", {}, 1)
