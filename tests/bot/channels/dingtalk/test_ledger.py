"""The month's calls: counted over restarts and processes, admins told in time and once."""

from datetime import UTC, datetime, timedelta

from bot.channels.dingtalk.ledger import CallLedger
from crm_core.access import Role
from crm_core.conversations import Message
from crm_core.ports import Core
from tests.factories import make_employee
from tests.fakes import FakeClock


def ledger_of(core: Core, clock: FakeClock, month_calls: int = 100) -> CallLedger:
    made = CallLedger("dingtalk", clock, month_calls=month_calls)
    made.attach(core)
    return made


def spend(ledger: CallLedger, number: int, api: str = "/v1.0/robot/oToMessages/batchSend") -> None:
    for _ in range(number):
        ledger.count(api)


async def test_counts_survive_a_restart_and_are_those_of_all_processes(core: Core, clock: FakeClock) -> None:
    first, second = ledger_of(core, clock), ledger_of(core, clock)
    spend(first, 3)
    spend(second, 2, "stream_push")
    second.count_beside("robot/send")
    assert (first.used, second.used) == (3, 2)
    await first.flush()
    await second.flush()
    assert second.used == 5
    again = ledger_of(core, clock)
    await again.flush(look=True)
    assert again.used == 5
    assert await again.by_api() == {"/v1.0/robot/oToMessages/batchSend": 3, "stream_push": 2, "+robot/send": 1}


async def test_a_month_begins_in_shanghai(core: Core, clock: FakeClock) -> None:
    ledger = ledger_of(core, clock)
    clock.set(datetime(2026, 11, 30, 15, 59, tzinfo=UTC))
    spend(ledger, 4)
    clock.set(datetime(2026, 11, 30, 16, 0, tzinfo=UTC))
    assert ledger.used == 0
    spend(ledger, 1)
    await ledger.flush()
    assert (ledger.used, sum((await ledger.by_api("2026-11")).values())) == (1, 4)


async def test_admins_are_told_at_eighty_percent_and_at_the_end_once_each(core: Core, clock: FakeClock) -> None:
    await make_employee(core, "老板", Role.ADMIN, staff_id="boss")
    await make_employee(core, "小王", Role.SALES, staff_id="wang")
    ledger = ledger_of(core, clock)
    for count, told in ((79, 0), (1, 1), (5, 1), (15, 2), (5, 2)):
        spend(ledger, count)
        await ledger.flush()
        clock.advance(timedelta(minutes=1))
        assert await Message.filter(direction="out").count() == told
    ledger.exhausted()
    await ledger.flush()
    await ledger.flush()
    rows = await Message.filter(direction="out").order_by("id")
    assert [row.external_account for row in rows] == ["boss"] * 3
    assert "80%" in rows[0].text
    assert "100次" in rows[1].text
    assert "已用完" in rows[2].text
    another = ledger_of(core, clock)
    another.exhausted()
    await another.flush()
    assert await Message.filter(direction="out").count() == 3


async def test_an_unwatched_month_warns_nobody_and_nothing_is_kept_without_a_core(core: Core, clock: FakeClock) -> None:
    await make_employee(core, "老板", Role.ADMIN, staff_id="boss")
    ledger = ledger_of(core, clock, month_calls=0)
    spend(ledger, 500)
    await ledger.flush()
    assert await Message.filter(direction="out").count() == 0
    alone = CallLedger("dingtalk", clock, month_calls=5)
    spend(alone, 9)
    await alone.flush()
    assert (alone.used, await alone.by_api()) == (9, {})
