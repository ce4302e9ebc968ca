"""The year's list: every day with its reason and head count, before anything runs."""

from datetime import date

import pytest

from campaigns import greetings
from campaigns.year import birthday_days, festival_reason, year_preview
from crm_core.access import Role
from crm_core.errors import Invalid, Refused
from tests.campaigns.test_greetings import make_plan
from tests.factories import make_actor, make_lead


async def test_the_year_in_order_with_reasons_and_counts(core, marketer):
    for name, birthday in (("王芳", "10-01"), ("李娜", "1990-10-01"), ("张伟", "lunar:08-15"), ("赵敏", None), ("钱多", None)):
        await make_lead(core, name, birthday=birthday)
    await make_plan(core, marketer, festival="national_day", name="国庆")
    await make_plan(core, marketer, approved=False, name="中秋")
    await make_plan(core, marketer, birthday=True, name="生日")
    gone = await make_plan(core, marketer, festival="qixi")
    await greetings.cancel(core, marketer, gone.id)
    found = [
        (each.day, each.name, each.reason, each.count, each.provisional) for each in await year_preview(core, marketer, 2027)
    ]
    assert found == [
        (date(2027, 9, 15), "中秋", "中秋节（农历八月十五）", 5, True),
        (date(2027, 9, 15), "生日", "生日", 1, True),
        (date(2027, 10, 1), "国庆", "国庆节", 5, True),
        (date(2027, 10, 1), "生日", "生日", 2, True),
    ]
    assert all(not each.provisional for each in await year_preview(core, marketer, 2026))
    with pytest.raises(Invalid):
        await year_preview(core, marketer, 1800)
    with pytest.raises(Refused):
        await year_preview(core, await make_actor(core, "小李", Role.SALES), 2027)


@pytest.mark.parametrize(
    ("festival", "day", "reason"),
    [
        ("spring_festival_eve", date(2027, 2, 5), "除夕（农历腊月廿九）"),
        ("spring_festival", date(2027, 2, 6), "春节（农历正月初一）"),
        ("laba", date(2027, 1, 15), "腊八节（农历腊月初八）"),
        ("double_ninth", date(2027, 10, 8), "重阳节（农历九月初九）"),
        ("christmas", date(2027, 12, 25), "圣诞节"),
    ],
)
def test_reasons_name_the_lunar_day(festival, day, reason):
    assert festival_reason(festival, day) == reason


def test_a_lunar_birthday_may_come_twice_in_a_solar_year_and_nonsense_never():
    years = [len(birthday_days("lunar:11-20", year)) for year in range(2020, 2040)]
    assert sum(years) in (19, 20, 21)
    assert set(years) >= {0, 2}
    assert birthday_days("乱写", 2027) == []
