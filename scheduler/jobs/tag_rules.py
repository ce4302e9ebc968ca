"""Every few seconds: set the tags of rules on whoever changed (系统标签)."""

from datetime import timedelta

from crm_core import rule_tagging
from crm_core.ports import Core
from scheduler.queue import Periodic


async def run(core: Core) -> int:
    """Run what is due; tells how many taggings were set or taken off."""
    return sum(done.set_count + done.taken_count for done in await rule_tagging.run_due(core))


PERIODIC = Periodic(name="tag_rules", every=timedelta(seconds=5), run=run, time_limit=timedelta(minutes=30))
