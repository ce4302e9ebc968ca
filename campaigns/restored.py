"""What a restored database must not send by itself: it knows nothing of what went out after its backup was taken.

What became of the people of a broadcast that was running is unknown and stays so: nobody is sent the same twice. What only
became due meanwhile, a broadcast or the greeting of the day, is held, paused, for a person who knows whether the house
was running then. What is over is told as unknown. Safe to repeat; nothing else of ours runs meanwhile.
"""

from dataclasses import dataclass
from datetime import datetime

from campaigns import engine, greetings
from campaigns.broadcasts import start
from crm_core.clock import local_day
from crm_core.ports import Core, Program
from scheduler.notices import tell

REASON = "restored"
"""Reason of a pause and of what is unknown."""
PAGE = 20_000
"""People changed in one transaction. Source: house.md, section 10."""


@dataclass(frozen=True, slots=True)
class Held:
    """What is not sent by itself: broadcasts paused or closed, people whose result is unknown."""

    paused: int
    unknown: int


async def hold(core: Core, since: datetime | None) -> Held:
    """Hold what may have gone out since a backup was taken; `since` None: nobody knows when that was."""
    unknown: dict[int, int] = {}
    for number in await core.db.read(_running()):
        await engine.plan(core, number)  # to the end, so that nobody is drawn in when somebody resumes it
        unknown[number] = await _make_unknown(core, number)
    now = core.clock.now()
    # The greetings of the days at hand, as they would be made now: those whose time has come are held like the others.
    await greetings.make_due(core, unsure_from=local_day(since or now - greetings.LOOK_BACK))
    paused = await core.db.run(_pause(core, unknown))
    return Held(paused, sum(unknown.values()))


def _running() -> Program[list[int]]:
    rows = yield "SELECT id FROM broadcasts WHERE status = 'running' ORDER BY id", ()
    return [int(number) for (number,) in rows]


async def _make_unknown(core: Core, broadcast_id: int) -> int:
    total = 0
    for status in ("planned", "claimed"):
        while count := await core.db.run(_unknown_page(core, broadcast_id, status)):
            total += count
    return total


def _unknown_page(core: Core, broadcast_id: int, status: str) -> Program[int]:
    now = core.clock.now()
    rows = yield (
        "SELECT min(id), max(id) FROM (SELECT id FROM recipients WHERE broadcast_id = ? AND status = ? ORDER BY id LIMIT ?) p",
        (broadcast_id, status, PAGE),
    )
    first, last = rows[0]
    if first is None:
        return 0
    # Like everything that may have arrived it counts for the cap, for the greeting of the day and for a bare T.
    count = yield (
        "UPDATE recipients SET status = 'unknown', reason = ?, lease_until = NULL, claimed_at = coalesce(claimed_at, ?),"
        " updated_at = ? WHERE broadcast_id = ? AND id BETWEEN ? AND ? AND status = ?",
        (REASON, now, now, broadcast_id, first, last, status),
    )
    yield (
        "UPDATE accounts SET last_broadcast_at = ? WHERE id IN (SELECT account_id FROM recipients WHERE broadcast_id = ?"
        " AND id BETWEEN ? AND ? AND reason = ?)",
        (now, broadcast_id, first, last, REASON),
    )
    yield (
        "UPDATE mass_sends SET status = 'unknown', reason = ?, lease_until = NULL, updated_at = ? WHERE broadcast_id = ?"
        " AND status IN ('planned', 'claimed')",
        (REASON, now, broadcast_id),
    )
    return int(count)


def _pause(core: Core, unknown: dict[int, int]) -> Program[int]:
    """Pause what runs or is due, tell its author; a greeting whose day is over is closed."""
    now = core.clock.now()
    # One that was paused may have been resumed after the backup: it says so as well.
    rows = yield (
        "SELECT id, name, author_id, status, greeting_id IS NOT NULL AND occasion_on < ? FROM broadcasts"
        " WHERE status = 'running' OR (status = 'paused' AND pause_reason <> ?) OR (status = 'scheduled' AND scheduled_at <= ?)"
        " ORDER BY id",
        (local_day(now), REASON, now),
    )
    for number, name, author_id, status, is_over in rows:
        if status == "scheduled" and is_over:
            yield (
                "UPDATE broadcasts SET status = 'cancelled', pause_reason = ?, finished_at = ?, updated_at = ? WHERE id = ?",
                (REASON, now, now, number),
            )
            text = f"祝福「{name}」可能已经发出：数据恢复自备份，无法确认，不再补发"
        else:
            if status == "scheduled":
                yield from start(core, number)
            yield (
                "UPDATE broadcasts SET status = 'paused', pause_reason = ?, updated_at = ? WHERE id = ?",
                (REASON, now, number),
            )
            text = _told(name, unknown.get(number, 0))
        yield from tell(core, author_id, text, key=f"broadcast:{number}:restored:{now:%Y%m%dT%H%M%S}")
    return len(rows)


def _told(name: str, unknown: int) -> str:
    if unknown:
        return f"群发「{name}」已暂停：数据恢复自备份，{unknown}人可能已经收到，记为结果未知，不再补发"
    return f"群发「{name}」已暂停：数据恢复自备份，之后可能已经发过，请核对后再恢复或取消"
