"""Limits: calls of one API, the day, one member, a robot."""

import pytest

from bot.simulator.accounts import SimulatorOptions
from bot.simulator.calls import Refused
from bot.simulator.clock import SimClock
from bot.simulator.wecom import limits as limits_module
from bot.simulator.wecom.limits import Limits


@pytest.fixture
def clock():
    return SimClock(lambda: 1_795_161_600.0)


@pytest.fixture
def options():
    return SimulatorOptions()


@pytest.fixture
def limits(options, clock):
    return Limits(options, clock)


def test_thirty_a_minute_then_silence(limits, clock):
    assert [limits.takes("u") for _ in range(32)] == [True] * 30 + [False] * 2
    assert limits.takes("v")
    assert limits.dropped == {"u": 2}
    clock.advance(60)
    assert limits.takes("u")


def test_a_thousand_an_hour(limits, options, clock):
    options.wecom_member_per_minute = None
    assert sum(limits.takes("u") for _ in range(1001)) == 1000
    clock.advance(3600)
    assert limits.takes("u")
    options.wecom_member_per_hour = None
    assert all(limits.takes("w") for _ in range(1100))


def test_an_api_is_blocked_for_the_length_of_its_window(limits, options, clock, monkeypatch):
    monkeypatch.setattr(limits_module, "CALLS_PER_MINUTE", 2)
    limits.spend_call("/a")
    limits.spend_call("/a")
    with pytest.raises(Refused) as caught:
        limits.spend_call("/a")
    assert caught.value.code == "45009"
    limits.spend_call("/b")
    clock.advance(59)
    with pytest.raises(Refused):
        limits.spend_call("/a")
    clock.advance(1)
    limits.spend_call("/a")
    options.wecom_base_limits = False
    for _ in range(10):
        limits.spend_call("/a")


def test_the_hour_blocks_for_an_hour(limits, clock, monkeypatch):
    monkeypatch.setattr(limits_module, "CALLS_PER_HOUR", 1)
    limits.spend_call("/a")
    with pytest.raises(Refused):
        limits.spend_call("/a")
    clock.advance(3599)
    with pytest.raises(Refused):
        limits.spend_call("/a")
    clock.advance(1)
    limits.spend_call("/a")


def test_the_day_of_the_application(limits, options, clock):
    options.wecom_accounts = 1
    limits.spend_messages(200)
    with pytest.raises(Refused):
        limits.spend_messages(1)
    clock.advance(86_400)
    limits.spend_messages(200)
    assert limits.messages_today == 200


def test_a_robot_has_a_sliding_minute(limits, clock):
    for _ in range(20):
        limits.spend_robot("k")
    with pytest.raises(Refused):
        limits.spend_robot("k")
    limits.spend_robot("other")
    clock.advance(60)
    limits.spend_robot("k")
