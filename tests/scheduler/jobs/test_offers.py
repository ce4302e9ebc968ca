"""The offers' job; what it does to offers is tested with the use case (tests/crm_core/test_assignment.py)."""

from crm_core.ports import Core
from scheduler.jobs import offers


async def test_nothing_to_do_is_done_quickly(core: Core) -> None:
    assert await offers.PERIODIC.run(core) == 0
