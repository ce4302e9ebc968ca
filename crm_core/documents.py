"""Files under a customer (文档): what was sent in chat or by the API, kept in pieces, found by the customer's name.

The content stands in the database, so that a backup holds it, a copy moves it and an erasure takes it away. It is written
piece by piece, each in a transaction of its own, so that nobody who writes waits for a large file.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from enum import StrEnum
from pathlib import PurePath
from typing import Any

import msgspec
from tortoise import fields
from tortoise.expressions import Q, Subquery
from tortoise.queryset import QuerySet

from crm_core import access
from crm_core.access import Actor, Role
from crm_core.activities import SUBJECT_MODELS, Subject, load_subject
from crm_core.customers import Contact, Customer, require_change
from crm_core.db import Entity, UtcDatetimeField
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.leads import Lead, require_claimed
from crm_core.messages import Address
from crm_core.opportunities import Opportunity
from crm_core.ports import Core

PIECE_BYTES = 384 * 1024
MOST_SHOWN = 20
TICKET_LASTS = timedelta(minutes=30)
_UNSEEN = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")


class DocumentStatus(StrEnum):
    """How far a file is."""

    WAITING = "waiting"
    """Its content is still to be fetched or sent."""
    READY = "ready"
    FAILED = "failed"


class DocumentTooLarge(Invalid):
    """Over `[daily_work] max_file_mib`."""

    code = "document.too_large"
    text = "文件超过{most}MB，请压缩后再发"


class DocumentNotReady(Conflict):
    """Its content did not come."""

    code = "document.not_ready"
    text = "文件「{name}」还没有存好，请稍后再试或重新发送"


class Document(Entity):
    """A file under a lead, contact, customer or deal. Removed by a mark."""

    owner_field = "author_id"

    subject_kind = fields.CharField(max_length=16)
    subject_id = fields.BigIntField()
    name = fields.CharField(max_length=200)
    size_bytes = fields.BigIntField(default=0)
    digest = fields.CharField(max_length=64, default="")
    status = fields.CharField(max_length=16, default=DocumentStatus.WAITING.value, db_index=True)
    author_id = fields.BigIntField(null=True, db_index=True)
    told_to = fields.CharField(max_length=500, default="")
    """The chat it was sent in, as JSON."""
    media = fields.TextField(default="")
    """What the channel needs to fetch it, as JSON."""
    wanted_at = UtcDatetimeField(null=True, db_index=True)
    """Since when somebody waits for it in the chat of `told_to`."""
    removed_at = UtcDatetimeField(null=True)

    @classmethod
    def visible_to(cls, actor: Actor) -> Q:
        """Select what stands under the records the actor may see, and what they sent themselves.

        Of a lead of the pool a salesperson sees no file before they have claimed it.
        """
        team: Any = list(actor.team or {actor.employee_id})
        seen = Q(author_id__in=team)
        for kind, model in SUBJECT_MODELS.items():
            rows = access.visible(model, actor)
            if kind == "lead" and actor.role is Role.SALES:
                rows = rows.exclude(owner_id=None)
            theirs: Any = rows.values("id")
            seen |= Q(subject_kind=kind, subject_id__in=Subquery(theirs))
        return seen

    class Meta:
        """Found by subject."""

        table = "documents"
        indexes = (("subject_kind", "subject_id"),)

    @property
    def address(self) -> Address | None:
        """Tell which chat is told when it is kept."""
        return msgspec.json.decode(self.told_to, type=Address) if self.told_to else None


class DocumentPart(Entity):
    """A piece of a file."""

    document_id = fields.BigIntField()
    number = fields.IntField()
    content_code = fields.TextField()
    """Base64: what moves and copies databases knows texts alone."""

    class Meta:
        """In order."""

        table = "document_parts"
        unique_together = (("document_id", "number"),)


def clean_name(name: str, fallback: str = "文件") -> str:
    """Make a name that is one, whatever was sent: no folder, no sign a system takes for its own."""
    plain = _UNSEEN.sub("", PurePath(name.replace("\\", "/")).name).strip(" .")
    return plain[-200:] or fallback


async def begin(
    core: Core,
    actor: Actor,
    subject: Subject,
    name: str,
    *,
    media: Mapping[str, object] | None = None,
    told_to: Address | None = None,
) -> Document:
    """File a document under a record one may see; its content comes after. Raises: NotFound; Refused."""
    access.require(actor, "documents:write")
    async with core.db.transaction():
        subject = await load_subject(actor, subject.kind, subject.id)
        made: Document = await Document.add(
            core,
            subject_kind=subject.kind,
            subject_id=subject.id,
            name=clean_name(name),
            author_id=actor.employee_id,
            media=msgspec.json.encode(media).decode() if media else "",
            told_to=msgspec.json.encode(told_to).decode() if told_to else "",
        )
        await access.record(core, actor, "document.add", made, after={"kind": subject.kind, "id": subject.id})
    return made


async def store(core: Core, row: Document, parts: AsyncIterator[bytes]) -> Document:
    """Keep the content of a document that waits for it, piece by piece. Raises: DocumentTooLarge; Invalid for an empty one."""
    await DocumentPart.filter(document_id=row.id).delete()  # of a try that was cut off
    most, size, number, digest, held = core.settings.daily_work.max_file_mib << 20, 0, 0, hashlib.sha256(), b""
    async for part in parts:
        size += len(part)
        if size > most:
            await DocumentPart.filter(document_id=row.id).delete()
            raise DocumentTooLarge(field="file", reason="size", most=core.settings.daily_work.max_file_mib)
        digest.update(part)
        held += part
        while len(held) >= PIECE_BYTES:
            await _keep(core, row.id, number, held[:PIECE_BYTES])
            number, held = number + 1, held[PIECE_BYTES:]
    if not size:
        raise Invalid(field="file", reason="文件是空的")
    if held:
        await _keep(core, row.id, number, held)
    now = core.clock.now()
    values = {"size_bytes": size, "digest": digest.hexdigest(), "media": "", "status": DocumentStatus.READY.value}
    await Document.filter(id=row.id, status=DocumentStatus.WAITING.value).update(**values, updated_at=now)
    return await Document.get(id=row.id)


async def _keep(core: Core, document_id: int, number: int, piece: bytes) -> None:
    await DocumentPart.add(core, document_id=document_id, number=number, content_code=base64.b64encode(piece).decode())


async def fail(core: Core, row: Document) -> None:
    """Note that the content did not come."""
    waiting = Document.filter(id=row.id, status=DocumentStatus.WAITING.value)
    await waiting.update(status=DocumentStatus.FAILED.value, media="", updated_at=core.clock.now())


async def content(row: Document) -> AsyncIterator[bytes]:
    """Give the content piece by piece. Raises: DocumentNotReady."""
    if row.status != DocumentStatus.READY.value or row.removed_at is not None:
        raise DocumentNotReady(name=row.name[:30])
    number = 0
    while (part := await DocumentPart.get_or_none(document_id=row.id, number=number)) is not None:
        yield base64.b64decode(part.content_code)
        number += 1


async def remove(core: Core, actor: Actor, document_id: int, *, undo: bool = False) -> Document:
    """Take a document off (删文件), or put it back; the content stays, so that it can be put back.

    Raises: NotFound; Refused for whoever neither filed it nor may change the record; LeadNotOwned.
    """
    access.require(actor, "documents:write")
    async with core.db.transaction():
        row = await access.load(Document, actor, document_id)
        await _require_mine(actor, row)
        await row.change(core, removed_at=None if undo else core.clock.now())
        await access.record(core, actor, "document.restore" if undo else "document.remove", row)
    return row


async def _require_mine(actor: Actor, row: Document) -> None:
    if row.author_id is not None and row.author_id in (actor.team or {actor.employee_id}):
        return
    subject = await access.load(SUBJECT_MODELS[row.subject_kind], actor, row.subject_id)
    if isinstance(subject, Lead):
        require_claimed(actor, subject)
    elif isinstance(subject, Opportunity):
        await require_change(actor, await access.load(Customer, actor, subject.customer_id))
    else:
        await require_change(actor, subject)


async def of_subject(actor: Actor, subject: Subject, *, limit: int = MOST_SHOWN) -> list[Document]:
    """List the files of a record, newest first; a customer's are those of everybody there too."""
    access.require(actor, "documents:read")
    about = Q(subject_kind=subject.kind, subject_id=subject.id)
    if subject.kind == "customer":
        contacts = list(await Contact.filter(customer_id=subject.id).limit(500).values_list("id", flat=True))
        leads = list(await Lead.filter(customer_id=subject.id).limit(500).values_list("id", flat=True))
        about |= Q(subject_kind="contact", subject_id__in=contacts) | Q(subject_kind="lead", subject_id__in=leads)
    return await listed(actor).filter(about).order_by("-id").limit(limit)


def listed(actor: Actor) -> "QuerySet[Document]":
    """Select the files the actor may see that were not removed."""
    return access.visible(Document, actor).filter(removed_at=None).exclude(status=DocumentStatus.FAILED.value)


async def want(core: Core, actor: Actor, document_id: int, address: Address) -> tuple[Document, bool]:
    """Ask for a file to be sent into a chat (取文件); tells whether it will be, or somebody else just waits for it.

    Raises: NotFound; DocumentNotReady.
    """
    row = await load(actor, document_id)
    if row.status != DocumentStatus.READY.value:
        raise DocumentNotReady(name=row.name[:30])
    now = core.clock.now()
    values = {"wanted_at": now, "told_to": msgspec.json.encode(address).decode(), "updated_at": now}
    async with core.db.transaction():
        taken = bool(await Document.filter(id=row.id, wanted_at=None).update(**values))
        if taken:
            await access.record(core, actor, "document.fetch", row)
    return await Document.get(id=row.id), taken


async def make_ticket(core: Core, actor: Actor, row: Document) -> str:
    """Make the ticket with which a file is fetched once within half an hour; the look is written down."""
    ticket = secrets.token_urlsafe(24)
    await core.state.set(f"document:{ticket}", str(row.id), lasts=TICKET_LASTS)
    async with core.db.transaction():
        await access.record(core, actor, "document.fetch", row)
    return ticket


async def take_ticket(core: Core, ticket: str) -> Document:
    """Tell the file of a ticket, and use the ticket up. Raises: NotFound."""
    number = await core.state.get(f"document:{ticket}")
    row = await Document.get_or_none(id=int(number), removed_at=None) if number else None
    if row is None or not await core.state.discard(f"document:{ticket}", number or ""):
        raise NotFound
    return row


async def load(actor: Actor, document_id: int) -> Document:
    """Load a file that is there. Raises: NotFound."""
    row = await access.load(Document, actor, document_id)
    if row.removed_at is not None:
        raise NotFound
    return row
