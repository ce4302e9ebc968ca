"""Pure rules: pool dates and times read back."""

from datetime import UTC, datetime, timedelta

import pytest

from crm_core.ports import PoolSettings
from crm_core.rules import as_instant, reclaim_at

START = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("claimed", "reclaim", "protection", "after"),
    [(None, 30, 7, 30), (0, 30, 7, 30), (0, 3, 7, 7), (2, 3, 7, 9), (-100, 3, 7, 3)],
)
def test_a_lead_goes_back_after_its_days_but_not_within_its_protection(claimed, reclaim, protection, after):
    settings = PoolSettings(reclaim_days=reclaim, protection_days=protection)
    claimed_at = None if claimed is None else START + claimed * DAY
    assert reclaim_at(START, claimed_at, settings) == START + after * DAY


def test_times_come_back_aware_and_in_utc():
    assert as_instant(None) is None
    assert as_instant(START) is START
    assert as_instant("2026-11-01 08:00:00.500000+08:00") == START + timedelta(milliseconds=500)
