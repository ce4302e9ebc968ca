"""Greetings: on the day, once a person and day; late within the grace, else reported; clocks that jump double nobody."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from campaigns import broadcasts, engine, greetings, results, templates
from campaigns.broadcasts import Broadcast, Recipient
from campaigns.greetings import GreetingPlan, grace_end
from campaigns.recipients import RecipientQueue
from crm_core import segments
from crm_core.access import Role
from crm_core.audit import AuditEntry
from crm_core.clock import at_local
from crm_core.conversations import Message
from crm_core.errors import Conflict, Invalid, Refused
from crm_core.outbox import Settlement
from crm_core.ports import CampaignSettings
from tests.campaigns.conftest import make_followers, uncapped, with_settings
from tests.factories import make_actor, make_customer_account, make_lead

LEASE = timedelta(seconds=30)
MID_AUTUMN = date(2027, 9, 15)


def local(day: date, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return at_local(day, time(hour, minute, second))


async def make_plan(
    core, actor, *, approved: bool = True, body: str = "{称呼}，节日快乐", conditions=None, **values
) -> GreetingPlan:
    segment = await segments.create_segment(core, actor, name="全部线索", conditions=conditions or {"kind": "lead"})
    template = await templates.create_template(core, actor, name="祝福", kind="text", body=body)
    if not values.get("birthday"):
        values.setdefault("festival", "mid_autumn")
    plan = await greetings.create(
        core,
        actor,
        **{
            "name": "祝福",
            "segment_id": segment.id,
            "template_id": template.id,
            "channel": "wechat",
            "time": "09:00",
            **values,
        },
    )
    return await greetings.approve(core, actor, plan.id) if approved else plan


async def run_all(core) -> list[str]:
    """One turn of everything: make, start, plan, send."""
    await greetings.make_due(core)
    await engine.run(core)
    queue = RecipientQueue(core)
    await queue.recover(everything=True)
    texts = []
    while page := await queue.claim("wechat", 50, LEASE):
        await queue.settle([Settlement(each.id, "sent") for each in page])
        texts += [each.body.text for each in page]
    await engine.run(core)
    return texts


async def test_a_festival_is_made_ahead_and_sent_at_its_time_every_year(core, marketer, clock):
    await make_followers(core, 2)
    await make_plan(core, marketer)
    clock.set(local(MID_AUTUMN, 9) - greetings.AHEAD - timedelta(seconds=1))
    assert await run_all(core) == []
    assert await Broadcast.all().count() == 0
    clock.advance(1)
    assert await run_all(core) == []
    made = await Broadcast.get()
    assert (made.status, made.scheduled_at, made.occasion) == ("scheduled", local(MID_AUTUMN, 9), "mid_autumn:2027-09-15")
    clock.set(local(MID_AUTUMN, 9))
    assert len(await run_all(core)) == 2
    assert await results.counts(core, made.id) == {"sent": 2}
    assert (await Broadcast.get()).status == "finished"
    assert await run_all(core) == []
    clock.set(local(date(2028, 10, 3), 9))
    assert len(await run_all(core)) == 2


async def test_a_draft_or_cancelled_plan_sends_nothing(core, marketer, clock):
    await make_followers(core, 1)
    await make_plan(core, marketer, approved=False)
    cancelled = await make_plan(core, marketer)
    clock.set(local(MID_AUTUMN, 1))
    await run_all(core)
    await greetings.cancel(core, marketer, cancelled.id)
    clock.set(local(MID_AUTUMN, 9))
    assert await run_all(core) == []
    assert (await Broadcast.get(greeting_id=cancelled.id)).status == "cancelled"
    with pytest.raises(Conflict):
        await greetings.cancel(core, marketer, cancelled.id)
    with pytest.raises(Conflict):
        await greetings.approve(core, marketer, cancelled.id)


async def test_two_plans_of_one_festival_greet_nobody_twice(core, marketer, clock):
    core = uncapped(core)
    await make_followers(core, 3)
    await make_plan(core, marketer)
    await make_plan(core, marketer, body="再祝一次")
    clock.set(local(MID_AUTUMN, 9))
    assert len(await run_all(core)) == 3
    reasons = [await results.reasons(core, each.id) for each in await Broadcast.all().order_by("id")]
    assert reasons == [{}, {"already_greeted": 3}]


async def test_a_late_start_on_the_day_is_marked_and_after_the_quiet_hours_begin_it_is_reported(core, marketer, clock):
    await make_followers(core, 1)
    await make_plan(core, marketer)
    clock.set(local(MID_AUTUMN, 20, 59))
    assert len(await run_all(core)) == 1
    assert (await Broadcast.get()).name == "祝福 2027-09-15（迟发）"
    clock.set(local(date(2028, 10, 3), 21))
    assert await run_all(core) == []
    assert await run_all(core) == []
    assert (
        await Message.filter(direction="out").order_by("-id").first()
    ).text == "祝福「祝福」10月3日未能发送（已过当天可发送时间），不再补发"
    assert await Message.filter(direction="out").count() == 1
    assert await AuditEntry.filter(action="greeting.missed").count() == 1


async def test_a_day_missed_as_a_whole_is_reported_within_a_week_and_not_sent(core, marketer, clock):
    await make_followers(core, 1)
    await make_plan(core, marketer)
    clock.set(local(MID_AUTUMN + timedelta(days=7), 8))
    assert await run_all(core) == []
    assert await AuditEntry.filter(action="greeting.missed").count() == 1
    clock.advance(timedelta(days=1))
    await run_all(core)
    assert await AuditEntry.filter(action="greeting.missed").count() == 1


@pytest.mark.parametrize("jump", [timedelta(hours=-1), timedelta(hours=1), timedelta(days=1), timedelta(days=-1)])
async def test_a_clock_that_jumps_greets_nobody_twice(core, marketer, clock, jump):
    core = uncapped(core)
    await make_followers(core, 2)
    await make_plan(core, marketer)
    clock.set(local(MID_AUTUMN, 9, 30))
    assert len(await run_all(core)) == 2
    clock.set(local(MID_AUTUMN, 9, 30) + jump)
    assert await run_all(core) == []
    clock.set(local(MID_AUTUMN, 10))
    assert await run_all(core) == []
    assert await Recipient.filter(status="sent").count() == 2


async def test_a_jump_over_the_time_sends_late_once(core, marketer, clock):
    await make_followers(core, 2)
    await make_plan(core, marketer)
    clock.set(local(MID_AUTUMN, 8, 30))
    assert await run_all(core) == []
    clock.set(local(MID_AUTUMN, 9, 30))
    assert len(await run_all(core)) == 2
    clock.set(local(MID_AUTUMN, 8, 30))
    assert await run_all(core) == []
    clock.set(local(MID_AUTUMN, 9))
    assert await run_all(core) == []


async def test_a_restart_around_midnight_moves_no_greeting_to_the_next_day(core, marketer, clock):
    core = with_settings(core, quiet_from=time(2), quiet_until=time(6))
    await make_followers(core, 2)
    await make_plan(core, marketer, time="23:59")
    clock.set(local(MID_AUTUMN, 23, 59, 59))
    await greetings.make_due(core)
    await engine.run(core)
    queue = RecipientQueue(core)
    (first,) = await queue.claim("wechat", 1, LEASE)
    clock.set(local(MID_AUTUMN + timedelta(days=1), 0))
    reborn = RecipientQueue(core)
    await reborn.recover(everything=True)
    assert await reborn.claim("wechat", 5, LEASE) == []
    await engine.run(core)
    made = await Broadcast.get()
    assert await results.counts(core, made.id) == {"unknown": 1, "suppressed": 1}
    assert await results.reasons(core, made.id) == {"too_late": 1}
    assert await results.failures(core, made.id) == {"lease_ended": 1}
    assert "有1人当天未能发出" in (await Message.filter(direction="out").first()).text
    assert first.body.text


async def test_one_made_but_never_started_on_its_day_is_cancelled_and_reported(core, marketer, clock):
    await make_followers(core, 1)
    await make_plan(core, marketer)
    clock.set(local(MID_AUTUMN, 1))
    await greetings.make_due(core)
    clock.set(local(MID_AUTUMN + timedelta(days=1), 9))
    assert await run_all(core) == []
    made = await Broadcast.get()
    assert (made.status, made.pause_reason) == ("cancelled", "too_late")
    assert "未能在当天发送" in (await Message.filter(direction="out").first()).text


async def test_birthdays_solar_and_lunar_with_leap_months_and_missing_days(core, marketer, clock):
    core = uncapped(core)
    people = {
        "甲": "11-26",
        "乙": "1990-11-26",
        "丙": "lunar:10-18",  # 2026-11-26
        "丁": "lunar:10L-18",  # 2026 has no leap tenth month: kept in the ordinary one
        "戊": "11-27",
        "己": None,
        "庚": "08-15",
    }
    for number, (name, birthday) in enumerate(people.items()):
        lead = await make_lead(core, f"王{name}", birthday=birthday)
        await make_customer_account(core, lead, f"o{number}")
    await make_plan(core, marketer, birthday=True, body="{称呼}，生日快乐")
    assert await run_all(core) == []
    clock.set(local(date(2026, 11, 26), 9))
    assert sorted(await run_all(core)) == sorted(f"王{name}，生日快乐" for name in "甲乙丙丁")
    clock.set(local(date(2026, 11, 27), 9))
    assert await run_all(core) == ["王戊，生日快乐"]
    clock.set(local(date(2026, 11, 28), 9))
    assert await run_all(core) == []
    assert await Broadcast.all().count() == 2


@pytest.mark.parametrize(
    ("birthday", "day"),
    [
        ("02-29", date(2027, 2, 28)),
        ("02-29", date(2028, 2, 29)),
        ("12-31", date(2026, 12, 31)),
        ("01-01", date(2027, 1, 1)),
        ("lunar:12-30", date(2027, 2, 5)),  # the twelfth month of that year has 29 days
        ("lunar:01-01", date(2027, 2, 6)),
        ("lunar:05L-10", date(2028, 7, 2)),  # 2028 has a leap fifth month
        ("lunar:05-10", date(2028, 6, 2)),
    ],
)
async def test_each_birthday_comes_on_one_day_alone(core, marketer, clock, birthday, day):
    core = uncapped(core)
    lead = await make_lead(core, "王芳", birthday=birthday)
    await make_customer_account(core, lead)
    await make_plan(core, marketer, birthday=True)
    sent = []
    for shift in range(-2, 3):
        clock.set(local(day + timedelta(days=shift), 9))
        if await run_all(core):
            sent.append(day + timedelta(days=shift))
    assert sent == [day]


async def test_a_birthday_nobody_has_is_no_missed_greeting(core, marketer, clock):
    await make_followers(core, 1)
    await make_plan(core, marketer, birthday=True)
    clock.advance(timedelta(days=3))
    await run_all(core)
    assert await AuditEntry.filter(action="greeting.missed").count() == 0
    assert await Broadcast.all().count() == 0


async def test_the_author_cannot_approve_above_the_limit(core, marketer):
    core = with_settings(core, self_approve_limit=1)
    await make_followers(core, 2)
    plan = await make_plan(core, marketer, approved=False)
    with pytest.raises(Refused):
        await greetings.approve(core, marketer, plan.id)
    assert (await greetings.approve(core, await make_actor(core, "老张", Role.MANAGER), plan.id)).status == "approved"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": ""}, "name"),
        ({"festival": "singles_day"}, "festival"),
        ({"birthday": True, "festival": "mid_autumn"}, "festival"),
        ({"festival": ""}, "festival"),
        ({"time": "9:00"}, "time"),
        ({"time": "24:00"}, "time"),
        ({"time": "21:00"}, "time"),
        ({"channel": "dingtalk"}, "channel"),
    ],
)
async def test_what_is_no_plan_is_refused(core, marketer, values, field):
    with pytest.raises(Invalid) as error:
        await make_plan(core, marketer, approved=False, **values)
    assert error.value.fields["field"] == field


def test_the_grace_ends_with_the_quiet_hours_or_the_day():
    day = date(2026, 11, 25)
    assert grace_end(CampaignSettings(), day) == datetime(2026, 11, 25, 13, 0, tzinfo=UTC)
    assert grace_end(CampaignSettings(quiet_from=time(1), quiet_until=time(6)), day) == datetime(
        2026, 11, 25, 16, 0, tzinfo=UTC
    )


async def test_a_wrong_greeting_that_is_cancelled_leaves_room_for_the_right_one(core, marketer, clock):
    core = uncapped(core)
    await make_followers(core, 5)
    await make_plan(core, marketer, body="写错的祝福")
    clock.set(local(MID_AUTUMN, 9))
    await greetings.make_due(core)
    await engine.run(core)
    wrong = await Broadcast.get()
    queue = RecipientQueue(core)
    sent, claimed = await queue.claim("wechat", 2, LEASE)
    await queue.settle([Settlement(sent.id, "sent")])
    await broadcasts.cancel(core, marketer, wrong.id)
    assert await Recipient.filter(broadcast_id=wrong.id, status="cancelled", greeting_key__isnull=True).count() == 3
    await make_plan(core, marketer, body="改好的祝福")
    assert await run_all(core) == ["改好的祝福"] * 3
    right = await Broadcast.exclude(id=wrong.id).get()
    assert await results.reasons(core, right.id) == {"already_greeted": 2}
    assert (await Recipient.get(id=claimed.id)).greeting_key


async def test_nobody_is_added_to_an_approved_plan_by_changing_the_segment(core, marketer, clock):
    core = with_settings(core, self_approve_limit=1)
    await make_followers(core, 5)
    plan = await make_plan(core, marketer, conditions={"query": "丁"})
    await segments.update_segment(core, marketer, plan.segment_id, conditions={"kind": "lead"})
    clock.set(local(MID_AUTUMN, 9))
    assert len(await run_all(core)) == 1


async def test_a_draft_plan_can_be_changed_and_the_change_is_audited(core, marketer, clock):
    await make_followers(core, 3)
    plan = await make_plan(core, marketer, approved=False)
    segment = await segments.create_segment(core, marketer, name="一位", conditions={"query": "丁"})
    template = await templates.create_template(core, marketer, name="改后", kind="text", body="改后的祝福")
    values = {"name": "重阳", "festival": "double_ninth", "time": "10:00"}
    await greetings.update(core, marketer, plan.id, segment_id=segment.id, template_id=template.id, **values)
    changed = await GreetingPlan.get(id=plan.id)
    assert {name: getattr(changed, name) for name in values} == values
    assert await AuditEntry.filter(action="greeting.update", object_id=plan.id).exists()
    await greetings.approve(core, marketer, plan.id)
    clock.set(local(date(2027, 10, 8), 10))
    assert await run_all(core) == ["改后的祝福"]
    with pytest.raises(Conflict):
        await greetings.update(core, marketer, plan.id, name="太晚")
    with pytest.raises(Refused):
        await greetings.update(core, await make_actor(core, "小李", Role.SALES), plan.id, name="不许")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": ""}, "name"),
        ({"festival": "singles_day"}, "festival"),
        ({"birthday": True}, "festival"),
        ({"festival": ""}, "festival"),
        ({"time": "21:00"}, "time"),
        ({"channel": "dingtalk"}, "channel"),
    ],
)
async def test_a_changed_plan_is_checked_like_a_new_one(core, marketer, values, field):
    plan = await make_plan(core, marketer, approved=False)
    with pytest.raises(Invalid) as error:
        await greetings.update(core, marketer, plan.id, **values)
    assert error.value.fields["field"] == field
    assert (await greetings.update(core, marketer, plan.id, birthday=True, festival="")).occasion == "birthday"


async def test_who_changed_a_plan_does_not_approve_it_alone_either(core, marketer):
    core = with_settings(core, self_approve_limit=1)
    await make_followers(core, 2)
    plan = await make_plan(core, marketer, approved=False)
    second = await make_actor(core, "老张", Role.MANAGER)
    await greetings.update(core, second, plan.id, name="改过")
    with pytest.raises(Refused):
        await greetings.approve(core, second, plan.id)


@pytest.mark.parametrize("what", ["segment", "template"])
async def test_a_plan_whose_text_or_people_changed_since_it_was_drafted_is_saved_again_first(core, marketer, what):
    await make_followers(core, 2)
    plan = await make_plan(core, marketer, approved=False)
    if what == "segment":
        await segments.update_segment(core, marketer, plan.segment_id, conditions={"query": "丁"})
    else:
        await templates.change_template(core, marketer, plan.template_id, body="没人看过的祝福")
    second = await make_actor(core, "老张", Role.MANAGER)
    with pytest.raises(Conflict) as error:
        await greetings.approve(core, second, plan.id)
    assert error.value.code == "greeting.changed_since_draft"
    await greetings.update(core, marketer, plan.id, name=plan.name)
    assert (await greetings.approve(core, second, plan.id)).status == "approved"


async def test_whoever_saw_the_plan_before_somebody_else_changed_it_approves_nothing(core, marketer):
    plan = await make_plan(core, marketer, approved=False)
    another = await make_actor(core, "老陈", Role.ADMIN)
    await greetings.update(core, another, plan.id, time="15:00")
    with pytest.raises(greetings.GreetingChanged):
        await greetings.approve(core, marketer, plan.id)
    assert (await GreetingPlan.get(id=plan.id)).status == "draft"
    assert (await greetings.approve(core, another, plan.id)).status == "approved"
