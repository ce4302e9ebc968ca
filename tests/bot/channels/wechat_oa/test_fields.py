"""Fields of a document, in XML's and JSON's form."""

import pytest

from bot.channel import BadRequest
from bot.channels.wechat_oa.fields import listed, nested, number, raw, text, whole


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


def test_raw_leaves_the_envelope_out() -> None:
    assert raw({"ToUserName": "a", "MsgType": "b", "FileKey": "k"}) == {"FileKey": "k"}
