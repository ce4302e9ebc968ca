"""The work of broadcasts over time: start what is due, plan the people page by page, finish.

Every step is a conditional change of rows, so that a crash or a second engine repeats and skips nobody.
"""

from datetime import timedelta

import structlog

from campaigns.audience import Run, audience_sql
from campaigns.broadcasts import start, wake_delivery, withdraw
from crm_core.clock import local_day
from crm_core.policy import Reason
from crm_core.ports import HOLD, Core, Program
from crm_core.selection import Selection
from scheduler.notices import tell
from scheduler.queue import Periodic

log = structlog.get_logger(__name__)

PAGE = 20_000
"""People planned in one transaction; the writer is yielded in between. Source: house.md, section 10."""


_WAITING = "EXISTS (SELECT 1 FROM recipients r WHERE r.broadcast_id = broadcasts.id AND r.status = 'planned')"


async def run(core: Core) -> None:
    """Do whatever can be done now."""
    await _close_greetings(core)
    for number in await _numbers(core, "status = 'scheduled' AND scheduled_at <= ?", core.clock.now()):
        if await core.db.run(start(core, number)):
            log.info("broadcast_started", broadcast_id=number)
    for number in await _numbers(core, "status = 'running' AND planned_at IS NULL"):
        await plan(core, number)
    await _withdraw_cancelled(core)
    for number in await _numbers(core, "status = 'running' AND planned_at IS NOT NULL"):
        if await core.db.run(_finish(core, number)):
            log.info("broadcast_finished", broadcast_id=number)


PERIODIC = Periodic(name="broadcasts", every=timedelta(seconds=1), run=run, time_limit=timedelta(minutes=10))


async def plan(core: Core, broadcast_id: int, *, page: int = PAGE) -> int:
    """Plan the people of a running broadcast to the end of the list, a page a transaction; tells how many rows were made."""
    total = 0
    while (made := await _plan_page(core, broadcast_id, page)) is not None:
        total += made
        wake_delivery(core)
    return total


async def _plan_page(core: Core, broadcast_id: int, page: int) -> int | None:
    # A transaction of its own: it takes long, and nobody else's commit is to wait for it.
    async with core.db.transaction():
        return await core.db.run(plan_page(core, broadcast_id, page))


# Held, so that of two engines the second finds the cursor of the first, and not "nobody is left".
_PLANNING = (
    "SELECT conditions, channel, template_kind, occasion, cursor, last_person_id FROM broadcasts"  # noqa: S608 - a constant
    f" WHERE id = ? AND status = 'running' AND planned_at IS NULL{HOLD}"
)


def plan_page(core: Core, broadcast_id: int, page: int) -> Program[int | None]:
    """Plan one page and move the cursor, in one transaction; None when nothing is left or the broadcast does not run."""
    rows = yield _PLANNING, (broadcast_id,)
    if not rows:
        return None
    conditions, channel, kind, occasion, cursor, last = rows[0]
    now = core.clock.now().replace(microsecond=0)
    since = now - timedelta(days=core.settings.campaigns.frequency_days)
    others = yield (
        "SELECT 1 FROM broadcasts WHERE id <> ? AND started_at IS NOT NULL"
        " AND (finished_at IS NULL OR finished_at > ?) LIMIT 1",
        (broadcast_id, since),
    )
    run = Run(Selection.from_json(conditions), channel, kind, occasion, nobody_reached=not others)
    audience, values = audience_sql(core, run, after=cursor, until=last or 0, limit=page)
    festival, _, day = occasion.partition(":")
    key = (
        "CASE WHEN q.reason IS NULL THEN CAST(? AS TEXT) || CAST(q.person_id AS TEXT) || CAST(? AS TEXT) END" if day else "NULL"
    )
    made = yield (
        "INSERT INTO recipients (broadcast_id, person_id, account_id, status, reason, attempts,"  # noqa: S608
        " greeting_key, created_at, updated_at)"
        " SELECT ?, q.person_id, q.account_id,"
        f" CASE WHEN q.reason IS NULL THEN 'planned' ELSE 'suppressed' END, q.reason, 0, {key}, ?, ?"
        f" FROM ({audience}) q WHERE TRUE ON CONFLICT DO NOTHING",
        (broadcast_id, *((f"{festival}:", f":{day}") if day else ()), now, now, *values),
    )
    if made:
        yield (
            "UPDATE broadcasts SET cursor = (SELECT max(person_id) FROM recipients"
            " WHERE broadcast_id = ?), updated_at = ? WHERE id = ?",
            (broadcast_id, now, broadcast_id),
        )
        return int(made)
    yield "UPDATE broadcasts SET planned_at = ?, updated_at = ? WHERE id = ?", (now, now, broadcast_id)
    return None


def _finish(core: Core, broadcast_id: int) -> Program[bool]:
    now = core.clock.now()
    changed = yield (
        "UPDATE broadcasts SET status = 'finished', finished_at = ?, updated_at = ? WHERE id = ? AND status = 'running'"
        " AND planned_at IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM recipients WHERE broadcast_id = ? AND status = 'planned')"
        " AND NOT EXISTS (SELECT 1 FROM recipients WHERE broadcast_id = ? AND status = 'claimed')",
        (now, now, broadcast_id, broadcast_id, broadcast_id),
    )
    return bool(changed)


async def _withdraw_cancelled(core: Core) -> None:
    recent = core.clock.now() - timedelta(days=30)
    for number in await _numbers(core, f"status = 'cancelled' AND finished_at > ? AND {_WAITING}", recent):
        while await core.db.run(withdraw(core, number)):
            pass


async def _close_greetings(core: Core) -> None:
    """Take out the greetings whose day is over, and tell their author."""
    today = local_day(core.clock.now())
    over = "greeting_id IS NOT NULL AND occasion_on < ?"
    for number in await _numbers(core, f"status = 'scheduled' AND {over}", today):
        await core.db.run(_miss(core, number))
    for number in await _numbers(core, f"status IN ('running', 'paused') AND {over} AND {_WAITING}", today):
        count = 0
        while page := await core.db.run(withdraw(core, number, status="suppressed", reason=Reason.TOO_LATE.value)):
            count += page
        await core.db.run(_tell_author(core, number, f"有{count}人当天未能发出，不再补发"))


def _miss(core: Core, broadcast_id: int) -> Program[None]:
    now = core.clock.now()
    changed = yield (
        "UPDATE broadcasts SET status = 'cancelled', pause_reason = 'too_late', finished_at = ?, updated_at = ?"
        " WHERE id = ? AND status = 'scheduled'",
        (now, now, broadcast_id),
    )
    if changed:
        yield from _tell_author(core, broadcast_id, "未能在当天发送，不再补发")


def _tell_author(core: Core, broadcast_id: int, what: str) -> Program[None]:
    rows = yield "SELECT name, author_id FROM broadcasts WHERE id = ?", (broadcast_id,)
    name, author_id = rows[0]
    yield from tell(core, author_id, f"祝福「{name}」{what}", key=f"broadcast:{broadcast_id}:too_late")


async def _numbers(core: Core, where: str, *values: object) -> list[int]:
    def program() -> Program[list[int]]:
        rows = yield f"SELECT id FROM broadcasts WHERE {where} ORDER BY id", values  # noqa: S608
        return [int(number) for (number,) in rows]

    return await core.db.read(program())
