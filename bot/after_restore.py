"""What a restored database must not do again: it knows nothing of what was sent after its backup was taken.

`guanxi restore` leaves a mark beside the data; the next start pauses what would run on, holds what would be sent, and takes
the mark away. Not done by `restore` itself, so that what it put in place is the backup, row by row.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import structlog

from crm_core.ports import Core, Program

log = structlog.get_logger(__name__)
REASON = "restored"
_NAME = "restored"


@contextmanager
def marked(data_dir: Path, at: datetime) -> Iterator[None]:
    """Note that the database is being restored; taken back when that fails."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = data_dir / _NAME
    path.write_text(at.isoformat(), encoding="utf-8")
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


async def settle(core: Core) -> bool:
    """Pause and hold what may have gone out already, if the database was restored; tells whether it was."""
    path = core.settings.data_dir / _NAME
    if not path.exists():
        return False
    paused, held = await core.db.run(_hold(core.clock.now()))
    path.unlink()
    log.warning("after_restore", paused_broadcasts=paused, held_messages=held)
    return True


def _hold(now: datetime) -> Program[tuple[int, int]]:
    paused = yield (
        "UPDATE broadcasts SET status = 'paused', pause_reason = ?, updated_at = ?"
        " WHERE status = 'running' OR (status = 'scheduled' AND scheduled_at <= ?)",
        (REASON, now, now),
    )
    accounts = yield (
        "SELECT account_id, count(*) FROM messages WHERE direction = 'out' AND status = 'queued'"
        " AND guarantee = 'at_most_once' AND topic = 'reply' AND account_id IS NOT NULL GROUP BY account_id",
        (),
    )
    for account_id, count in accounts:
        yield "UPDATE accounts SET waiting_count = waiting_count + ? WHERE id = ?", (count, account_id)
    held = yield (
        "UPDATE messages SET status = 'unknown', reason = ?, updated_at = ?"
        " WHERE direction = 'out' AND status = 'queued' AND guarantee = 'at_most_once'",
        (REASON, now),
    )
    return int(paused), int(held)
