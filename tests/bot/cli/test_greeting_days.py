"""The days of a year on which somebody is greeted."""

from dataclasses import replace
from datetime import date

from bot.cli.greeting_days import planned
from campaigns import greetings, templates
from campaigns.greetings import GreetingPlan
from crm_core import leads, segments
from crm_core.ports import Core
from crm_core.reach import ReachRule
from tests.factories import SYSTEM, make_lead


async def plan(core: Core, name: str, **values: object) -> GreetingPlan:
    segment = await segments.create_segment(core, SYSTEM, name="全部线索", conditions={"kind": "lead"})
    template = await templates.create_template(core, SYSTEM, name="祝福", kind="text", body="{称呼}，快乐")
    same = {"segment_id": segment.id, "template_id": template.id, "channel": "wechat", "time": "09:00"}
    core = replace(core, reach={"wechat": ReachRule.always()})
    return await greetings.create(core, SYSTEM, name=name, **same, **values)


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
