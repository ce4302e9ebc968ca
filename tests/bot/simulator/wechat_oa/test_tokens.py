"""Tokens of both endpoints, with a turned clock."""

import pytest

from bot.simulator.accounts import SimulatorOptions, WeChatAccount
from bot.simulator.calls import Refused
from bot.simulator.clock import SimClock
from bot.simulator.wechat_oa.tokens import Tokens

ACCOUNT = WeChatAccount()
ID, SECRET = ACCOUNT.app_id, ACCOUNT.app_secret


@pytest.fixture
def clock():
    return SimClock(lambda: 1000.0)


@pytest.fixture
def tokens(clock):
    return Tokens(ACCOUNT, SimulatorOptions(), clock)


def refusal(tokens: Tokens, token: str | None) -> int:
    with pytest.raises(Refused) as caught:
        tokens.check(token)
    return caught.value.answer["errcode"]


def test_the_classic_endpoint_kills_the_previous_token(tokens):
    first = tokens.fetch_classic(ID, SECRET)["access_token"]
    tokens.check(first)
    second = tokens.fetch_classic(ID, SECRET)["access_token"]
    tokens.check(second)
    assert refusal(tokens, first) == 40001


def test_the_stable_endpoint_gives_the_same_token_and_overlaps_five_minutes(tokens, clock):
    first = tokens.fetch_stable(ID, SECRET, force=False)
    clock.advance(3600)
    again = tokens.fetch_stable(ID, SECRET, force=False)
    assert again == {"access_token": first["access_token"], "expires_in": 3600}
    clock.advance(3600 - 299)
    second = tokens.fetch_stable(ID, SECRET, force=False)
    assert second["access_token"] != first["access_token"]
    tokens.check(first["access_token"])
    tokens.check(second["access_token"])
    clock.advance(300)
    assert refusal(tokens, first["access_token"]) == 42001
    tokens.check(second["access_token"])


def test_the_endpoints_are_isolated(tokens):
    stable = tokens.fetch_stable(ID, SECRET, force=False)["access_token"]
    tokens.fetch_classic(ID, SECRET)
    tokens.fetch_classic(ID, SECRET)
    tokens.check(stable)


def test_forcing_kills_at_once_and_is_limited(tokens, clock):
    first = tokens.fetch_stable(ID, SECRET, force=False)["access_token"]
    tokens.fetch_stable(ID, SECRET, force=True)
    assert refusal(tokens, first) == 40001
    with pytest.raises(Refused, match="45011"):
        tokens.fetch_stable(ID, SECRET, force=True)
    for _ in range(19):
        clock.advance(31)
        tokens.fetch_stable(ID, SECRET, force=True)
    clock.advance(31)
    with pytest.raises(Refused, match="45009"):
        tokens.fetch_stable(ID, SECRET, force=True)


def test_bad_tokens_and_credentials_have_their_codes(tokens):
    token = tokens.fetch_stable(ID, SECRET, force=False)["access_token"]
    assert refusal(tokens, None) == 41001
    assert refusal(tokens, "nonsense") == 40014
    tokens.expire_all()
    assert refusal(tokens, token) == 42001
    tokens.forget_all()
    assert refusal(tokens, token) == 40001
    with pytest.raises(Refused, match="40013"):
        tokens.fetch_classic("wx0", SECRET)
    with pytest.raises(Refused, match="40125"):
        tokens.fetch_stable(ID, "wrong", force=False)
