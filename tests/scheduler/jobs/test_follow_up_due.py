"""The morning list: once a day, at half past eight, to each owner with something open."""

from datetime import UTC, datetime, timedelta

from crm_core.conversations import Message
from scheduler import reminders
from scheduler.jobs import follow_up_due
from scheduler.jobs.follow_up_due import SHOWN, list_text
from tests.factories import make_actor


async def texts() -> list[str]:
    return list(await Message.filter(direction="out").order_by("id").values_list("text", flat=True))


async def test_each_owner_is_told_once_at_half_past_eight(core, clock):
    clock.set(datetime(2026, 11, 24, 23, 0, tzinfo=UTC))
    wang, li = await make_actor(core, staff_id="wang"), await make_actor(core, "小李", staff_id="li")
    await make_actor(core, "小赵", staff_id="zhao")
    day = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)
    for actor, text, at in (
        (wang, "联系王总", day),
        (wang, "催合同", day - timedelta(days=2)),
        (li, "寄样品", day),
        (li, "明天的", day + timedelta(days=1)),
    ):
        await reminders.create(core, actor, text=text, at=at)
    assert await follow_up_due.run(core) is False
    clock.set(datetime(2026, 11, 25, 0, 30, tzinfo=UTC))
    assert await follow_up_due.run(core) is True
    assert await follow_up_due.PERIODIC.run(core) is False
    assert await texts() == [
        "今日待办2条，其中逾期1条：\n1. 11月23日（逾期） 催合同\n2. 09:00 联系王总",
        "今日待办1条：\n1. 09:00 寄样品",
    ]
    clock.set(datetime(2026, 11, 26, 0, 30, tzinfo=UTC))
    assert await follow_up_due.run(core) is True
    assert len(await texts()) == 4


async def test_a_crash_before_the_slot_tells_nobody_twice(core, clock):
    wang = await make_actor(core, staff_id="wang")
    await reminders.create(core, wang, text="联系王总", at=clock.now())
    await core.db.run(follow_up_due._tell_all(core))
    assert await follow_up_due.run(core) is True
    assert len(await texts()) == 1


def test_a_long_list_is_cut_and_counted():
    start = datetime(2026, 11, 24, 16, tzinfo=UTC)
    text = list_text([(start + timedelta(hours=9), "联系客户")] * (SHOWN + 3), start)
    assert text.count("\n") == SHOWN + 1
    assert text.endswith("另有3条，回复“待办”查看")
