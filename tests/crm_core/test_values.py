"""Money, phone numbers and masking."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_core.values import cut_bytes, mask_phone, normalize_mobile, normalize_phone, plain, show_phone, to_money


@pytest.mark.parametrize(
    ("typed", "stored", "shown", "masked"),
    [
        ("138 0013 8000", "+8613800138000", "13800138000", "138****8000"),
        ("+86 139-1234-5678", "+8613912345678", "13912345678", "139****5678"),
        ("１３７１２３４５６７８", "+8613712345678", "13712345678", "137****5678"),
        ("021-62881234", "+862162881234", "021-62881234", "021****1234"),
        ("0571 8765 4321", "+8657187654321", "0571-87654321", "057****4321"),
    ],
)
def test_numbers_are_stored_one_way_and_shown_as_people_write_them(typed: str, stored: str, shown: str, masked: str) -> None:
    assert normalize_phone(typed) == stored
    assert (show_phone(stored), mask_phone(stored)) == (shown, masked)


@pytest.mark.parametrize("typed", ["", "12345", "20000000000", "hello", "1380013800", "138001380000"])
def test_what_is_no_number_is_none(typed: str) -> None:
    assert normalize_phone(typed) is None


def test_fast_path_agrees_with_the_library() -> None:
    assert normalize_mobile("13800138000") == "+8613800138000"
    assert normalize_mobile("02162881234") is None


@pytest.mark.parametrize(("value", "money"), [("1.005", "1.01"), (3, "3.00"), ("0.1", "0.10"), ("-2.345", "-2.35")])
def test_money_is_rounded_half_up(value: str | int, money: str) -> None:
    assert to_money(value) == Decimal(money)


def test_no_amount_is_refused() -> None:
    with pytest.raises(ValueError, match="not an amount"):
        to_money("一百")


@given(st.text(), st.integers(3, 60))
def test_cut_text_fits_and_stays_whole(text: str, limit: int) -> None:
    text = text.encode("utf-8", "ignore").decode()
    assert len(cut_bytes(text, limit).encode()) <= limit


def test_plain_ignores_width_case_and_blanks() -> None:
    assert plain(" Ｔ d　") == "td"
