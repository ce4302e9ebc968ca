"""The job of values: in pages, each customer once."""

from crm_core.customers import Customer
from crm_core.ports import Core
from scheduler.jobs import customer_values as job


async def test_a_filled_table_is_valued_in_pages(core: Core) -> None:
    now = core.clock.now()
    await Customer.bulk_create([Customer(name=f"客户{n}", created_at=now, updated_at=now) for n in range(450)])
    assert await job.run(core) == 450
    assert await Customer.filter(value_points=None).count() == 0
    assert await job.run(core) == 0
