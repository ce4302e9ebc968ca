"""The job of life cycles: from a filled table to states, in pages; the warning's words."""

import pytest

from crm_core.conversations import Message
from crm_core.customers import Customer
from crm_core.ports import Core
from scheduler.jobs import life_cycles as job
from tests.factories import make_employee
from tests.fakes import FakeClock


async def test_a_filled_table_is_looked_at_in_pages(core: Core, clock: FakeClock) -> None:
    now = clock.now()
    await Customer.bulk_create([Customer(name=f"客户{n}", created_at=now, updated_at=now) for n in range(450)])
    clock.advance(100 * 86400)
    assert await job.run(core) == 450
    assert await Customer.filter(life_cycle="dormant", status="dormant").count() == 450
    assert await job.run(core) == 0


def test_the_warning_names_ten_and_counts_the_rest() -> None:
    said = job.warning_text([(f"客户{n}", "user") for n in range(12)], 12)
    assert said.splitlines()[0] == "有12个客户快要失去联系了："
    assert "· 客户0（用户）" in said
    assert "另有2个" in said


async def test_each_owner_is_told_once_however_many_pages_there_are(
    core: Core, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "WARNED_PAGE", 3)
    people = [await make_employee(core, name, staff_id=name) for name in ("wang", "li")]
    owners = [people[0].id, people[1].id, None]
    now = clock.now()
    rows = [Customer(name=f"客户{n}", owner_id=owners[n % 3], created_at=now, updated_at=now) for n in range(36)]
    for row in rows:
        row.churn_warned_at = now
    await Customer.bulk_create(rows)
    assert await job.tell_all(core) == 36
    told = await Message.filter(topic="churn_warnings").order_by("id")
    assert [row.text.splitlines()[0] for row in told] == ["有12个客户快要失去联系了："] * 2
    assert "另有2个" in told[0].text
    assert await Customer.filter(churn_told_at=None).count() == 0
    assert await job.tell_all(core) == 0
