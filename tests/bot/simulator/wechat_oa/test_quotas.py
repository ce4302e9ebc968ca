"""Quotas by Chinese day and by minute."""

from datetime import UTC, datetime

import pytest

from bot.simulator.calls import Refused
from bot.simulator.clock import SimClock
from bot.simulator.wechat_oa.quotas import Quotas

MASS = "/cgi-bin/message/mass/send"


def test_a_day_ends_at_midnight_in_china():
    clock = SimClock(lambda: datetime(2026, 11, 20, 15, 0, tzinfo=UTC).timestamp())
    quotas = Quotas(clock)
    quotas.daily["/x"] = 2
    quotas.spend("/x")
    quotas.spend("/x")
    with pytest.raises(Refused, match="45009"):
        quotas.spend("/x")
    assert quotas.describe("/x") == {"daily_limit": 2, "used": 2, "remain": 0}
    clock.advance(3600)
    quotas.spend("/x")
    quotas.reset()
    assert quotas.describe("/x")["used"] == 0


def test_mass_sends_have_a_limit_of_the_minute():
    clock = SimClock(lambda: 1000.0)
    quotas = Quotas(clock)
    for _ in range(60):
        quotas.spend(MASS)
    with pytest.raises(Refused, match="45011"):
        quotas.spend(MASS)
    clock.advance(60)
    quotas.spend(MASS)
    assert quotas.describe(MASS)["used"] == 61
