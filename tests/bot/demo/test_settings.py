"""The settings of the demo are real ones."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.demo.settings import is_night, make_settings
from bot.simulator import Simulator


async def test_both_channels_are_set_against_the_simulators(tmp_path: Path) -> None:
    async with Simulator() as simulator:
        settings = make_settings(simulator, tmp_path, 8123, night=False)
        assert {name: kind for name, (kind, _) in settings.channels.items()} == {"wechat": "wechat_oa", "dingtalk": "dingtalk"}
        assert settings.channels["wechat"][1].mode == "safe"
        assert settings.channels["wechat"][1].api_base == simulator.base_url
        assert settings.channels["dingtalk"][1].session_hosts == (simulator.base_url,)
        assert settings.core.pools.tell_of_new_leads == "everyone"
        assert settings.core.campaigns.quiet_from != settings.core.campaigns.quiet_until


async def test_at_night_the_quiet_hours_are_off(tmp_path: Path) -> None:
    async with Simulator() as simulator:
        settings = make_settings(simulator, tmp_path, 8123, night=True)
        assert settings.core.campaigns.quiet_from == settings.core.campaigns.quiet_until


@pytest.mark.parametrize(("hour", "night"), [(9, False), (15, False), (20, True), (22, True), (3, True)])
def test_night_begins_an_hour_before_the_quiet_hours(hour: int, night: bool) -> None:
    assert is_night(datetime(2026, 11, 25, (hour - 8) % 24, 30, tzinfo=UTC)) is night
