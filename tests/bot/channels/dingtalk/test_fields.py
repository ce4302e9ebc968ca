"""Fields of a body."""

from datetime import UTC, datetime

import pytest

from bot.channel import BadRequest
from bot.channels.dingtalk.fields import instant, nested, text, trim, whole, words

AT = datetime(2026, 11, 20, tzinfo=UTC)
MILLISECONDS = int(AT.timestamp() * 1000)


def test_numbers_and_texts_come_in_each_others_form() -> None:
    assert [text({"a": value}, "a") for value in ("5", 5, None)] == ["5", "5", ""]
    assert [whole({"a": value}, "a") for value in ("5", 5)] == [5, 5]
    assert [instant({"a": value}, "a") for value in (MILLISECONDS, str(MILLISECONDS), None)] == [AT, AT, None]
    assert nested({}, "a") == {}
    assert words({}, "a") == ""


def test_blanks_of_any_kind_are_trimmed() -> None:
    assert trim("\u2005\u00a0\u3000 你 好\u200b \u2060\n") == "你 好"


@pytest.mark.parametrize("value", [True, 1.5, [], {}])
def test_other_values_are_no_text(value: object) -> None:
    with pytest.raises(BadRequest):
        text({"a": value}, "a")


@pytest.mark.parametrize("value", [5, None, {}])
def test_words_are_nothing_but_text(value: object) -> None:
    with pytest.raises(BadRequest):
        words({"a": value}, "a")


@pytest.mark.parametrize("value", ["", "x", -1, "9" * 21, 253_402_300_800_000, "١"])
def test_odd_times_are_refused(value: object) -> None:
    with pytest.raises(BadRequest):
        instant({"a": value}, "a") if value else whole({"a": value}, "a")


def test_a_plain_value_is_no_nest() -> None:
    with pytest.raises(BadRequest):
        nested({"a": "x"}, "a")
