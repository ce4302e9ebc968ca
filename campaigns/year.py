"""The year's list of greetings before it runs (全年祝福预览): each day, its reason and how many people it is for."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from campaigns.greetings import GreetingPlan, GreetingStatus, selection_now
from crm_core import access
from crm_core.access import Actor
from crm_core.calendar import FIRST_YEAR, LAST_YEAR, festivals, is_confirmed, next_birthday, next_festival, solar_to_lunar
from crm_core.clock import at_local
from crm_core.errors import Invalid
from crm_core.ports import Core, Program
from crm_core.segments import count_people
from crm_core.selection import Selection, people_sql

ONE_DAY = timedelta(days=1)
_MONTHS = "正二三四五六七八九十冬腊"
_DIGITS = "一二三四五六七八九十"


@dataclass(frozen=True, slots=True)
class PlannedGreeting:
    """One day of one plan. `provisional`: the official calendar of its year is not published yet."""

    plan_id: int
    name: str
    status: str
    day: date
    at: datetime
    reason: str
    count: int
    provisional: bool


async def year_preview(core: Core, actor: Actor, year: int) -> list[PlannedGreeting]:
    """List every planned greeting of a year by its day, for the people there are now. Raises: Invalid; Refused."""
    access.require(actor, "greetings:read")
    if not FIRST_YEAR < year < LAST_YEAR:
        raise Invalid(field="year", reason=f"应为{FIRST_YEAR + 1}到{LAST_YEAR - 1}")
    found: list[PlannedGreeting] = []
    plans = await access.visible(GreetingPlan, actor).exclude(status=GreetingStatus.CANCELLED.value).order_by("id")
    for plan in plans:
        for day, (reason, count) in (await _days(core, plan, year)).items():
            at = at_local(day, plan.time_of_day)
            found.append(PlannedGreeting(plan.id, plan.name, plan.status, day, at, reason, count, not is_confirmed(year)))
    return sorted(found, key=lambda each: (each.at, each.plan_id))


async def _days(core: Core, plan: GreetingPlan, year: int) -> dict[date, tuple[str, int]]:
    selection = await selection_now(plan)
    if plan.festival:
        count = await count_people(core, selection)
        return {day: (festival_reason(plan.festival, day), count) for day in _festival_days(plan.festival, year)}
    people: dict[date, int] = {}
    for birthday, count in await core.db.read(_birthdays(core, selection)):
        for day in birthday_days(birthday, year):
            people[day] = people.get(day, 0) + count
    return {day: ("生日", people[day]) for day in sorted(people)}


def _festival_days(festival: str, year: int) -> list[date]:
    """Find its days in a solar year: usually one, of 腊八 now and then none or two."""
    days, day = [], next_festival(festival, date(year, 1, 1))
    while day.year == year:
        days.append(day)
        day = next_festival(festival, day + ONE_DAY)
    return days


def birthday_days(birthday: str, year: int) -> list[date]:
    """Find the days of a birthday in a solar year (a lunar one may come twice); none for what is no birthday."""
    try:
        days, day = [], next_birthday(birthday, date(year, 1, 1))
        while day.year == year:
            days.append(day)
            day = next_birthday(birthday, day + ONE_DAY)
    except ValueError:
        return []
    return days


def _birthdays(core: Core, selection: Selection) -> Program[list[tuple[str, int]]]:
    sql, values = people_sql(selection, core.clock.now(), columns=("birthday",))
    rows = yield (
        f"SELECT p.birthday, count(*) FROM ({sql}) p WHERE p.birthday IS NOT NULL GROUP BY p.birthday",  # noqa: S608
        values,
    )
    return [(str(birthday), int(count)) for birthday, count in rows]


def festival_reason(name: str, day: date) -> str:
    """Say which festival it is, with the lunar day where that decides: 中秋节（农历八月十五）."""
    festival = festivals()[name]
    if festival.rule not in ("lunar", "eve_of"):
        return festival.label
    lunar = solar_to_lunar(day)
    return f"{festival.label}（农历{_MONTHS[lunar.month - 1]}月{_lunar_day(lunar.day)}）"


def _lunar_day(day: int) -> str:
    if day <= 10:
        return f"初{_DIGITS[day - 1]}"
    if day < 20:
        return f"十{_DIGITS[day - 11]}"
    return {20: "二十", 30: "三十"}.get(day) or f"廿{_DIGITS[day - 21]}"
