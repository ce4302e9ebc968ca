"""Each hour: write the newest digest of the audit trail into the log, which a collector keeps elsewhere (存证)."""

from datetime import timedelta

import structlog

from crm_core import audit
from crm_core.ports import Core
from scheduler.queue import Periodic

log = structlog.get_logger(__name__)


async def run(core: Core) -> bool:
    """Write down the newest digest; tells whether there is one."""
    newest = await audit.newest(core)
    if newest is not None:
        log.info("audit_anchor", block=newest.block, digest=newest.in_log())
    return newest is not None


PERIODIC = Periodic(name="audit_anchor", every=timedelta(hours=1), run=run)
