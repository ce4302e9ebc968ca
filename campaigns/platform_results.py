"""What the platforms report about sends afterwards: a mass call is done, a template message did not arrive.

A report may come before our own books know the number of the send (its answer was lost, or is still under way). It is kept
then, and applied as soon as the number is known. After a broadcast there are many: what changes nothing is not written.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tortoise import fields

from crm_core.db import Entity, UtcDatetimeField
from crm_core.ports import Core, Program
from scheduler.queue import Periodic

MASS = "mass"
TEMPLATE = "template"
SUCCESS = "send success"
"""Status of a mass call that went out. Source: protocols.md section 2.1."""
FILTERED = "filtered_by_platform"
FAILED = "failed_at_platform"
KEPT_FOR = timedelta(days=2)
"""How long a report waits for its send."""
_REASONS = {"failed:user block": "user_blocked", "failed:system failed": "system_failed", "failed:freq limit": "freq_limit"}


class PlatformResult(Entity):
    """One report that found no send yet, or of a mass call."""

    owner_field = None

    channel = fields.CharField(max_length=64)
    kind = fields.CharField(max_length=16)
    external_id = fields.CharField(max_length=64)
    account_id = fields.BigIntField(null=True)
    raw_status = fields.CharField(max_length=64, default="")
    total_count = fields.IntField(default=0)
    filtered_count = fields.IntField(default=0)
    sent_count = fields.IntField(default=0)
    error_count = fields.IntField(default=0)
    at = UtcDatetimeField()
    applied_at = UtcDatetimeField(null=True)

    class Meta:
        """Once a send."""

        table = "platform_results"
        unique_together = (("channel", "kind", "external_id"),)


@dataclass(frozen=True, slots=True)
class Report:
    """What a platform reports of one mass call. `filtered` are the people left after its filter."""

    external_id: str
    raw_status: str
    total: int = 0
    filtered: int = 0
    sent: int = 0
    errors: int = 0


def note_mass(core: Core, channel: str, report: Report, at: datetime) -> Program[None]:
    """Take the report of a mass call (MASSSENDJOBFINISH)."""
    now = core.clock.now()
    yield (
        "INSERT INTO platform_results (channel, kind, external_id, raw_status, total_count, filtered_count, sent_count,"
        " error_count, at, created_at, updated_at) VALUES (?, 'mass', ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (channel, kind, external_id) DO NOTHING",
        (
            channel,
            report.external_id[:64],
            report.raw_status[:64],
            report.total,
            report.filtered,
            report.sent,
            report.errors,
            at,
            now,
            now,
        ),
    )
    yield from apply_early(channel, report.external_id, now)


def apply_early(channel: str, external_id: str, now: datetime) -> Program[None]:
    """Apply the report of a mass call, if both it and the call's number are known."""
    if not external_id:
        return
    rows = yield (
        "SELECT r.id, m.id, r.raw_status, r.total_count, r.filtered_count, r.sent_count, r.error_count"
        " FROM platform_results r JOIN mass_sends m ON m.channel = r.channel AND m.external_id = r.external_id"
        " WHERE r.channel = ? AND r.kind = 'mass' AND r.external_id = ? AND r.applied_at IS NULL"
        " AND m.status = 'handed_over'",
        (channel, external_id[:64]),
    )
    for number, mass_id, raw_status, total, filtered, sent, errors in rows:
        yield from _apply_mass(mass_id, Report(external_id, raw_status, total, filtered, sent, errors), now)
        yield "UPDATE platform_results SET applied_at = ?, updated_at = ? WHERE id = ?", (now, now, number)


def _apply_mass(mass_id: int, report: Report, now: datetime) -> Program[None]:
    yield (
        "UPDATE mass_sends SET status = 'finished', raw_status = ?, total_count = ?, filtered_count = ?, sent_count = ?,"
        " error_count = ?, updated_at = ? WHERE id = ?",
        (report.raw_status, report.total, report.filtered, report.sent, report.errors, now, mass_id),
    )
    if report.raw_status != SUCCESS:
        reason = f"mass_{report.raw_status.replace(' ', '_')}"[:64]
        yield (
            "UPDATE recipients SET status = 'failed', reason = ?, claimed_at = NULL, updated_at = ?"
            " WHERE mass_id = ? AND status = 'handed_over'",
            (reason, now, mass_id),
        )
        return
    # The platform tells numbers and no names: first those it cannot have reached, then those silent for longest.
    for count, reason in ((report.total - report.filtered, FILTERED), (report.errors, FAILED)):
        if count > 0:
            yield (
                "UPDATE recipients SET status = 'failed', reason = ?, updated_at = ? WHERE id IN (SELECT r.id FROM recipients r"
                " LEFT JOIN accounts a ON a.id = r.account_id WHERE r.mass_id = ? AND r.status = 'handed_over'"
                " ORDER BY (a.unfollowed_at IS NULL), coalesce(a.last_inbound_at, a.followed_at, a.created_at), r.id LIMIT ?)",
                (reason, now, mass_id, count),
            )
    yield (
        "UPDATE recipients SET status = 'sent', updated_at = ? WHERE mass_id = ? AND status = 'handed_over'",
        (now, mass_id),
    )


def note_template(
    core: Core, channel: str, account_id: int, *, external_id: str, delivered: bool, raw_status: str, at: datetime
) -> Program[None]:
    """Take the report of a template message (TEMPLATESENDJOBFINISH): only a failure changes anything."""
    if delivered or not external_id:
        return
    now = core.clock.now()
    if (yield from _fail_template(account_id, external_id, raw_status, now)):
        return
    yield (
        "INSERT INTO platform_results (channel, kind, external_id, account_id, raw_status, total_count, filtered_count,"
        " sent_count, error_count, at, created_at, updated_at) VALUES (?, 'template', ?, ?, ?, 0, 0, 0, 0, ?, ?, ?)"
        " ON CONFLICT (channel, kind, external_id) DO NOTHING",
        (channel, external_id[:64], account_id, raw_status[:64], at, now, now),
    )


def reason_of(raw_status: str) -> str:
    """Give the stable code of a template's failure; the platform writes a blank after the colon at times."""
    word = ":".join(part.strip() for part in raw_status.split(":"))
    return _REASONS.get(word, word.replace(" ", "_"))[:64]


def _fail_template(account_id: int, external_id: str, raw_status: str, now: datetime) -> Program[bool]:
    reason = reason_of(raw_status)
    changed = yield (
        "UPDATE recipients SET status = 'failed', reason = ?, updated_at = ? WHERE claimed_at IS NOT NULL AND person_id ="
        " (SELECT person_id FROM accounts WHERE id = ?) AND account_id = ? AND external_id = ?"
        " AND status IN ('sent', 'handed_over')",
        (reason, now, account_id, account_id, external_id),
    )
    if changed:
        return True
    changed = yield (
        "UPDATE messages SET status = 'failed', reason = ?, updated_at = ? WHERE account_id = ? AND direction = 'out'"
        " AND external_id = ? AND status IN ('sent', 'handed_over')",
        (reason, now, account_id, external_id),
    )
    return bool(changed)


async def apply_waiting(core: Core) -> None:
    """Apply the reports whose send became known meanwhile."""
    await core.db.run(_apply_waiting(core.clock.now()))


def _apply_waiting(now: datetime) -> Program[None]:
    rows = yield (
        "SELECT id, channel, kind, external_id, account_id, raw_status FROM platform_results"
        " WHERE applied_at IS NULL AND at > ? ORDER BY id LIMIT 500",
        (now - KEPT_FOR,),
    )
    for number, channel, kind, external_id, account_id, raw_status in rows:
        if kind == MASS:
            yield from apply_early(channel, external_id, now)
        elif (yield from _fail_template(account_id, external_id, raw_status, now)):
            yield "UPDATE platform_results SET applied_at = ?, updated_at = ? WHERE id = ?", (now, now, number)


PERIODIC = Periodic(name="platform_results", every=timedelta(seconds=5), run=apply_waiting)
