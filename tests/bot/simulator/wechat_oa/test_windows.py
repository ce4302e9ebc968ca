"""Customer-service windows by a turned clock."""

import pytest

from bot.simulator.calls import Refused
from bot.simulator.clock import SimClock
from bot.simulator.wechat_oa.windows import Windows


@pytest.fixture
def clock():
    return SimClock(lambda: 1000.0)


@pytest.fixture
def windows(clock):
    return Windows(clock)


def refused(windows: Windows) -> int:
    with pytest.raises(Refused) as caught:
        windows.spend("oA")
    return caught.value.answer["errcode"]


@pytest.mark.parametrize(
    ("action", "seconds", "count"), [("message", 172_800, 5), ("menu", 60, 3), ("follow", 60, 3), ("scan", 60, 3)]
)
def test_a_window_has_its_count_and_its_end(windows, clock, action, seconds, count):
    assert refused(windows) == 45015
    windows.open("oA", action)
    assert windows.count_left("oA") == count
    for _ in range(count):
        windows.spend("oA")
    assert refused(windows) == 45047
    windows.open("oA", action)
    clock.advance(seconds - 1)
    windows.spend("oA")
    clock.advance(1)
    assert refused(windows) == 45015


def test_the_window_that_ends_first_is_used_first(windows, clock):
    windows.open("oA", "message")
    windows.open("oA", "menu")
    for _ in range(3):
        windows.spend("oA")
    clock.advance(60)
    assert windows.count_left("oA") == 5


def test_a_payment_opens_without_a_limit(windows):
    windows.open("oA", "payment")
    for _ in range(50):
        windows.spend("oA")
    assert windows.count_left("oA") is None


def test_unfollowing_closes(windows):
    windows.open("oA", "message")
    windows.close("oA")
    assert refused(windows) == 45015
