"""Tokens in the database, with copies in Redis that may vanish or lag behind."""

import asyncio
from datetime import timedelta

import pytest

from bot.stored_tokens import StoredTokens
from bot.tokens import Failure, Token, TokenError, TokenKeeper
from crm_core.ports import Core
from tests.fakes import FakeClock, MemoryState


@pytest.fixture
def copies(clock: FakeClock) -> MemoryState:
    return MemoryState(clock)


def token(core: Core, value: str) -> Token:
    return Token(value, core.clock.now() + timedelta(hours=2))


async def test_token_survives_a_restart_and_lost_copies(core: Core, copies: MemoryState) -> None:
    await StoredTokens(core, copies).set("a", token(core, "t1"))
    assert await StoredTokens(core, copies).get("a") == token(core, "t1")
    await copies.delete("copy:token:a")
    assert await StoredTokens(core, copies).get("a") == token(core, "t1")
    assert await StoredTokens(core, copies).get("b") is None


@pytest.mark.parametrize("foreign", ["not json", '["t", "2030-01-01T00:00:00"]', "{}", '["t"]', "null"])
async def test_copy_that_is_not_ours_is_none(core: Core, copies: MemoryState, foreign: str) -> None:
    await StoredTokens(core, copies).set("a", token(core, "t1"))
    await copies.set("copy:token:a", foreign, lasts=timedelta(hours=1))
    assert await StoredTokens(core, copies).get("a") == token(core, "t1")


async def test_copy_that_lags_behind_costs_no_refresh(core: Core, copies: MemoryState) -> None:
    first, second = StoredTokens(core, copies), StoredTokens(core, MemoryState(core.clock))  # type: ignore[arg-type]
    await first.set("a", token(core, "t1"))
    assert await second.swap("a", token(core, "t1"), token(core, "t2"))

    async def never(force: bool) -> Token:
        raise AssertionError("asked the platform")

    keeper = TokenKeeper("a", never, core.clock, store=first)
    assert await keeper.token() == "t1"
    assert await keeper.token(refused="t1") == "t2"
    assert await first.get("a") == token(core, "t2")


async def test_swap_holds_against_another_process(core: Core) -> None:
    one, two = StoredTokens(core), StoredTokens(core)
    assert await one.swap("a", None, token(core, "t1"))
    assert not await two.swap("a", None, token(core, "t2"))
    assert await two.swap("a", token(core, "t1"), token(core, "t2"))
    assert await one.newest("a") == token(core, "t2")


async def test_keepers_of_many_processes_refresh_once(core: Core) -> None:
    asked: list[bool] = []

    async def fetch(force: bool) -> Token:
        asked.append(force)
        await asyncio.sleep(0)
        return token(core, f"t{len(asked)}")

    keepers = [TokenKeeper("a", fetch, core.clock, store=StoredTokens(core)) for _ in range(3)]
    assert set(await asyncio.gather(*(keeper.token() for keeper in keepers * 10))) == {"t1"}
    assert set(await asyncio.gather(*(keeper.token(refused="t1") for keeper in keepers * 10))) == {"t2"}
    assert asked == [False, False]


async def test_failure_is_remembered_by_every_process(core: Core, clock: FakeClock) -> None:
    asked = 0

    async def fetch(force: bool) -> Token:
        nonlocal asked
        asked += 1
        raise TokenError("errcode_40125", for_admin=True)

    for _ in range(5):
        with pytest.raises(TokenError):
            await TokenKeeper("a", fetch, core.clock, store=StoredTokens(core)).token()
    assert asked == 1
    stored = await StoredTokens(core).failure("a")
    assert stored == Failure("errcode_40125", True, 1, clock.now() + timedelta(seconds=60))
    await StoredTokens(core).note("a", None)
    assert await StoredTokens(core).failure("a") is None
