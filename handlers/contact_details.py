"""An external contact as the platform describes them: account and lead where there are none, a name where none is known."""

from dataclasses import dataclass
from datetime import datetime

from crm_core import leads
from crm_core.accounts import PersonKind, ensure_account
from crm_core.contact_follows import note_follow
from crm_core.messages import Address
from crm_core.ports import Core, Program
from handlers.contact_events import DEFAULT_NAME


@dataclass(frozen=True, slots=True)
class Contact:
    """What the platform tells: words of their own, and who has them since when and by which state."""

    address: Address
    name: str
    company: str = ""
    title: str = ""
    follows: tuple[tuple[str, datetime | None, str], ...] = ()


def take_contact(core: Core, contact: Contact) -> Program[None]:
    """Keep what is told; safe to repeat. Nobody is notified: these people are not new to the house."""
    now = core.clock.now()
    account = yield from ensure_account(core, contact.address, contact.name)
    first = min((at for _, at, _ in contact.follows if at), default=now)
    latest = max((at for _, at, _ in contact.follows if at), default=first)
    for staff_id, at, _ in contact.follows:
        if staff_id:
            yield from note_follow(core, contact.address.channel, contact.address.external_id, staff_id, at or now)
    yield (
        "UPDATE accounts SET nickname = ?, followed_at = coalesce(followed_at, ?), updated_at = ? WHERE id = ?",
        (contact.name[:128], first, now, account.id),
    )
    # Somebody has them again since the end we know of: an event was missed.
    yield (
        "UPDATE accounts SET followed_at = ?, unfollowed_at = NULL WHERE id = ? AND unfollowed_at < ?",
        (latest, account.id, latest),
    )
    default = f"{DEFAULT_NAME}{account.id}"
    if account.person_id is None:
        yield from _make_lead(core, contact, account.id, contact.name or default)
        return
    # Only what nobody has written: a name a colleague gave stays.
    if contact.name:
        yield (
            "UPDATE leads SET name = ?, name_key = NULL, updated_at = ? WHERE person_id = ? AND name = ?",
            (contact.name[:64], now, account.person_id, default),
        )
        yield (
            "UPDATE contacts SET name = ?, name_key = NULL, updated_at = ? WHERE person_id = ? AND name = ?",
            (contact.name[:64], now, account.person_id, default),
        )
    yield (
        "UPDATE leads SET name_key = NULL, company = CASE WHEN company = '' THEN ? ELSE company END,"
        " title = CASE WHEN title = '' THEN ? ELSE title END WHERE person_id = ? AND (company = '' OR title = '')",
        (contact.company[:128], contact.title[:64], account.person_id),
    )


def _make_lead(core: Core, contact: Contact, account_id: int, name: str) -> Program[None]:
    now = core.clock.now()
    source = next((state for _, _, state in contact.follows if state), "")
    channel = contact.address.channel
    lead_id, person_id = yield from leads.insert_from_channel(core, channel=channel, name=name, source=source, raw_text="")
    yield (
        "UPDATE accounts SET person_kind = ?, person_id = ?, updated_at = ? WHERE id = ?",
        (PersonKind.CUSTOMER.value, person_id, now, account_id),
    )
    for staff_id, _, _ in sorted(contact.follows, key=lambda follow: follow[1] or now):
        rows = yield (
            "SELECT e.id FROM accounts a JOIN employees e ON e.person_id = a.person_id WHERE a.channel = ?"
            " AND a.external_id = ? AND a.person_kind = 'employee' AND e.departed_at IS NULL",
            (channel, staff_id),
        )
        if rows:
            yield "UPDATE leads SET owner_id = ?, claimed_at = ? WHERE id = ?", (rows[0][0], now, lead_id)
            break
    yield (
        "UPDATE leads SET company = ?, name_key = NULL, title = ? WHERE id = ?",
        (contact.company[:128], contact.title[:64], lead_id),
    )
