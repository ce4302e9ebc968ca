"""Amounts and phone numbers written in every way people write them come back as what they were."""

from datetime import datetime
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from crm_core.clock import SHANGHAI
from handlers.understanding.parse import parse

NOW = datetime(2026, 11, 25, 10, 0, tzinfo=SHANGHAI)
SIGNS = "零一二三四五六七八九"
UNITS = ("", "十", "百", "千")


def below_ten_thousand(number: int) -> str:
    """Write a number from 1 to 9999 in Chinese signs: 2080 is 两千零八十."""
    words, zero = "", False
    for place in range(3, -1, -1):
        digit = number // 10**place % 10
        if not digit:
            zero = bool(words)
            continue
        sign = "两" if digit == 2 and place >= 2 else SIGNS[digit]
        words += ("零" if zero else "") + ("" if sign == "一" and place == 1 and not words else sign) + UNITS[place]
        zero = False
    return words


def in_chinese(number: int) -> str:
    high, low = divmod(number, 10_000)
    if not high:
        return below_ten_thousand(number)
    gap = "零" if low and low < 1000 else ""
    return below_ten_thousand(high) + "万" + gap + (below_ten_thousand(low) if low else "")


def paid(words: str) -> Decimal | None:
    found = parse(f"张伟回款{words}", NOW, ["张伟"]).slots.get("amount")
    return Decimal(str(found)) if found else None


@given(st.integers(min_value=10, max_value=99_999_999))
@settings(max_examples=300, deadline=None)
def test_amounts_in_signs_and_figures(number):
    for words in (f"{number}元", f"¥{number:,}", f"{number}块", f"{number}.00元", f"{in_chinese(number)}元"):
        assert paid(words) == number, words


@given(st.integers(min_value=1, max_value=9999), st.sampled_from(["", "5", "25"]))
@settings(max_examples=200, deadline=None)
def test_amounts_in_ten_thousands(whole, part):
    said = f"{whole}.{part}" if part else str(whole)
    expected = Decimal(said) * 10_000
    for words in (f"{said}万", f"{said}w", f"{said} 万元", f"{said}W"):
        assert paid(words) == expected, words


WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
SPOKEN = str.maketrans("0123456789", SIGNS)


@given(st.integers(min_value=3, max_value=9), st.integers(min_value=0, max_value=999_999_999))
@settings(max_examples=300, deadline=None)
def test_mobile_numbers_in_every_grouping(second, rest):
    number = f"1{second}{rest:09}"
    first, middle, last = number[:3], number[3:7], number[7:]
    ways = [
        number,
        f"{first} {middle} {last}",
        f"{first}-{middle}-{last}",
        f"+86{number}",
        f"+86 {first}-{middle}-{last}",
        f"0086{number}",
    ]
    ways += [number.translate(WIDE), number.translate(SPOKEN)]
    for way in ways:
        assert parse(f"新线索 王小明 电话{way} 展会", NOW, []).slots.get("phone") == number, way


@given(
    st.sampled_from(["010", "021", "0571", "0755", "025"]),
    st.integers(min_value=2, max_value=8),
    st.integers(min_value=0, max_value=9_999_999),
)
@settings(max_examples=150, deadline=None)
def test_landlines(area, head, rest):
    number = f"{head}{rest:07}"
    for way in (
        f"{area}-{number}",
        f"{area} {number}",
        f"({area}){number}",
        f"{area} {number[:4]} {number[4:]}",
        f"{area}{number}",
    ):
        assert parse(f"新线索 王小明 座机{way} 官网", NOW, []).slots.get("phone") == f"{area}-{number}", way
