"""Cutting a text."""

from hypothesis import given
from hypothesis import strategies as st

from bot.cutting import cut_text, drop_control


@given(st.text(), st.integers(0, 50))
def test_a_cut_text_fits_and_begins_like_the_whole(text: str, limit: int) -> None:
    cut = cut_text(text, limit)
    assert len(cut.encode("utf-8", "replace")) <= limit
    assert drop_control(text).startswith(cut)


def test_control_characters_go_and_line_ends_stay() -> None:
    assert drop_control("a\x08b\x1fc\r\n\t\x00") == "abc\r\n\t"


def test_nothing_is_cut_within_a_character() -> None:
    assert cut_text("长长", 5) == "长"
    assert cut_text("😀", 3) == ""
