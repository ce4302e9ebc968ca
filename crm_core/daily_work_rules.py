"""The salesperson's day: when it is asked and told what, how often customers are visited, which alarms there are. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from crm_core.calendar import is_workday
from crm_core.clock import at_local, local_day

ALARM_LABELS = {
    "overdue_leads": "逾期线索",
    "overdue_todos": "逾期待办",
    "unrecorded_visits": "外出未记录",
    "idle_days": "没写跟进",
}
"""What an alarm can count, by employee: leads, todos, outings of the last seven days, days without a follow-up."""
ALARM_UNITS = {"overdue_leads": "条", "overdue_todos": "条", "unrecorded_visits": "次", "idle_days": "天"}
TOLD = ("manager", "owner", "both")
MOST_FILE_MIB = 50
"""A file is kept in the database and fetched whole."""


@dataclass(frozen=True, slots=True)
class VisitRhythm:
    """`[[daily_work.rhythms]]`: customers of these grades are visited every so many days (定期拜访)."""

    grades: tuple[str, ...]
    """Grades of customers (客户级别), as A."""
    every_days: int
    """Days from one visit to the next."""

    def problems(self) -> list[tuple[str, str]]:
        """List what is wrong, as pairs of key and sentence."""
        found = [] if self.grades else [("grades", "至少写一个客户级别")]
        return found if 1 <= self.every_days <= 730 else [*found, ("every_days", "需要在 1 到 730 之间")]


@dataclass(frozen=True, slots=True)
class AlarmRule:
    """`[[daily_work.alarms]]`: who is told each working morning when a count is over a number (报警)."""

    name: str
    """What the alarm is called."""
    what: str
    """overdue_leads, overdue_todos, unrecorded_visits (of seven days) or idle_days (without a follow-up)."""
    over: int
    """The number that must be passed."""
    tell: str = "manager"
    """manager, owner (the employee the count is of), or both."""

    def problems(self) -> list[tuple[str, str]]:
        """List what is wrong, as pairs of key and sentence."""
        found = [] if self.name.strip() and len(self.name) <= 32 else [("name", "需要1到32个字")]
        found += [] if self.what in ALARM_LABELS else [("what", f"只能是 {'、'.join(ALARM_LABELS)}")]
        return found if self.tell in TOLD else [*found, ("tell", f"只能是 {'、'.join(TOLD)}")]


@dataclass(frozen=True, slots=True)
class DailyWorkSettings:
    """`[daily_work]`: the hours of a working day, visits by level, alarms, files. Times are Shanghai."""

    unrecorded_at: time = time(18, 30)
    """When outings of the day without a record are listed."""
    report_weekday: int = 5
    """On which day the weekly report is asked for, 1 Monday to 7 Sunday; 0: never."""
    report_at: time = time(16, 30)
    """When the weekly report is asked for on that day."""
    daily_reports: bool = False
    """Whether a daily report is asked for on working days."""
    daily_report_at: time = time(17, 30)
    """When the daily report is asked for."""
    alarms_at: time = time(9, 10)
    """When alarms are looked for on working days."""
    visit_at: time = time(10)
    """The hour of a recurring visit."""
    rhythms: tuple[VisitRhythm, ...] = ()
    """Which customers are visited how often; the first entry with the customer's grade counts."""
    alarms: tuple[AlarmRule, ...] = ()
    """What is told when it is too much; empty: nothing."""
    max_file_mib: int = 20
    """Of a file kept under a customer (文档)."""

    def problems(self) -> list[tuple[str, str]]:
        """List what is wrong, as pairs of key and sentence."""
        found = [] if 0 <= self.report_weekday <= 7 else [("report_weekday", "需要在 0 到 7 之间")]
        if not 1 <= self.max_file_mib <= MOST_FILE_MIB:
            found.append(("max_file_mib", f"需要在 1 到 {MOST_FILE_MIB} 之间"))
        grades = [grade for rhythm in self.rhythms for grade in rhythm.grades]
        if len(grades) != len(set(grades)):
            found.append(("rhythms", "一个级别只能写一次"))
        names = [rule.name for rule in self.alarms]
        return found if len(names) == len(set(names)) else [*found, ("alarms", "名称写了两次")]

    def every_days(self, grade: str) -> int:
        """Tell how often customers of a grade are visited; 0: by no plan."""
        return next((rhythm.every_days for rhythm in self.rhythms if grade in rhythm.grades), 0)


def next_visit(settings: DailyWorkSettings, last: datetime | None, today: date, every_days: int) -> datetime:
    """Tell when a recurring visit is due: so many days after the last, on a working day, never before tomorrow."""
    first = today + timedelta(days=1)
    day = first if last is None else max(first, local_day(last) + timedelta(days=every_days))
    while not is_workday(day):
        day += timedelta(days=1)
    return at_local(day, settings.visit_at)


def week_of(day: date) -> date:
    """Tell the Monday of a day's week."""
    return day - timedelta(days=day.weekday())


def grades_of(rhythms: Iterable[VisitRhythm]) -> list[str]:
    """List the grades that are visited by plan."""
    return [grade for rhythm in rhythms for grade in rhythm.grades]
