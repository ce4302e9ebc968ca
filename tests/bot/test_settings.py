"""The settings of the edge and what can be wrong with them."""

from datetime import timedelta

import pytest

from bot.secret import Secret
from bot.settings import DeliverySettings, LogSettings, RedisSettings, ServerSettings, is_loopback, is_network
from bot.settings_values import Size


def test_the_defaults_are_right() -> None:
    for settings in (ServerSettings(), DeliverySettings(), RedisSettings()):
        assert settings.problems() == []


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        (ServerSettings(host=""), "host"),
        (ServerSettings(port=65536), "port"),
        (ServerSettings(public_url="crm.example.cn"), "public_url"),
        (ServerSettings(trusted_proxies=("10.0.0.0/99",)), "trusted_proxies"),
        (ServerSettings(metrics_from=("moon",)), "metrics_from"),
        (DeliverySettings(concurrency=0), "concurrency"),
        (DeliverySettings(lease=timedelta()), "lease"),
        (DeliverySettings(drain_timeout=timedelta(seconds=9)), "drain_timeout"),
        (LogSettings(size=Size(1000)), "size"),
        (LogSettings(count=0), "count"),
        (RedisSettings("http://localhost"), "url"),
        (RedisSettings("redis://"), "url"),
        (RedisSettings("redis://h:port"), "url"),
        (RedisSettings("redis://h/one"), "url"),
        (RedisSettings("unix://"), "url"),
        (RedisSettings(password=Secret("x")), "password"),
    ],
)
def test_what_cannot_be(settings: ServerSettings | DeliverySettings | LogSettings | RedisSettings, key: str) -> None:
    assert [name for name, _ in settings.problems()] == [key]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "redis://localhost",
        "redis://:word@10.0.0.5:6380/3",
        "rediss://user:word@cache.example.cn",
        "unix:///run/redis.sock?db=1",
    ],
)
def test_addresses_of_redis(url: str) -> None:
    assert RedisSettings(url).problems() == []


def test_addresses_and_networks() -> None:
    assert is_network("10.0.0.1")
    assert is_network("fe80::/10")
    assert not is_network("")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost:1", True),
        ("http://[::1]/", True),
        ("https://127.9.9.9", True),
        ("https://10.0.0.1", False),
        ("", False),
        ("http://[", False),
    ],
)
def test_what_is_this_machine(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected
