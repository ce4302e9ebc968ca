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


@pytest.mark.parametrize(("failure", "pause"), [(TokenError("errcode_40164", for_admin=True), 60), (NotSent("x"), 1)])
async def test_a_failure_is_shared_by_all_and_remembered_for_a_while(
    clock: FakeClock, failure: Exception, pause: float
) -> None:
    source, store = Source(clock, failure), MemoryTokens()
    keepers = [TokenKeeper("a", source.fetch, clock, store=store) for _ in range(2)]
    ended = await asyncio.gather(*(keeper.token() for keeper in keepers * 25), return_exceptions=True)
    assert all(isinstance(one, TokenError) for one in ended)
    assert source.asked == [False]
    clock.advance(pause - 0.1)
    with pytest.raises(TokenError) as remembered:
        await keepers[1].token()
    assert remembered.value.for_admin == isinstance(failure, TokenError)
    assert source.asked == [False]
    clock.advance(0.2)
    assert await keepers[1].token() == "t2"


async def test_passing_failures_are_asked_about_less_and_less_often(clock: FakeClock) -> None:
    source = Source(clock, *(NotSent("x") for _ in range(1000)))
    keeper = TokenKeeper("a", source.fetch, clock)
    for _ in range(300):
        with pytest.raises(TokenError):
            await keeper.token()
        clock.advance(1)
    assert 10 <= len(source.asked) <= 16
    source.values.clear()
    clock.advance(30)
    assert await keeper.token()


async def test_new_tokens_that_are_refused_as_well_end_the_asking(clock: FakeClock) -> None:
    """A secret of another account gives tokens that nobody takes: each call must not cost a refresh."""
    source = Source(clock)
    keeper = TokenKeeper("a", source.fetch, clock)
    calls, errors = 0, []

    async def attempt(token: str) -> Answer:
        nonlocal calls
        calls += 1
        return REFUSED

    for _ in range(1000):
        try:
            await keeper.call(attempt, is_refused)
        except TokenError as error:
            errors.append(error)
        clock.advance(0.1)
    assert len(source.asked) <= 10
    assert calls <= 20
    assert errors[-1].for_admin


async def test_token_ended_early_twice_is_replaced_twice(clock: FakeClock) -> None:
    source = Source(clock)
    keeper = TokenKeeper("a", source.fetch, clock)
    ended: set[str] = set()

    async def attempt(token: str) -> Answer:
        return REFUSED if token in ended else OK

    for token in ("t1", "t2", "t3", "t4"):
        assert await keeper.call(attempt, is_refused) is OK
        ended.add(token)
    assert len(source.asked) == 4


async def test_slow_fetch_does_not_replace_a_newer_token(clock: FakeClock) -> None:
    """The lock ended under a fetch that took long; what somebody else stored meanwhile stays."""
    store = MemoryTokens()

    async def slow(force: bool) -> Token:
        await store.set("a", Token("newer", clock.now() + timedelta(hours=2)))
        return Token("older", clock.now() + timedelta(hours=2))

    keeper = TokenKeeper("a", slow, clock, store=store)
    assert await keeper.token() == "newer"
    newest = await store.newest("a")
    assert newest is not None
    assert newest.value == "newer"


async def test_a_clock_set_back_keeps_the_token_until_it_is_refused(clock: FakeClock) -> None:
    source = Source(clock)
    keeper = TokenKeeper("a", source.fetch, clock)
    await keeper.token()
    clock.set(clock.now() - timedelta(hours=1))
    assert await keeper.token() == "t1"
    assert await keeper.token(refused="t1") == "t2"


def test_a_token_does_not_show_itself(clock: FakeClock) -> None:
    assert "s3cret" not in repr(Token("s3cret", clock.now()))
