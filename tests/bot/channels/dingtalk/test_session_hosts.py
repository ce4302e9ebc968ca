"""Which reply addresses may be called."""

import pytest

from bot.channels.dingtalk.session_hosts import find_session_url

HOSTS = ("oapi.dingtalk.com", "api.dingtalk.com")


@pytest.mark.parametrize(
    "address",
    [
        "https://oapi.dingtalk.com/robot/sendBySession?session=a%2Bb",
        "https://api.dingtalk.com:443/x",
        "https://OAPI.dingtalk.com/x",
    ],
)
def test_an_address_on_the_list_may_be_called(address: str) -> None:
    assert find_session_url(address, HOSTS) is not None


@pytest.mark.parametrize(
    "address",
    [
        "http://oapi.dingtalk.com/x",
        "https://oapi.dingtalk.com:8443/x",
        "https://oapi.dingtalk.com.evil.example/x",
        "https://evil.example/oapi.dingtalk.com",
        "https://oapi.dingtalk.com@evil.example/x",
        "https://user@oapi.dingtalk.com/x",
        "https://user:p@oapi.dingtalk.com/x",
        "https://:@oapi.dingtalk.com/x",
        "https://oapi.dingtalk.com\\@evil.example/x",
        "https://evil.example#@oapi.dingtalk.com/x",
        "https://evil.example?@oapi.dingtalk.com/x",
        "https://xoapi.dingtalk.com/x",
        "https://oapi.dingtalk.com./x",
        "http://169.254.169.254/latest/meta-data",
        "https://[::1]/x",
        "https://127.0.0.1/x",
        "//oapi.dingtalk.com/x",
        "file:///etc/passwd",
        "https://oapi.dingtalk.com:x/",
        "https://oapi.dingtalk.com:99999/",
        "",
        "   ",
        None,
        5,
        ["https://oapi.dingtalk.com/x"],
    ],
)
def test_no_other_address_may_be_called(address: object) -> None:
    url = find_session_url(address, HOSTS)
    # A parser that reads an odd spelling as a host of the list calls that host too, which is what counts.
    assert url is None or (url.scheme, url.host, url.port) == ("https", "oapi.dingtalk.com", 443)
    assert url is None or address == "https://oapi.dingtalk.com\\@evil.example/x"


def test_an_entry_with_a_scheme_is_that_exact_origin() -> None:
    hosts = ("http://127.0.0.1:9000",)
    assert find_session_url("http://127.0.0.1:9000/x", hosts) is not None
    for address in (
        "http://127.0.0.1:9001/x",
        "https://127.0.0.1:9000/x",
        "http://localhost:9000/x",
        "http://a@127.0.0.1:9000/x",
    ):
        assert find_session_url(address, hosts) is None
