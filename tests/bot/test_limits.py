"""The rate limit: exact over every sliding window."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from bot.channel import SendRate
from bot.limits import SlidingLimit
from tests.fakes import FakeClock


def test_burst_then_wait() -> None:
    clock = FakeClock()
    limit = SlidingLimit([SendRate(3, 1.0)], clock)
    for _ in range(3):
        assert limit.wait_seconds() == 0
        limit.count()
    assert 0.9 < limit.wait_seconds() < 1.1
    clock.advance(limit.wait_seconds())
    assert limit.wait_seconds() == 0


@given(
    st.lists(st.floats(0, 3, allow_nan=False), min_size=1, max_size=60),
    st.lists(st.tuples(st.integers(1, 5), st.sampled_from([0.5, 1.0, 3.0])), min_size=1, max_size=2),
)
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
