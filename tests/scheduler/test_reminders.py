"""Reminders: set, told at the minute once, late ones marked, ticked off, moved, repeated."""

from datetime import UTC, date, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from crm_core.access import Role
from crm_core.accounts import Account
from crm_core.clock import to_local
from crm_core.conversations import Message
from crm_core.employees import Employee, actor_of
from crm_core.errors import Conflict, Invalid, NotFound, Refused
from scheduler import reminders
from scheduler.reminders import Reminder, fire_due, range_bounds
from tests.factories import SYSTEM, make_actor, make_employee
from tests.fakes import START


async def told() -> list[str]:
    return list(await Message.filter(direction="out").order_by("id").values_list("text", flat=True))


async def test_a_reminder_is_told_once_at_its_minute(core, clock):
    actor = await make_actor(core, staff_id="wang")
    await reminders.create(core, actor, text="联系王总", at=clock.now() + timedelta(hours=1))
    clock.advance(3599)
    assert await fire_due(core) == 0
    clock.advance(1)
    assert await fire_due(core) == 1
    assert await fire_due(core) == 0
    assert await told() == ["提醒：联系王总"]
    message = await Message.get(direction="out")
    assert message.guarantee == "at_least_once"
    assert message.expires_at == clock.now() + timedelta(hours=24)


@pytest.mark.parametrize(("late", "marked"), [(30, False), (31, True), (86400 * 3, True)])
async def test_a_reminder_missed_says_so_after_thirty_seconds(core, clock, late, marked):
    actor = await make_actor(core, staff_id="wang")
    await reminders.create(core, actor, text="联系王总", at=clock.now() + timedelta(minutes=1))
    clock.advance(60 + late)
    assert await fire_due(core) == 1
    (text,) = await told()
    assert ("迟到" in text) is marked
    assert ("11月25日 10:01" in text) is marked


async def test_more_than_a_page_is_told_in_one_run(core, clock):
    actor = await make_actor(core, staff_id="wang")
    async with core.db.transaction():
        for number in range(reminders.PAGE + 5):
            await Reminder.add(core, owner_id=actor.employee_id, text=f"第{number}件", at=clock.now())
    assert await fire_due(core) == reminders.PAGE + 5
    assert len(await told()) == reminders.PAGE + 5


async def test_a_missed_repeating_reminder_is_told_once_and_comes_again(core, clock):
    actor = await make_actor(core, staff_id="wang")
    made = await reminders.create(core, actor, text="写日报", at=clock.now() + timedelta(hours=1), repeat="daily")
    clock.advance(timedelta(days=3, hours=2))
    assert await fire_due(core) == 1
    assert await fire_due(core) == 0
    row = await Reminder.get(id=made.id)
    assert row.status == "pending"
    assert to_local(row.at).isoformat() == "2026-11-29T11:00:00+08:00"
    assert len(await told()) == 1


async def test_an_owner_without_a_bound_account_keeps_the_todo(core, clock):
    actor = await make_actor(core)
    await reminders.create(core, actor, text="联系王总", at=clock.now())
    assert await fire_due(core) == 0
    assert await told() == []
    assert [each.text for each in await reminders.list_open(core, actor, "overdue")] == []
    clock.advance(1)
    assert [each.text for each in await reminders.list_open(core, actor, "overdue")] == ["联系王总"]


async def test_an_owner_bound_later_is_told_late(core, clock):
    actor = await make_actor(core)
    made = await reminders.create(core, actor, text="联系王总", at=clock.now(), repeat="daily")
    with capture_logs() as logs:
        for _ in range(130):
            assert await fire_due(core) == 0
            clock.advance(1)
    assert [line["count"] for line in logs if line["event"] == "reminders_wait_for_an_account"] == [1]
    waiting = await Reminder.get(id=made.id)
    assert (waiting.status, waiting.reason, waiting.fired_at, waiting.at) == ("pending", "no_account", None, made.at)
    owner = await Employee.get(id=actor.employee_id)
    await Account.add(core, channel="dingtalk", external_id="wang", person_kind="employee", person_id=owner.person_id)
    clock.advance(reminders.TRY_AGAIN_AFTER)
    assert await fire_due(core) == 1
    assert await told() == ["提醒（迟到，原定11月25日 10:00）：联系王总"]
    again = await Reminder.get(id=made.id)
    assert (again.status, again.reason, again.retry_at) == ("pending", "", None)
    assert again.at == made.at + timedelta(days=1)
    assert again.fired_at == clock.now()


async def test_a_moved_reminder_does_not_wait_any_more(core, clock):
    actor = await make_actor(core)
    made = await reminders.create(core, actor, text="联系王总", at=clock.now())
    await fire_due(core)
    moved = await reminders.snooze(core, actor, made.id, clock.now() + timedelta(seconds=5))
    assert (moved.reason, moved.retry_at) == ("", None)


async def test_more_than_a_page_without_an_account_keeps_nobody_else_waiting(core, clock):
    unbound, bound = await make_actor(core), await make_actor(core, "小李", staff_id="li")
    async with core.db.transaction():
        for number in range(reminders.PAGE + 5):
            await Reminder.add(core, owner_id=unbound.employee_id, text=f"第{number}件", at=clock.now())
        await Reminder.add(core, owner_id=bound.employee_id, text="联系王总", at=clock.now())
    assert await fire_due(core) == 1
    assert await told() == ["提醒：联系王总"]


@pytest.mark.parametrize("repeat", ["", "daily"])
async def test_a_departed_owners_reminder_is_cancelled(core, clock, repeat):
    employee = await make_employee(core, staff_id="wang")
    made = await reminders.create(core, SYSTEM, text="联系王总", at=clock.now(), owner_id=employee.id, repeat=repeat)
    await employee.change(core, departed_at=clock.now())
    assert await fire_due(core) == 0
    assert await told() == []
    row = await Reminder.get(id=made.id)
    assert (row.status, row.reason, row.fired_at) == ("cancelled", "owner_departed", None)


async def test_complete_ends_a_reminder_and_a_second_time_is_a_conflict(core, clock):
    actor = await make_actor(core, staff_id="wang")
    made = await reminders.create(core, actor, text="联系王总", at=clock.now() + timedelta(hours=1))
    done = await reminders.complete(core, actor, made.id)
    assert (done.status, done.done_at) == ("done", clock.now())
    with pytest.raises(Conflict):
        await reminders.complete(core, actor, made.id)
    clock.advance(7200)
    assert await fire_due(core) == 0


async def test_complete_of_a_repeating_one_skips_to_the_next_time(core, clock):
    actor = await make_actor(core, staff_id="wang")
    made = await reminders.create(core, actor, text="写日报", at=clock.now() + timedelta(hours=1), repeat="daily")
    done = await reminders.complete(core, actor, made.id)
    assert done.status == "pending"
    assert done.at == clock.now() + timedelta(days=1, hours=1)


async def test_snooze_moves_and_fires_again(core, clock):
    actor = await make_actor(core, staff_id="wang")
    made = await reminders.create(core, actor, text="联系王总", at=clock.now())
    await fire_due(core)
    await reminders.snooze(core, actor, made.id, clock.now() + timedelta(hours=2))
    clock.advance(7200)
    assert await fire_due(core) == 1
    assert await told() == ["提醒：联系王总"] * 2
    with pytest.raises(Invalid):
        await reminders.snooze(core, actor, made.id, clock.now())


async def test_snooze_of_a_repeating_one_leaves_its_rhythm(core, clock):
    actor = await make_actor(core, staff_id="wang")
    made = await reminders.create(core, actor, text="写日报", at=clock.now(), repeat="daily")
    await fire_due(core)
    extra = await reminders.snooze(core, actor, made.id, clock.now() + timedelta(hours=2))
    assert extra.id != made.id
    assert extra.repeat == ""
    assert (await Reminder.get(id=made.id)).at == clock.now() + timedelta(days=1)


async def test_cancel_ends_all_repetitions(core, clock):
    actor = await make_actor(core, staff_id="wang")
    made = await reminders.create(core, actor, text="写日报", at=clock.now(), repeat="daily")
    await reminders.cancel(core, actor, made.id)
    clock.advance(timedelta(days=2))
    assert await fire_due(core) == 0


async def test_foreign_reminders_look_missing_and_strangers_cannot_be_reminded(core, clock):
    mine = await make_actor(core)
    other = await make_actor(core, "小李")
    made = await reminders.create(core, mine, text="联系王总", at=clock.now())
    with pytest.raises(NotFound):
        await reminders.complete(core, other, made.id)
    with pytest.raises(Refused):
        await reminders.create(core, other, text="联系王总", at=clock.now(), owner_id=mine.employee_id)
    viewer = await make_actor(core, "小看", Role.VIEWER)
    with pytest.raises(Refused):
        await reminders.create(core, viewer, text="联系王总", at=clock.now())
    manager = await make_employee(core, "老张", Role.MANAGER)
    await make_employee(core, "小赵", manager_id=manager.id)
    team_member = await Employee.get(name="小赵")
    assert (await reminders.create(core, await actor_of(manager), text="看方案", at=clock.now(), owner_id=team_member.id)).id


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"text": " "}, "text"),
        ({"at": datetime(2026, 1, 1)}, "at"),
        ({"repeat": "hourly"}, "repeat"),
        ({"text": "长" * 501}, "text"),
    ],
)
async def test_what_is_no_reminder_is_refused(core, clock, values, field):
    actor = await make_actor(core)
    with pytest.raises(Invalid) as error:
        await reminders.create(core, actor, **{"text": "联系王总", "at": clock.now(), **values})
    assert error.value.fields["field"] == field


async def test_the_system_must_say_whom_to_remind(core, clock):
    with pytest.raises(Invalid):
        await reminders.create(core, SYSTEM, text="联系王总", at=clock.now())


async def test_lists_by_range(core, clock):
    actor = await make_actor(core)
    for text, hours in (("昨天的", -20), ("刚才的", -1), ("今晚的", 5), ("明天的", 24), ("下周的", 24 * 7)):
        await reminders.create(core, actor, text=text, at=clock.now() + timedelta(hours=hours))

    async def texts(wanted) -> list[str]:
        return [each.text for each in await reminders.list_open(core, actor, wanted)]

    assert await texts("today") == ["昨天的", "刚才的", "今晚的"]
    assert await texts("overdue") == ["昨天的", "刚才的"]
    assert await texts("tomorrow") == ["明天的"]
    assert await texts("next_week") == ["下周的"]
    assert await texts({"from": "2026-11-26", "to": "2026-12-02"}) == ["明天的", "下周的"]
    assert len(await texts("")) == 5
    with pytest.raises(Invalid):
        await texts("someday")
    with pytest.raises(Invalid):
        await texts({"from": "x"})


@pytest.mark.parametrize(
    ("word", "first", "after"),
    [
        ("yesterday", "2026-11-24", "2026-11-25"),
        ("this_week", "2026-11-23", "2026-11-30"),
        ("last_week", "2026-11-16", "2026-11-23"),
        ("this_month", "2026-11-01", "2026-12-01"),
        ("next_month", "2026-12-01", "2027-01-01"),
        ("last_month", "2026-10-01", "2026-11-01"),
        ("this_quarter", "2026-10-01", "2027-01-01"),
        ("last_quarter", "2026-07-01", "2026-10-01"),
        ("this_year", "2026-01-01", "2027-01-01"),
        ("last_year", "2025-01-01", "2026-01-01"),
    ],
)
def test_range_words_are_shanghai_days(word, first, after):
    now = datetime(2026, 11, 25, 2, tzinfo=UTC)
    start, end = range_bounds(word, now, to_local(now).date())
    assert (to_local(start).date().isoformat(), to_local(end).date().isoformat()) == (first, after)


@pytest.mark.parametrize("word", ["this_decade", "some_week"])
def test_unknown_range_words_are_refused(word):
    now = datetime(2026, 11, 25, 2, tzinfo=UTC)
    with pytest.raises(Invalid):
        range_bounds(word, now, to_local(now).date())


@pytest.mark.parametrize("span", [("2026-01-01", "9999-12-31"), ("0001-01-01", "2026-01-01"), ("2026", "2027")])
def test_a_span_outside_the_calendar_is_refused(span: tuple[str, str]) -> None:
    with pytest.raises(Invalid):
        range_bounds({"from": span[0], "to": span[1]}, START, date(2026, 11, 25))
