"""Numbers in Chinese and Arabic signs."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.understanding.numerals import read_number, read_small


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("十", 10),
        ("十二", 12),
        ("二十", 20),
        ("两百八", 280),
        ("两千八", 2800),
        ("两千零八", 2008),
        ("一百二十八", 128),
        ("十二万五", 125000),
        ("一万二", 12000),
        ("一万零五百", 10500),
        ("一亿二千万", 120000000),
        ("八万八", 88000),
        ("3,500", 3500),
        ("12.5", Decimal("12.5")),
        ("三点五", Decimal("3.5")),
        ("二零二六", 2026),
        ("零", 0),
    ],
)
def test_numbers(said, value):
    assert read_number(said) == value


@pytest.mark.parametrize("said", ["", "几", "万万万x", "一一十", "十百", "1.2.3", "九" * 40])
def test_what_is_no_number(said):
    assert read_number(said) is None


@pytest.mark.parametrize(("said", "value"), [("廿三", 23), ("廿", 20), ("卅", 30), ("08", 8), ("两", 2), ("3.5", None)])
def test_small_numbers(said, value):
    assert read_small(said) == value


@given(st.text(alphabet="零一二三四五六七八九十百千万亿点0123456789.,廿", max_size=30))
@settings(deadline=None)
def test_any_signs_are_read_without_error(text):
    read_number(text)
    read_small(text)
