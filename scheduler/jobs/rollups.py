"""Every few seconds: move what was counted aside into the counts of the dashboard."""

from datetime import timedelta

from crm_core import rollups
from crm_core.ports import Core
from scheduler.queue import Periodic

WORTH_A_COMMIT = 500
"""Messages that may wait on SQLite: reading adds them up in less than a commit takes."""


async def run(core: Core) -> int:
    """Catch up; tells how many rows were moved."""
    return await rollups.catch_up(core, at_least=WORTH_A_COMMIT)


PERIODIC = Periodic(name="rollups", every=timedelta(seconds=5), run=run, time_limit=timedelta(minutes=30))
