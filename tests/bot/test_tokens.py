"""The token of an account under many callers."""

import asyncio
from datetime import timedelta

import pytest

from bot.httpclient import Answer, NotSent
from bot.tokens import MemoryTokens, Token, TokenError, TokenKeeper
from tests.fakes import FakeClock

OK = Answer(200, b"{}")
REFUSED = Answer(200, b'{"errcode":40001}')


class Source:
    """A platform that gives tokens; values laid ready first, then new numbers."""

    def __init__(self, clock: FakeClock, *values: str | Exception) -> None:
        self.clock = clock
        self.values = list(values)
        self.asked: list[bool] = []

    async def fetch(self, force: bool) -> Token:
        self.asked.append(force)
        await asyncio.sleep(0)
        value = self.values.pop(0) if self.values else f"t{len(self.asked)}"
        if isinstance(value, Exception):
            raise value
        return Token(value, self.clock.now() + timedelta(hours=2))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def is_refused(answer: Answer) -> bool:
    return answer is REFUSED


async def test_a_token_is_fetched_once_and_kept_until_shortly_before_its_end(clock: FakeClock) -> None:
    source = Source(clock)
    keeper = TokenKeeper("a", source.fetch, clock)
    assert await asyncio.gather(*(keeper.token() for _ in range(50))) == ["t1"] * 50
    clock.advance(timedelta(hours=2) - timedelta(seconds=61))
    assert await keeper.token() == "t1"
    clock.advance(1)
    assert await keeper.token() == "t2"


async def test_two_processes_that_share_a_store_refresh_once(clock: FakeClock) -> None:
    source, store = Source(clock), MemoryTokens()
    keepers = [TokenKeeper("a", source.fetch, clock, store=store) for _ in range(2)]
    await keepers[0].token()
    given = await asyncio.gather(*(keeper.token(refused="t1") for keeper in keepers * 25))
    assert given == ["t2"] * 50
    assert source.asked == [False, False]


async def test_a_token_somebody_else_replaced_is_used_without_asking(clock: FakeClock) -> None:
    source, store = Source(clock), MemoryTokens()
    keeper = TokenKeeper("a", source.fetch, clock, store=store)
    await keeper.token()
    await store.set("a", Token("newer", clock.now() + timedelta(hours=1)))
    assert await keeper.token(refused="t1") == "newer"
    assert source.asked == [False]


async def test_a_refused_token_is_replaced_and_the_call_made_once_more(clock: FakeClock) -> None:
    source = Source(clock)
    keeper = TokenKeeper("a", source.fetch, clock)
    used: list[str] = []

    async def attempt(token: str) -> Answer:
        used.append(token)
        return REFUSED if len(used) == 1 else OK

    assert await keeper.call(attempt, is_refused) is OK
    assert used == ["t1", "t2"]


async def test_a_lasting_refusal_ends_after_two_calls(clock: FakeClock) -> None:
    source = Source(clock)
    keeper = TokenKeeper("a", source.fetch, clock)
    used: list[str] = []

    async def attempt(token: str) -> Answer:
        used.append(token)
        return REFUSED

    assert await keeper.call(attempt, is_refused) is REFUSED
    assert len(used) == 2


async def test_the_same_token_again_is_forced_at_most_every_half_minute(clock: FakeClock) -> None:
    source = Source(clock, "t1", "t1", "forced", "forced", "forced", "last")
    keeper = TokenKeeper("a", source.fetch, clock)
    await keeper.token()
    assert await keeper.token(refused="t1") == "forced"
    assert await keeper.token(refused="forced") == "forced"
    assert source.asked == [False, False, True, False]
    clock.advance(30)
    assert await keeper.token(refused="forced") == "last"
    assert source.asked[4:] == [False, True]


@pytest.mark.parametrize("failure", [TokenError("errcode_40164", for_admin=True), NotSent("x")])
async def test_callers_that_wait_share_a_failure_and_a_later_one_asks_again(clock: FakeClock, failure: Exception) -> None:
    source = Source(clock, failure)
    keeper = TokenKeeper("a", source.fetch, clock)
    ended = await asyncio.gather(*(keeper.token() for _ in range(50)), return_exceptions=True)
    assert all(isinstance(one, TokenError) for one in ended)
    assert source.asked == [False]
    assert await keeper.token() == "t2"


async def test_a_clock_set_back_keeps_the_token_until_it_is_refused(clock: FakeClock) -> None:
    source = Source(clock)
    keeper = TokenKeeper("a", source.fetch, clock)
    await keeper.token()
    clock.set(clock.now() - timedelta(hours=1))
    assert await keeper.token() == "t1"
    assert await keeper.token(refused="t1") == "t2"


def test_a_token_does_not_show_itself(clock: FakeClock) -> None:
    assert "s3cret" not in repr(Token("s3cret", clock.now()))
