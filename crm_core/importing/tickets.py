"""Tickets for a page on which a table is sent (上传链接): WeCom gives applications no files, and large ones fit no chat."""

import hashlib
import secrets
from datetime import timedelta

import msgspec

from crm_core.messages import Address
from crm_core.ports import Core

LASTS = timedelta(hours=1)


class Ticket(msgspec.Struct, frozen=True):
    """Whose table it will be, and in which chat is told what becomes of it."""

    employee_id: int
    kind: str
    address: Address


async def issue(core: Core, employee_id: int, kind: str, address: Address) -> str:
    """Make a ticket; who has it may send tables in this person's name for an hour."""
    made = secrets.token_urlsafe(24)
    await core.state.set(_key(made), msgspec.json.encode(Ticket(employee_id, kind, address)).decode(), lasts=LASTS)
    return made


async def look_up(core: Core, ticket: str) -> Ticket | None:
    """Find what a ticket is for; None when it is none, or too old."""
    kept = await core.state.get(_key(ticket)) if len(ticket) <= 64 else None
    return msgspec.json.decode(kept, type=Ticket) if kept else None


def _key(ticket: str) -> str:
    # What is kept does not open the page.
    return f"import_ticket:{hashlib.sha256(ticket.encode('utf-8', 'replace')).hexdigest()}"
