"""The days of a year on which somebody is greeted."""

from dataclasses import replace
from datetime import date
from datetime import time as clock_time

from bot.cli.greeting_days import planned
from campaigns import greetings, templates
from campaigns.greetings import GreetingPlan
from crm_core import leads, segments
from crm_core.ports import Core
from crm_core.reach import ReachRule
from tests.factories import SYSTEM, make_lead


async def plan(core: Core, name: str, **values: object) -> GreetingPlan:
    segment = await segments.create_segment(core, SYSTEM, name=f"{name}的人", conditions={"kind": "lead"})
    template = await templates.create_template(core, SYSTEM, name=name, kind="text", body="{称呼}，快乐")
    same = {"segment_id": segment.id, "template_id": template.id, "channel": "wechat", "time": "09:00"} | values
    core = replace(core, reach={"wechat": ReachRule.always()})
    return await greetings.create(core, SYSTEM, name=name, **same)


async def test_festivals_and_birthdays_of_a_year_in_order(core: Core) -> None:
    for name, birthday in (("张伟", "1980-05-04"), ("李娜", "lunar:01-15"), ("王芳", None)):
        lead = await make_lead(core, name)
        await leads.update(core, SYSTEM, lead.id, birthday=birthday)
    await greetings.approve(core, SYSTEM, (await plan(core, "中秋祝福", festival="mid_autumn")).id)
    await plan(core, "生日祝福", birthday=True)
    await greetings.cancel(core, SYSTEM, (await plan(core, "作废", festival="mid_autumn")).id)
    found = await planned(core, 2026)
    assert [(one.day, one.name, one.count, one.status) for one in found] == [
        (date(2026, 3, 3), "生日祝福", 1, "待批准"),
        (date(2026, 5, 4), "生日祝福", 1, "待批准"),
        (date(2026, 9, 25), "中秋祝福", 3, "已批准"),
    ]
    assert found[2].words() == ("2026-09-25", "09:00", "中秋祝福", found[2].reason, "3 人", "已批准")
    assert "中秋" in found[2].reason


async def test_a_time_in_the_quiet_hours_is_shown_as_when_it_goes(core: Core) -> None:
    await plan(core, "早安", festival="mid_autumn", time="07:30")
    (found,) = await planned(core, 2026)
    assert (found.time, found.reason) == ("08:30", "中秋节（原定 07:30 在免打扰时段）")
    quiet = replace(core.settings.campaigns, quiet_from=clock_time(12), quiet_until=clock_time(14))
    at_noon = replace(core, settings=replace(core.settings, campaigns=quiet))
    assert [one.time for one in await planned(at_noon, 2026)] == ["07:30"]
    await plan(at_noon, "午安", festival="mid_autumn", time="12:00")
    assert [one.time for one in await planned(at_noon, 2026)] == ["07:30", "14:00"]
