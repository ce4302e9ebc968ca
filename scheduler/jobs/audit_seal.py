"""Each second: chain what the audit trail got since (封存)."""

from datetime import timedelta

from crm_core import audit
from crm_core.ports import Core
from scheduler.queue import Periodic


async def run(core: Core) -> int:
    """Seal what is not sealed yet; tells how many entries."""
    return await audit.seal(core)


PERIODIC = Periodic(name="audit_seal", every=timedelta(seconds=1), run=run)
