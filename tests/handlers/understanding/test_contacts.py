"""Methods of contact."""

import pytest

from handlers.understanding.contacts import TOLD, find_method


@pytest.mark.parametrize(
    ("said", "method"),
    [
        ("打了个电话", "phone"),
        ("微信聊", "wechat"),
        ("钉钉上说", "dingtalk"),
        ("上门拜访", "visit"),
        ("见了一面", "meeting"),
        ("吃了个饭", "meeting"),
        ("发邮件", "email"),
        ("发了短信", "sms"),
        ("腾讯会议", "video"),
        ("zoom", "video"),
        ("call了一下", "phone"),
        ("语音", "phone"),
        ("开了个会", "meeting"),
        ("微信视频", "video"),
        ("去了他们公司", "visit"),
        ("在忙", None),
    ],
)
def test_methods(said, method):
    assert find_method(said) == method


@pytest.mark.parametrize("said", ["聊了几句", "电话打通了", "发过邮件", "微信聊的", "见了张伟", "发来邮件"])
def test_contact_that_happened(said):
    assert TOLD.search(said)


@pytest.mark.parametrize("said", ["打过去", "再聊", "把握提到九成", "了解一下", "原来的人"])
def test_no_contact_yet(said):
    assert not TOLD.search(said)
