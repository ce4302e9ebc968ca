"""The rate limit of one process: exact over every sliding window."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from bot.channel import SendRate
from bot.limits import ARRIVES_SECONDS, SlidingLimit
from tests.fakes import FakeClock

RATES = st.lists(st.tuples(st.integers(1, 5), st.sampled_from([0.5, 1.0, 3.0])), min_size=1, max_size=2)


def test_burst_then_wait() -> None:
    clock = FakeClock()
    limit = SlidingLimit([SendRate(3, 1.0)], clock)
    for _ in range(3):
        assert limit.wait_seconds() == 0
        limit.count()
    assert 0.9 < limit.wait_seconds() < 1.1
    clock.advance(limit.wait_seconds())
    assert limit.wait_seconds() == 0


def test_window_opens_when_the_answer_came() -> None:
    clock = FakeClock()
    limit = SlidingLimit([SendRate(1, 1.0)], clock)
    turn = limit.begin()
    clock.advance(0.3)
    limit.end(turn)
    assert limit.wait_seconds() == 1.0
    clock.advance(1.0)
    limit.begin()
    clock.advance(20)
    assert limit.wait_seconds() == 0, "a call that hangs in its answer holds up nobody for ever"


@given(st.lists(st.floats(0, 3, allow_nan=False), min_size=1, max_size=60), RATES)
def test_no_window_ever_holds_more(pauses: list[float], rates: list[tuple[int, float]]) -> None:
    clock = FakeClock()
    limit = SlidingLimit([SendRate(count, seconds) for count, seconds in rates], clock)
    sent = []
    for pause in pauses:
        clock.advance(pause)
        clock.advance(limit.wait_seconds())
        limit.count()
        sent.append(clock.monotonic())
    for count, seconds in rates:
        for first, last in zip(sent, itertools.islice(sent, count, None)):
            assert last - first >= seconds


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, ARRIVES_SECONDS), st.floats(0, 2)), min_size=1, max_size=40), RATES)
def test_no_window_of_the_platform_ever_holds_more(
    calls: list[tuple[float, float, float]], rates: list[tuple[int, float]]
) -> None:
    """Each call is a pause before it, the time it takes to arrive, and the time its answer takes after that."""
    clock = FakeClock()
    limit = SlidingLimit([SendRate(count, seconds) for count, seconds in rates], clock)
    arrived, answers = [], []
    for pause, way, answer in calls:
        target = clock.monotonic() + pause
        while True:
            due = [one for one in answers if one[0] <= target]
            for at, turn in sorted(due, key=lambda one: one[0]):
                clock.advance(max(0.0, at - clock.monotonic()))
                limit.end(turn)
            answers = [one for one in answers if one not in due]
            clock.advance(max(0.0, target - clock.monotonic()))
            wait = limit.wait_seconds()
            if not wait:
                break
            target = clock.monotonic() + min(wait, 0.1)
        turn = limit.begin()
        arrived.append(clock.monotonic() + way)
        answers.append((clock.monotonic() + way + answer, turn))
    arrived.sort()
    for count, seconds in rates:
        for first, last in zip(arrived, itertools.islice(arrived, count, None)):
            assert last - first >= seconds - 1e-9
