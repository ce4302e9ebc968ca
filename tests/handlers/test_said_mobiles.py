"""A mobile in a text: found however it is typed, hidden where others read, never guessed from other digits."""

import pytest

from handlers.said_mobiles import hide_mobiles, may_hold_mobile, said_mobile


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
