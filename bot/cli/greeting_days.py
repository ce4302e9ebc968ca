"""The days of a year on which somebody is greeted, from the plans."""

from dataclasses import dataclass
from datetime import date, timedelta

from campaigns.greetings import GreetingPlan, GreetingStatus, selection_now
from crm_core.calendar import festival_date, festivals
from crm_core.clock import at_local, to_local
from crm_core.policy import quiet_until
from crm_core.ports import Core
from crm_core.segments import count_people

_LABELS = {GreetingStatus.DRAFT.value: "待批准", GreetingStatus.APPROVED.value: "已批准"}


@dataclass(frozen=True, slots=True)
class PlannedDay:
    """One greeting on one day; `count` is how many the segment selects today, before the guard."""

    day: date
    time: str
    name: str
    reason: str
    count: int
    status: str

    def words(self) -> tuple[str, ...]:
        """Give the columns of a line."""
        return str(self.day), self.time, self.name, self.reason, f"{self.count} 人", self.status


async def planned(core: Core, year: int) -> list[PlannedDay]:
    """List the greetings of a year in order; birthdays on the days somebody has one."""
    found: list[PlannedDay] = []
    for plan in await GreetingPlan.filter(status__in=list(_LABELS)).order_by("id"):
        found += await (_birthdays(core, plan, year) if plan.birthday else _festival(core, plan, year))
    return sorted(found, key=lambda one: (one.day, one.time, one.name))


async def _festival(core: Core, plan: GreetingPlan, year: int) -> list[PlannedDay]:
    # The festivals of the twelfth lunar month belong to the spring they lead to, and may fall into the year before.
    days = [day for day in (festival_date(plan.festival, near) for near in (year, year + 1)) if day.year == year]
    count = await count_people(core, await selection_now(plan))
    return [_day(core, plan, day, festivals()[plan.festival].label, count) for day in days]


async def _birthdays(core: Core, plan: GreetingPlan, year: int) -> list[PlannedDay]:
    selection, found = await selection_now(plan), []
    day = date(year, 1, 1)
    while day.year == year:
        count = await count_people(core, selection.on_birthday(day))
        if count:
            found.append(_day(core, plan, day, "生日", count))
        day += timedelta(days=1)
    return found


def _day(core: Core, plan: GreetingPlan, day: date, reason: str, count: int) -> PlannedDay:
    # Quiet hours delay: shown is when it really goes.
    goes_at = quiet_until(core.settings.campaigns, at_local(day, plan.time_of_day))
    time = f"{to_local(goes_at):%H:%M}" if goes_at else plan.time
    reason = f"{reason}（原定 {plan.time} 在免打扰时段）" if goes_at else reason
    return PlannedDay(day, time, plan.name, reason, count, _LABELS[plan.status])
