"""A mobile in a text: found however it is typed, hidden where others read, never guessed from other digits."""

import pytest

from crm_core.said_mobiles import hide_marks, hide_mobiles, hide_said, may_hold_mobile, said_mobile


@pytest.mark.parametrize(
    "text", ["13912345678", "+86 139 1234 5678", "电话139-1234-5678。", "１３９１２３４５６７８", "8613912345678"]
)
def test_mobile_is_found(text: str) -> None:
    assert may_hold_mobile(text)
    assert said_mobile(text) == "+8613912345678"
    assert "139****5678" in hide_mobiles(text)


@pytest.mark.parametrize("text", ["1391234567", "139123456789", "11912345678", "订单 20261125139123456", "12:30 到 13:30"])
def test_other_digits_are_none(text: str) -> None:
    assert said_mobile(text) is None
    assert hide_mobiles(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "卡号 6222 0200 1381 2345 678",
        "6222-0200-1381-2345-678",
        "6222 0200  1381 2345 678",
        "身份证 110101 199003 07123 4",
        "110101 19900307 123X",
        "13812345678 9012 345",
    ],
)
def test_part_of_a_longer_number_is_not_stored(text: str) -> None:
    assert said_mobile(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "008613912345678",
        "0086 139 1234 5678",
        "139  1234  5678",
        "139.1234.5678",
        "139–1234–5678",
        "139 — 1234 — 5678",
        "139_1234_5678",
        "＋86.139.1234.5678",
        "013912345678",
        "2026 13912345678",
        "李姐13912345678",
    ],
)
def test_mobile_is_hidden_however_it_is_typed(text: str) -> None:
    hidden = hide_mobiles(text)
    assert "139****5678" in hidden
    assert "1234" not in hidden


def test_number_with_the_long_prefix_is_stored() -> None:
    assert said_mobile("打 008613912345678 找我") == "+8613912345678"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("电话13800138000，微信zw123", "电话138****8000，微信z***"),
        ("加微信号：Zw_123 吧", "加微信号：Z*** 吧"),
        ("vx zw12345，QQ 123456", "vx z***，QQ 1***"),
        ("写信到a.b@example.cn，座机010-66668888", "写信到a***，座机010****88"),
        ("他叫weixin_of_z", "他叫w***"),
        ("预算50000，要20台mqtt网关", "预算50000，要20台mqtt网关"),
    ],
)
def test_whatever_somebody_is_reached_by_is_hidden(text: str, hidden: str) -> None:
    assert hide_marks(text, ("weixin_of_z", None)) == hidden


def test_our_own_examples_may_be_read_by_all() -> None:
    said = "张伟 136 7799 1122，例如：新线索 张伟 13800138000"
    assert hide_said(said) == "张伟 136****1122，例如：新线索 张伟 13800138000"
