"""Where the platform may send us to."""

import pytest

from bot.channels.dingtalk.hosts import find_media_url, find_stream_url
from tests.bot.channels.dingtalk.made import make_settings

REAL = make_settings()
LOCAL = make_settings(api_base="http://127.0.0.1:9000", session_hosts=("http://127.0.0.1:9001",))


@pytest.mark.parametrize(
    "address",
    [
        "wss://wss-open-connection.dingtalk.com:443/connect",
        "wss://wss-open-connection-union.dingtalk.com/connect",
        "wss://API.dingtalk.com/x",
    ],
)
def test_the_platforms_own_hosts_are_connected_to(address: str) -> None:
    assert find_stream_url(address, REAL) is not None


@pytest.mark.parametrize(
    "address",
    [
        "ws://wss-open-connection.dingtalk.com/connect",
        "wss://wss-open-connection.dingtalk.com:8443/connect",
        "wss://dingtalk.com.evil.example/connect",
        "wss://evildingtalk.com/connect",
        "wss://user@api.dingtalk.com/connect",
        "wss://169.254.169.254/latest",
        "ws://127.0.0.1:9000/connect",
        "wss://[/connect",
        "https://api.dingtalk.com/connect",
        "",
        None,
        5,
        "wss://a.dingtalk.com/" + "x" * 5000,
    ],
)
def test_everything_else_is_not(address: object) -> None:
    assert find_stream_url(address, REAL) is None


def test_an_exact_origin_of_the_settings_may_be_plain() -> None:
    assert find_stream_url("ws://127.0.0.1:9000/connect", LOCAL) is not None
    assert find_stream_url("ws://127.0.0.1:9001/connect", LOCAL) is not None
    assert find_stream_url("ws://127.0.0.1:9002/connect", LOCAL) is None
    assert find_stream_url("ws://localhost:9000/connect", LOCAL) is None


def test_files_come_from_the_platform_and_its_store() -> None:
    assert find_media_url("https://static.dingtalk.com/f?x=1", REAL) is not None
    assert find_media_url("https://zjk-ding.oss-cn-zhangjiakou.aliyuncs.com/f", REAL) is not None
    assert find_media_url("http://static.dingtalk.com/f", REAL) is None
    assert find_media_url("https://example.com/f", REAL) is None
    assert find_media_url("http://127.0.0.1:9000/f", LOCAL) is not None
