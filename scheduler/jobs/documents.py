"""Files in chat: fetch each that was sent from its platform and keep it, bring up each that somebody asks for.

What cannot be had or given is told in the chat.
"""

from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import structlog

from crm_core import documents
from crm_core.access import Actor
from crm_core.documents import Document, DocumentStatus
from crm_core.errors import CrmError
from crm_core.messages import Body, Guarantee, Kind
from crm_core.ports import Core
from scheduler.queue import Periodic

log = structlog.get_logger(__name__)

ASKED = Actor.of_system("documents")
PAGE = 10
GIVE_UP_AFTER = timedelta(hours=1)
"""A file that is to be sent over the API and does not come."""


async def run(core: Core) -> int:
    """Fetch what waits; tells how many were done with."""
    waiting = Document.filter(status=DocumentStatus.WAITING.value)
    count = 0
    for row in await waiting.order_by("id").limit(PAGE):
        count += await _fetch(core, row)
    for row in await Document.exclude(wanted_at=None).order_by("wanted_at").limit(PAGE):
        count += await _give(core, row)
    return count


async def _give(core: Core, row: Document) -> bool:
    """Send a file into the chat that asked for it; where files cannot be sent, the address it is fetched from."""
    address, key = row.address, f"document:{row.id}:{row.wanted_at:%Y%m%dT%H%M%S%f}"
    if address is not None and row.removed_at is None:
        content = b"".join([piece async for piece in documents.content(row)])
        media_id = await core.files.give(address.channel, row.name, content)
        body = Body(Kind.FILE, text=row.name, media_id=media_id) if media_id else Body(text=await _link(core, row))
        await core.outbox.put(address, body, key=key, guarantee=Guarantee.AT_LEAST_ONCE)
    await Document.filter(id=row.id, wanted_at=row.wanted_at).update(wanted_at=None)
    return True


async def _link(core: Core, row: Document) -> str:
    if not core.public_url:
        return f"「{row.name}」发不到这里，请用接口下载：/api/v1/documents/{row.id}/link"
    ticket = await documents.make_ticket(core, ASKED, row)
    return f"{row.name}：{core.public_url}/documents/{ticket}（半小时内有效，只能打开一次）"


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
