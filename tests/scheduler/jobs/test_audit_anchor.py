"""The hourly anchor: the newest digest in the log, whole behind the log's filter."""

import io
import json

from bot import logs
from crm_core import access, audit
from crm_core.audit import AuditBlock
from crm_core.ports import Core
from scheduler.jobs.audit_anchor import PERIODIC
from tests.factories import SYSTEM


async def test_newest_digest_is_written_as_it_is(core: Core) -> None:
    stream = io.StringIO()
    logs.configure(stream=stream)
    await PERIODIC.run(core)
    assert stream.getvalue() == ""
    await access.record(core, SYSTEM, "lead.claim", ("leads", 1))
    await audit.seal(core)
    # As unlucky as can be: its digits are a mobile.
    digest = "13812345678" + "a" * 53
    await AuditBlock.all().update(digest=digest)
    await PERIODIC.run(core)
    told = json.loads(stream.getvalue())
    assert (told["event"], told["block"]) == ("audit_anchor", 1)
    assert told["digest"].replace(":", "") == digest
