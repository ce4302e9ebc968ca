"""Never more to one person than allowed in any window, whatever waits, restarts or turns the clock."""

from datetime import timedelta

from crm_core.allowances import MARGIN, Allowance, SendMark, Turn, Want, forget_marks, take_turns
from crm_core.ports import Core
from tests.fakes import FakeClock

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ALLOWANCE = Allowance(((3, MINUTE), (5, HOUR)), remembers=timedelta(hours=4))


async def ask(core: Core, *keys: str, person: str = "a", digest: str = "") -> list[Turn]:
    wants = [Want(person, key, digest or key) for key in keys]
    return await core.db.run(take_turns("wecom", wants, ALLOWANCE, core.clock.now()))


async def test_surplus_gets_times_of_its_own_and_nobody_else_waits(core: Core, clock: FakeClock) -> None:
    turns = await ask(core, *"1234567")
    free = clock.now() + MINUTE + MARGIN
    late = clock.now() + HOUR + MARGIN
    assert [turn.wait_until for turn in turns] == [None, None, None, free, free, late, late]
    assert (await ask(core, "x", person="b"))[0].wait_until is None


async def test_a_waiting_message_keeps_its_place_before_a_newer_one(core: Core, clock: FakeClock) -> None:
    (_, _, _, fourth) = await ask(core, *"1234")
    clock.advance(fourth.wait_until - clock.now())  # type: ignore[operator]
    assert (await ask(core, "5"))[0].wait_until is not None
    assert (await ask(core, "4"))[0].wait_until is None
    assert await SendMark.filter(key="4", reserved=1).count() == 0


async def test_a_place_nobody_takes_is_not_kept_for_ever(core: Core, clock: FakeClock) -> None:
    await ask(core, *"1234")
    clock.advance(timedelta(minutes=5))
    assert (await ask(core, "5"))[0].wait_until is None


async def test_late_sends_are_counted_when_they_leave(core: Core, clock: FakeClock) -> None:
    await ask(core, *"12345")
    clock.advance(timedelta(seconds=100))
    assert [turn.wait_until for turn in await ask(core, "4", "5")] == [None, None]
    (sixth,) = await ask(core, "6")
    assert sixth.wait_until is not None
    assert sixth.wait_until - clock.now() > timedelta(minutes=30)


async def test_a_clock_set_back_holds_up_for_no_longer_than_the_window(core: Core, clock: FakeClock) -> None:
    await ask(core, *"123")
    clock.set(clock.now() - timedelta(days=1))
    (turn,) = await ask(core, "4")
    assert turn.wait_until is not None
    assert turn.wait_until - clock.now() <= HOUR + MARGIN


async def test_equal_contents_under_another_key_are_told(core: Core, clock: FakeClock) -> None:
    assert not (await ask(core, "1", digest="d"))[0].repeated
    assert not (await ask(core, "1", digest="d"))[0].repeated
    assert (await ask(core, "2", digest="d"))[0].repeated
    assert not (await ask(core, "3", person="b", digest="d"))[0].repeated
    clock.advance(timedelta(hours=4, seconds=1))
    assert not (await ask(core, "4", digest="d"))[0].repeated
    assert await core.db.run(forget_marks(clock.now() - timedelta(hours=4))) == 4
