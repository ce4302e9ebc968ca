"""What a restored database must not do again: it knows nothing of what was sent after its backup was taken.

`guanxi restore` leaves a mark: beside the data of an embedded database, in the same transaction on a server, where other
machines must find it too. The next start holds what would run on or be sent, says so, and takes the mark away. Not done by
`restore` itself, so that what it put in place is the backup, row by row.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from campaigns import restored
from campaigns.restored import REASON
from crm_core.ports import Core, Program

log = structlog.get_logger(__name__)
TOLD = (
    "备份之后可能已经发过的，启动时都不自动再发：到了时间的群发和祝福先暂停待人决定，发到一半的和未发出的客户消息记为结果未知"
)
"""What is done at the next start; said by `restore` and in the log."""
_NAME = "restored"
_LASTS = timedelta(days=3650)
_WAIT_SECONDS = 0.2


@contextmanager
def marked(data_dir: Path, at: datetime, taken_at: str) -> Iterator[None]:
    """Note beside the data that the database is being restored from a backup of this time; taken back when that fails."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = data_dir / _NAME
    path.write_text(f"{at.isoformat()}\n{taken_at}", encoding="utf-8")
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


async def mark_server(connection: Any, at: datetime, taken_at: str) -> None:
    """Note it on a server, in the transaction of an asyncpg connection that puts the rows in place."""
    await connection.execute(
        "INSERT INTO state_entries (key, value, expires_at, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at",
        _NAME,
        f"{at.isoformat()}\n{taken_at}",
        at + _LASTS,
        at,
    )


async def settle(core: Core) -> bool:
    """Hold what may have gone out already, if the database was restored; tells whether it was."""
    while (mark := await _mark(core)) is not None:
        # Of several processes one does it, and the others begin nothing before it is done.
        async with core.db.exclusively("after_restore") as mine:
            if mine and await _mark(core) is not None:
                await _hold(core, _taken_at(mark))
                (core.settings.data_dir / _NAME).unlink(missing_ok=True)
                await core.state.delete(_NAME)
                return True
        if not mine:
            await core.clock.sleep(_WAIT_SECONDS)
    return False


async def _mark(core: Core) -> str | None:
    path = core.settings.data_dir / _NAME
    return path.read_text(encoding="utf-8") if path.exists() else await core.state.get(_NAME)


def _taken_at(mark: str) -> datetime | None:
    """Tell when the backup was taken; a bare copy of a database does not say."""
    _, _, taken_at = mark.partition("\n")
    return datetime.fromisoformat(taken_at.strip()) if taken_at.strip() else None


async def _hold(core: Core, since: datetime | None) -> None:
    held = await restored.hold(core, since)
    messages = await core.db.run(_hold_messages(core.clock.now()))
    log.warning(
        "after_restore",
        told=TOLD,
        backup_of=since.isoformat() if since else None,
        held_broadcasts=held.paused,
        unknown_recipients=held.unknown,
        unknown_messages=messages,
    )


def _hold_messages(now: datetime) -> Program[int]:
    accounts = yield (
        # The plus keeps SQLite from walking all messages by account to group the few that are queued.
        "SELECT +account_id, count(*) FROM messages WHERE direction = 'out' AND status = 'queued'"
        " AND guarantee = 'at_most_once' AND topic = 'reply' AND account_id IS NOT NULL GROUP BY +account_id",
        (),
    )
    for account_id, count in accounts:
        yield "UPDATE accounts SET waiting_count = waiting_count + ? WHERE id = ?", (count, account_id)
    held = yield (
        "UPDATE messages SET status = 'unknown', reason = ?, updated_at = ?"
        " WHERE direction = 'out' AND status = 'queued' AND guarantee = 'at_most_once'",
        (REASON, now),
    )
    return int(held)
