"""The job that moves what was counted aside."""

from crm_core import rollups
from crm_core.customers import Customer
from scheduler.jobs import rollups as job


async def test_it_catches_up_and_leaves_the_counts_right(core):
    await Customer.add(core, name="云帆")
    moved = await job.run(core)
    assert moved == (0 if core.db.alone else 4)
    assert await rollups.differences(core) == {}
    assert await job.run(core) == 0
