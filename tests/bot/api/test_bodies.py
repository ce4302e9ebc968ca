"""Bodies into structs, with every wrong field named."""

import pytest
from msgspec import UNSET, Struct, UnsetType

from bot.api.bodies import Id, Instant, Money, Short, UnreadableBody, WrongFields, given, read_body


class Thing(Struct):
    """What a body may hold."""

    name: Short
    owner_id: Id | None = None
    at: Instant | UnsetType = UNSET
    amount: Money | UnsetType | None = UNSET


def test_what_is_given_is_told_from_what_is_not() -> None:
    body = read_body(b'{"name": "a", "amount": null}', Thing)
    assert given(body) == {"name": "a", "owner_id": None, "amount": None}


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(WrongFields) as wrong:
        read_body(b'{"owner_id": 0, "at": "2026-11-25T10:00:00", "amount": 1.5, "colour": "red"}', Thing)
    assert set(wrong.value.fields["problems"]) == {"name", "owner_id", "at", "amount", "colour"}
    assert wrong.value.sentence() == "请求的字段有误：colour、name、owner_id、at、amount"


@pytest.mark.parametrize("amount", ['"-1.00"', '"1.005"', '"1e5"', '"一万"', "100"])
def test_money_is_a_text_with_two_places_at_most(amount: str) -> None:
    with pytest.raises(WrongFields):
        read_body(f'{{"name": "a", "amount": {amount}}}'.encode(), Thing)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "25.11.2026"])
def test_times_no_calendar_can_hold_are_refused(at: str) -> None:
    with pytest.raises(WrongFields):
        read_body(f'{{"name": "a", "at": "{at}"}}'.encode(), Thing)


def test_no_body_is_an_empty_object_and_a_list_is_none() -> None:
    with pytest.raises(WrongFields):
        read_body(b"  ", Thing)
    with pytest.raises(UnreadableBody):
        read_body(b"[]", Thing)


def test_control_characters_are_dropped_from_texts() -> None:
    assert read_body(b'{"name": "a\\u0000b"}', Thing).name == "ab"
