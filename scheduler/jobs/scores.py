"""Every other second: score who did something, whose points fade today, and everybody after the rules changed (评分)."""

from datetime import timedelta

from crm_core import score_runs
from crm_core.ports import Core
from scheduler.queue import Periodic


async def run(core: Core) -> int:
    """Score what is due; tells how many."""
    return await score_runs.catch_up(core)


PERIODIC = Periodic(name="scores", every=timedelta(seconds=2), run=run, time_limit=timedelta(minutes=30))
