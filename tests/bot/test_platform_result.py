"""Answers of the APIs of WeChat and WeCom."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from bot.httpclient import Answer
from bot.platform_result import Result, is_token_refused, read_result, read_token
from bot.tokens import Token, TokenError

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def answer(body: object, status: int = 200) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, raw, "application/json")


def test_an_answer_is_known_by_its_code() -> None:
    assert read_result(answer({"msgid": "1"})) == Result(0, {"msgid": "1"})
    assert [read_result(answer({"errcode": code})).errcode for code in (40003, "40003", "-1")] == [40003, 40003, -1]  # type: ignore[union-attr]


@pytest.mark.parametrize("sent", [answer({}, 502), answer(b"<html>"), answer({"errcode": "x"}), answer({"errcode": None})])
def test_nobody_knows_what_an_unreadable_answer_means(sent: Answer) -> None:
    assert read_result(sent) is None
    assert not is_token_refused(sent)
    with pytest.raises(TokenError) as caught:
        read_token(sent, NOW, frozenset())
    assert (caught.value.code, caught.value.for_admin) == ("unreadable_answer", False)


def test_a_refused_token_is_told_from_other_refusals() -> None:
    assert [is_token_refused(answer({"errcode": code})) for code in (0, 40001, 42001, 45009)] == [False, True, True, False]


def test_a_token_lasts_as_long_as_the_answer_says() -> None:
    sent = answer({"errcode": 0, "access_token": "t", "expires_in": 7200})
    assert read_token(sent, NOW, frozenset()) == Token("t", NOW + timedelta(seconds=7200))


@pytest.mark.parametrize(
    ("body", "code", "for_admin"),
    [
        ({"errcode": 40013}, "errcode_40013", True),
        ({"errcode": 45011}, "errcode_45011", False),
        ({"access_token": "", "expires_in": 7200}, "errcode_0", False),
        ({"access_token": "t", "expires_in": "soon"}, "errcode_0", False),
    ],
)
def test_without_a_token_the_code_says_whose_matter_it_is(body: object, code: str, for_admin: bool) -> None:
    with pytest.raises(TokenError) as caught:
        read_token(answer(body), NOW, frozenset({40013}))
    assert (caught.value.code, caught.value.for_admin) == (code, for_admin)
