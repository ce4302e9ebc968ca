"""Pure rules: times read back."""

from datetime import UTC, datetime, timedelta

from crm_core.rules import as_instant

START = datetime(2026, 11, 1, tzinfo=UTC)


def test_times_come_back_aware_and_in_utc():
    assert as_instant(None) is None
    assert as_instant(START) is START
    assert as_instant("2026-11-01 08:00:00.500000+08:00") == START + timedelta(milliseconds=500)
