"""The sample company: believable, the same every time."""

import re

import pytest

from bot.sample.fill import fill, is_empty
from bot.sample.people import CUSTOMERS
from campaigns.templates import Template, check_body
from crm_core import activities
from crm_core.accounts import Account
from crm_core.calendar import is_birthday
from crm_core.clock import local_day
from crm_core.customers import Contact, Customer
from crm_core.employees import Employee, team_of
from crm_core.leads import Lead
from crm_core.ports import Core
from crm_core.segments import Segment, count_people, count_segment, selection_of
from scheduler.reminders import Reminder
from tests.factories import SYSTEM


async def test_an_empty_house_is_filled_once(core: Core) -> None:
    assert await is_empty()
    await fill(core)
    assert not await is_empty()
    assert await Lead.all().count() + await Customer.all().count() == 300
    assert await Customer.all().count() == CUSTOMERS


async def test_the_same_seed_makes_the_same_people(core: Core) -> None:
    await fill(core)
    first = await Lead.all().order_by("id").values_list("name", "company", "mobile", "source")
    await core.db.empty()
    await fill(core)
    assert await Lead.all().order_by("id").values_list("name", "company", "mobile", "source") == first


async def test_numbers_names_and_companies_exist_once(core: Core) -> None:
    await fill(core)
    names = await Contact.all().values_list("name", flat=True) + await Lead.exclude(status="converted").values_list(
        "name", flat=True
    )
    mobiles = await Contact.all().values_list("mobile", flat=True)
    assert len(set(names)) == len(names)
    assert len(set(mobiles)) == len(mobiles)
    assert all(re.fullmatch(r"\+861990000\d{4}", str(mobile)) for mobile in mobiles)


async def test_a_manager_leads_the_sales_department(core: Core) -> None:
    await fill(core)
    manager = await Employee.get(name="林小舟")
    team = await Employee.filter(id__in=list(await team_of(manager))).order_by("id").values_list("name", flat=True)
    assert team == ["林小舟", "王磊", "陈晨", "孙悦"]


async def test_nobody_owns_more_leads_than_may_be_claimed(core: Core) -> None:
    await fill(core)
    for owner_id in await Employee.filter(role="sales").values_list("id", flat=True):
        owned = await Lead.filter(owner_id=owner_id, status__in=["new", "following"]).count()
        assert 0 < owned < core.settings.pools.claim_cap - 10


async def test_history_lies_in_the_past_and_plans_in_the_future(core: Core) -> None:
    await fill(core)
    now = core.clock.now()
    assert not await activities.FollowUp.filter(at__gt=now).exists()
    assert await activities.FollowUp.all().count() > 300
    assert await Reminder.filter(status="pending", at__gt=now).count() == await Reminder.all().count() > 10


async def test_birthdays_are_of_both_calendars(core: Core) -> None:
    await fill(core)
    birthdays = [word for word in await Contact.all().values_list("birthday", flat=True) if word]
    assert any(word.startswith("lunar:") for word in birthdays)
    assert any(not word.startswith("lunar:") for word in birthdays)
    for word in birthdays:
        is_birthday(word, local_day(core.clock.now()))


async def test_a_vip_who_follows_has_their_birthday_today(core: Core) -> None:
    await fill(core)
    today = local_day(core.clock.now())
    vips = selection_of(await Segment.get(name="VIP 客户"), SYSTEM)
    assert await count_people(core, vips.on_birthday(today)) >= 1


async def test_some_may_be_written_to_and_some_not(core: Core) -> None:
    await fill(core)
    assert await Account.all().count() > 60
    assert await Account.filter(opted_out_at__isnull=False).exists()
    assert await Account.filter(unfollowed_at__isnull=False).exists()


@pytest.mark.parametrize("name", ["展会来的线索", "VIP 客户", "全部客户", "全部线索"])
async def test_every_segment_selects_somebody(core: Core, name: str) -> None:
    await fill(core)
    assert await count_segment(core, SYSTEM, await Segment.get(name=name)) > 5


async def test_templates_are_sound(core: Core) -> None:
    await fill(core)
    for template in await Template.all():
        check_body(template.kind, template.body)
