"""DingTalk's limits by a turned clock."""

import pytest

from bot.simulator.accounts import SimulatorOptions
from bot.simulator.calls import Refused
from bot.simulator.clock import SimClock
from bot.simulator.dingtalk.limits import Limits, RobotLimit


@pytest.fixture
def clock():
    return SimClock(lambda: 1_795_161_600.0)


def test_twenty_calls_a_second_for_each_path(clock):
    limits = Limits(SimulatorOptions(), clock)
    for _ in range(20):
        limits.spend("/a")
    limits.spend("/b")
    with pytest.raises(Refused, match="QpsLimitForAppkeyAndApi"):
        limits.spend("/a")
    with pytest.raises(Refused, match="90018"):
        limits.spend("/a", older=True)
    assert limits.rejected == 2
    clock.advance(1.0)
    limits.spend("/a")
    assert limits.monthly_calls["2026-11"] == 22


def test_the_limit_of_a_second_can_be_switched_off(clock):
    limits = Limits(SimulatorOptions(dingtalk_qps=None), clock)
    for _ in range(100):
        limits.spend("/a")
    assert limits.rejected == 0


def test_the_month_counts_calls_and_pushes(clock):
    limits = Limits(SimulatorOptions(dingtalk_monthly_calls=2), clock)
    limits.spend("/a")
    limits.count_push()
    assert limits.is_month_used_up()
    with pytest.raises(Refused, match="ApiCountLimitForOrg"):
        limits.spend("/a")
    with pytest.raises(Refused, match="90020"):
        limits.spend("/a", older=True)
    clock.advance(31 * 86_400)
    limits.spend("/a")


def test_a_custom_robot_is_blocked_for_ten_minutes():
    limit = RobotLimit()
    for number in range(20):
        limit.spend(1000.0 + number)
    with pytest.raises(Refused, match="410100"):
        limit.spend(1020.0)
    with pytest.raises(Refused, match="410100"):
        limit.spend(1020.0 + 599)
    limit.spend(1020.0 + 600)
