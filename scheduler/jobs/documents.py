"""Files sent in chat: fetch each from its platform and keep it; a file that cannot be had is told in the chat."""

from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import structlog

from crm_core import documents
from crm_core.documents import Document, DocumentStatus
from crm_core.errors import CrmError
from crm_core.messages import Body, Guarantee
from crm_core.ports import Core
from scheduler.queue import Periodic

log = structlog.get_logger(__name__)

PAGE = 10
GIVE_UP_AFTER = timedelta(hours=1)
"""A file that is to be sent over the API and does not come."""


async def run(core: Core) -> int:
    """Fetch what waits; tells how many were done with."""
    waiting = Document.filter(status=DocumentStatus.WAITING.value)
    count = 0
    for row in await waiting.order_by("id").limit(PAGE):
        count += await _fetch(core, row)
    return count


async def _fetch(core: Core, row: Document) -> bool:
    address = row.address
    if not row.media or address is None:
        if core.clock.now() - row.created_at < GIVE_UP_AFTER:
            return False  # it is still on its way here
        await documents.fail(core, row)
        return True
    if row.removed_at is not None:
        await documents.fail(core, row)
        return True
    try:
        most = core.settings.daily_work.max_file_mib << 20
        content = await core.files.fetch(address.channel, msgspec.json.decode(row.media), most)
        await documents.store(core, row, _whole(content))
    except CrmError as error:
        log.warning("document_not_kept", document_id=row.id, code=error.code)
        await documents.fail(core, row)
        words = Body(text=f"文件「{row.name}」没有存上：{error.sentence()}")
        await core.outbox.put(address, words, key=f"document:{row.id}:failed", guarantee=Guarantee.AT_LEAST_ONCE)
    return True


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content


PERIODIC = Periodic(name="documents", every=timedelta(seconds=2), run=run, time_limit=timedelta(minutes=10))
"""Found by their state, so that a restart goes on where the last process stopped."""
