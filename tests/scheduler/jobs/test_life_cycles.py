"""The job of life cycles: from a filled table to states, in pages; the warning's words."""

from crm_core.customers import Customer
from crm_core.ports import Core
from scheduler.jobs import life_cycles as job
from tests.fakes import FakeClock


async def test_a_filled_table_is_looked_at_in_pages(core: Core, clock: FakeClock) -> None:
    now = clock.now()
    await Customer.bulk_create([Customer(name=f"客户{n}", created_at=now, updated_at=now) for n in range(450)])
    clock.advance(100 * 86400)
    assert await job.run(core) == 450
    assert await Customer.filter(life_cycle="dormant", status="dormant").count() == 450
    assert await job.run(core) == 0


def test_the_warning_names_ten_and_counts_the_rest() -> None:
    said = job.warning_text([(f"客户{n}", "user") for n in range(12)])
    assert said.splitlines()[0] == "有12个客户快要失去联系了："
    assert "· 客户0（用户）" in said
    assert "另有2个" in said
