"""The settings of the working day tell every mistake, and a recurring visit falls on a working day."""

from datetime import UTC, date, datetime

from crm_core.clock import local_day
from crm_core.daily_work_rules import AlarmRule, DailyWorkSettings, VisitRhythm, next_visit, week_of


def test_every_mistake_is_told() -> None:
    doubled = DailyWorkSettings(
        report_weekday=8,
        max_file_mib=0,
        rhythms=(VisitRhythm(("A",), 7), VisitRhythm(("A",), 30)),
        alarms=(AlarmRule("一", "overdue_leads", 3), AlarmRule("一", "idle_days", 3)),
    )
    assert [key for key, _ in doubled.problems()] == ["report_weekday", "max_file_mib", "rhythms", "alarms"]
    assert [key for key, _ in VisitRhythm((), 0).problems()] == ["grades", "every_days"]
    assert [key for key, _ in AlarmRule("", "moon", 1, "everybody").problems()] == ["name", "what", "tell"]
    assert DailyWorkSettings().problems() == []


def test_the_first_level_that_fits_counts() -> None:
    settings = DailyWorkSettings(rhythms=(VisitRhythm(("A", "B"), 7), VisitRhythm(("C",), 30)))
    assert [settings.every_days(grade) for grade in ("A", "B", "C", "D")] == [7, 7, 30, 0]


def test_a_recurring_visit_is_on_a_working_day_and_never_past() -> None:
    settings, today = DailyWorkSettings(), date(2026, 11, 25)
    last = datetime(2026, 11, 21, 2, tzinfo=UTC)
    assert local_day(next_visit(settings, None, today, 7)) == date(2026, 11, 26)
    assert local_day(next_visit(settings, last, today, 7)) == date(2026, 11, 30)  # the 28th is a Saturday
    assert local_day(next_visit(settings, last, today, 1)) == date(2026, 11, 26)
    assert next_visit(settings, None, today, 7) == datetime(2026, 11, 26, 2, tzinfo=UTC)
    assert week_of(today) == date(2026, 11, 23)
