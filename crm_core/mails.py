"""Mails copied to the drop address (邮件往来): whose they are, whom they are about, and their record on the timeline.

Only mails of known senders are taken: an employee's own address, or the address of a contact or lead. What comes over the
wire is parsed in `bot/mail_drop.py`; here it is a few plain words already.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tortoise import fields

from crm_core import access, employees
from crm_core.access import Actor
from crm_core.activities import FollowUp, Method, add_follow_up, subject_of
from crm_core.customers import Contact
from crm_core.db import Entity
from crm_core.employees import Employee
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.leads import Lead
from crm_core.messages import Body, Guarantee
from crm_core.ports import Core, Program
from crm_core.wording import lines, words

MOST_ADDRESSES = 50
"""Of one mail that are looked at."""
SUMMARY = 1000
"""Characters of a mail that are kept with its record."""
LATE = timedelta(days=30)
"""How far the date a mail bears may lie back; an older or later one counts as now."""
_ADDRESS = re.compile(r"[a-z0-9._%+'-]{1,64}@[a-z0-9-]+(?:\.[a-z0-9-]+)+")


class AddressTaken(Conflict):
    """Of two people with one address nobody could tell whose mail it is."""

    code = "mail.address_taken"
    text = "邮箱 {address} 已登记给别的同事"


class UnknownSender(NotFound):
    """Neither a colleague's address nor a customer's."""

    code = "mail.unknown_sender"
    text = "发件人不是已登记的同事或客户，邮件没有记录"


class NobodyMeant(NotFound):
    """None of the addresses is a contact's or a lead's the sender may see."""

    code = "mail.nobody_meant"
    text = "邮件里没有认识的客户邮箱，没有记录"


class MailAddress(Entity):
    """The address an employee writes from."""

    owner_field = "employee_id"

    employee_id = fields.BigIntField(db_index=True)
    address = fields.CharField(max_length=128, unique=True)

    class Meta:
        """Few rows."""

        table = "mail_addresses"


class Mail(Entity):
    """One mail that was taken: the same one again is known by its id's digest."""

    message_digest = fields.CharField(max_length=64, unique=True)
    subject_kind = fields.CharField(max_length=16)
    subject_id = fields.BigIntField()
    follow_up_id = fields.BigIntField()
    employee_id = fields.BigIntField(null=True)
    """Who of the house wrote it; nobody: the customer did."""
    size_bytes = fields.BigIntField(default=0)
    attachment_count = fields.IntField(default=0)

    class Meta:
        """Found by subject."""

        table = "mails"
        indexes = (("subject_kind", "subject_id"),)


@dataclass(frozen=True, slots=True)
class Received:
    """A mail as it is understood: addresses in small letters, plain words."""

    digest: str
    sender: str
    others: tuple[str, ...]
    subject: str
    text: str
    at: datetime | None = None
    size_bytes: int = 0
    attachments: tuple[str, ...] = ()


def clean_address(text: str) -> str:
    """Check an address. Raises: Invalid."""
    said = words(text).strip("<>").casefold()
    if len(said) > 128 or not _ADDRESS.fullmatch(said):
        raise Invalid(field="address", reason="邮箱格式不对")
    return said


async def set_address(core: Core, actor: Actor, employee_id: int, address: str) -> MailAddress:
    """Say from which address an employee writes: one's own, or anybody's as admin. Raises: Invalid; AddressTaken; Refused."""
    if employee_id != actor.employee_id:
        access.require(actor, "employees:write")
    said = clean_address(address)
    async with core.db.transaction():
        await access.load(Employee, actor, employee_id)
        row = await MailAddress.get_or_none(address=said)
        if row is not None and row.employee_id != employee_id:
            raise AddressTaken(address=said)
        if row is None:
            row = await MailAddress.add(core, employee_id=employee_id, address=said)
            await access.record(core, actor, "mail_address.add", ("employees", employee_id))
    return row


async def drop_address(core: Core, actor: Actor, address_id: int) -> None:
    """Forget an address. Raises: NotFound; Refused."""
    row = await MailAddress.get_or_none(id=address_id)
    if row is None:
        raise NotFound
    if row.employee_id != actor.employee_id:
        access.require(actor, "employees:write")
    async with core.db.transaction():
        await row.delete()
        await access.record(core, actor, "mail_address.drop", ("employees", row.employee_id))


async def is_known(core: Core, sender: str) -> bool:
    """Tell whether a sender is a colleague or a customer, before anything of the mail is read."""
    return await MailAddress.filter(address=sender).exists() or await _find(core, (sender,), None) is not None


async def take(core: Core, mail: Received) -> FollowUp | None:
    """Put a mail on the timeline of the customer it is from or to; None when it was taken before.

    Raises: UnknownSender; NobodyMeant.
    """
    async with core.db.transaction():
        await core.db.serialize(f"mail:{mail.digest}")
        if await Mail.filter(message_digest=mail.digest).exists():
            return None
        writer = await _writer(mail.sender)
        if writer is not None:
            made = await _from_colleague(core, await employees.actor_of(writer), mail)
        else:
            made = await _from_customer(core, mail)
        await Mail.add(
            core,
            message_digest=mail.digest,
            subject_kind=made.subject_kind,
            subject_id=made.subject_id,
            follow_up_id=made.id,
            employee_id=writer.id if writer else None,
            size_bytes=mail.size_bytes,
            attachment_count=len(mail.attachments),
        )
    return made


async def _writer(sender: str) -> Employee | None:
    row = await MailAddress.get_or_none(address=sender)
    return await Employee.get_or_none(id=row.employee_id, departed_at=None) if row else None


async def _from_colleague(core: Core, actor: Actor, mail: Received) -> FollowUp:
    found = await _find(core, mail.others, actor)
    if found is None:
        raise NobodyMeant
    return await add_follow_up(
        core, actor, subject_of(found), at=_at(core, mail), method=Method.EMAIL.value, summary=summary_of(mail)
    )


async def _from_customer(core: Core, mail: Received) -> FollowUp:
    """Keep a customer's mail as theirs: it is on the timeline, and does not count as ours having followed up."""
    found = await _find(core, (mail.sender,), None)
    if found is None:
        raise UnknownSender
    subject = subject_of(found)
    made: FollowUp = await FollowUp.add(
        core,
        subject_kind=subject.kind,
        subject_id=subject.id,
        person=subject.name,
        method=Method.EMAIL.value,
        at=_at(core, mail),
        summary=f"客户来信：{summary_of(mail)}",
    )
    await access.record(core, Actor.of_system("mail"), "mail.take", made)
    address = await employees.staff_address(core, subject.owner_id) if subject.owner_id else None
    if address is not None:
        told = Body(text=f"【客户来信】{subject.name}：{mail.subject[:80]}")
        await core.outbox.put(address, told, key=f"mail:{made.id}", guarantee=Guarantee.AT_LEAST_ONCE)
    return made


async def _find(core: Core, addresses: Sequence[str], actor: Actor | None) -> Contact | Lead | None:
    """Find whose address one of these is: a contact before a lead, and only whom the writer may see."""
    who = actor or Actor.of_system("mail")
    contacts = await core.db.read(_with_address("contacts", addresses))
    contact: Contact | None = await access.visible(Contact, who).filter(id__in=contacts).order_by("id").first()
    if contact is not None:
        return contact
    leads = await core.db.read(_with_address("leads", addresses))
    open_ones = access.visible(Lead, who).filter(id__in=leads, status__in=["new", "following"])
    return await open_ones.order_by("id").first()


def _with_address(table: str, addresses: Sequence[str]) -> Program[list[int]]:
    some = list(addresses)[:MOST_ADDRESSES]
    if not some:
        return []
    marks = ", ".join("?" * len(some))
    rows = yield f"SELECT id FROM {table} WHERE lower(email) IN ({marks}) LIMIT 200", some  # noqa: S608 - our own names
    return [int(number) for (number,) in rows]


def _at(core: Core, mail: Received) -> datetime:
    now = core.clock.now()
    return mail.at if mail.at is not None and now - LATE <= mail.at <= now else now


def summary_of(mail: Received) -> str:
    """Put a mail into a few words: its subject, its beginning, the names of what is attached."""
    parts = [words(mail.subject)[:200] or "（无主题）", lines(mail.text)[:SUMMARY]]
    parts += [f"附件：{'、'.join(words(name)[:60] for name in mail.attachments[:10])}"] if mail.attachments else []
    return "\n".join(part for part in parts if part)
