"""Fields of a document, in XML's and JSON's form."""

from datetime import UTC, datetime

import pytest

from bot.channel import BadRequest
from bot.document_fields import besides, instant, listed, nested, number, text, texts, whole


def test_texts_and_numbers_are_the_same_in_both_forms() -> None:
    assert [text({"A": value}, "A") for value in ("5", 5)] == ["5", "5"]
    assert [whole({"A": value}, "A") for value in (" 5 ", 5, "-5", "")] == [5, 5, -5, 0]
    assert [number({"A": value}, "A") for value in ("31.230416", 31.230416, "16", 16)] == [31.230416, 31.230416, 16, 16]
    assert (text({}, "A"), whole({}, "A"), number({}, "A"), nested({}, "A"), listed({}, "A")) == ("", 0, 0, {}, [])


def test_one_of_a_list_is_a_list() -> None:
    assert listed({"A": {"B": "1"}}, "A") == [{"B": "1"}]
    assert listed({"A": [{"B": "1"}, {"B": "2"}]}, "A") == [{"B": "1"}, {"B": "2"}]
    assert listed({"A": ""}, "A") == []
    assert nested({"A": ""}, "A") == {}


@pytest.mark.parametrize("value", [{"B": "1"}, ["1"], True])
def test_a_nested_or_repeated_field_is_no_text(value: object) -> None:
    with pytest.raises(BadRequest):
        text({"A": value}, "A")


@pytest.mark.parametrize("value", ["", None, {"B": "1"}])
def test_a_needed_field_must_be_there(value: object) -> None:
    with pytest.raises(BadRequest):
        text({"A": value}, "A", needed=True)
    with pytest.raises(BadRequest):
        whole({"A": value}, "A", needed=True)


@pytest.mark.parametrize("value", ["abc", "1e5", "٣", "9" * 21, "--1"])
def test_odd_numbers_are_refused(value: str) -> None:
    with pytest.raises(BadRequest):
        whole({"A": value}, "A")


@pytest.mark.parametrize("value", ["abc", "inf", "nan", "9" * 41])
def test_odd_fractions_are_refused(value: str) -> None:
    with pytest.raises(BadRequest):
        number({"A": value}, "A")


@pytest.mark.parametrize("value", ["x", ["x"], [{"B": "1"}, "x"]])
def test_plain_values_are_no_nest(value: object) -> None:
    with pytest.raises(BadRequest):
        listed({"A": value}, "A")
    with pytest.raises(BadRequest):
        nested({"A": value}, "A")


def test_plain_texts_may_repeat() -> None:
    assert [texts({"A": value}, "A") for value in (["1", 2], "1", "", None)] == [["1", "2"], ["1"], [], []]
    with pytest.raises(BadRequest):
        texts({"A": [{"B": "1"}]}, "A")


def test_a_time_is_within_the_calendar() -> None:
    assert instant({"A": "1795161600"}, "A") == datetime(2026, 11, 20, 8, tzinfo=UTC)
    for value in ("", "-1", "253402300800"):
        with pytest.raises(BadRequest):
            instant({"A": value}, "A")


def test_besides_leaves_the_known_ones_out() -> None:
    assert besides({"ToUserName": "a", "FileKey": "k"}, {"ToUserName"}) == {"FileKey": "k"}
