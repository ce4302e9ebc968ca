"""What came of a broadcast: counts by outcome and reason from its rows, and the guard over the share of errors."""

from collections import deque

from campaigns.broadcasts import Broadcast, RecipientStatus
from crm_core import access
from crm_core.access import Actor
from crm_core.ports import Core, Program
from scheduler.notices import tell

WINDOW = 200
"""Newest sends the error share is taken over. Source: house.md, section 4.2."""
MIN_SENDS = 20
"""Fewer say nothing."""
_ERRORS = (RecipientStatus.FAILED.value, RecipientStatus.UNKNOWN.value)


async def counts(core: Core, broadcast_id: int) -> dict[str, int]:
    """Count the recipients by status, from the rows themselves."""
    return (await counts_of(core, [broadcast_id])).get(broadcast_id, {})


async def counts_of(core: Core, broadcast_ids: list[int]) -> dict[int, dict[str, int]]:
    """Count for a page of broadcasts in one query."""

    def program() -> Program[dict[int, dict[str, int]]]:
        marks = ", ".join("?" * len(broadcast_ids))
        rows = yield (
            "SELECT broadcast_id, status, count(*) FROM recipients"  # noqa: S608
            f" WHERE broadcast_id IN ({marks}) GROUP BY broadcast_id, status",
            broadcast_ids,
        )
        found: dict[int, dict[str, int]] = {}
        for number, status, count in rows:
            found.setdefault(int(number), {})[str(status)] = int(count)
        return found

    return await core.db.read(program()) if broadcast_ids else {}


async def reasons(core: Core, broadcast_id: int) -> dict[str, int]:
    """Count why people were left out: words of `policy.Reason`."""
    return await _by_reason(core, broadcast_id, (RecipientStatus.SUPPRESSED.value,))


async def failures(core: Core, broadcast_id: int) -> dict[str, int]:
    """Count why sends failed or stayed unknown: the platforms' own codes."""
    return await _by_reason(core, broadcast_id, _ERRORS)


async def _by_reason(core: Core, broadcast_id: int, statuses: tuple[str, ...]) -> dict[str, int]:
    def program() -> Program[dict[str, int]]:
        marks = ", ".join("?" * len(statuses))
        rows = yield (
            f"SELECT reason, count(*) FROM recipients WHERE broadcast_id = ? AND status IN ({marks})"  # noqa: S608
            " AND reason IS NOT NULL GROUP BY reason ORDER BY reason",
            (broadcast_id, *statuses),
        )
        return {str(reason): int(count) for reason, count in rows}

    return await core.db.read(program())


class ErrorShare:
    """The outcomes of the newest sends of each broadcast, in this process.

    In memory on purpose: a restart begins to count anew, which costs at most `MIN_SENDS` more messages.
    """

    def __init__(self, limit_percent: int) -> None:
        self._limit = limit_percent
        self._outcomes: dict[int, deque[bool]] = {}

    def note(self, broadcast_id: int, status: str) -> bool:
        """Note one outcome; tells whether the errors are too many now."""
        outcomes = self._outcomes.setdefault(broadcast_id, deque(maxlen=WINDOW))
        outcomes.append(status in _ERRORS)
        if len(outcomes) < MIN_SENDS or sum(outcomes) * 100 <= self._limit * len(outcomes):
            return False
        self.forget(broadcast_id)
        return True

    def forget(self, broadcast_id: int) -> None:
        """Begin anew with a broadcast."""
        self._outcomes.pop(broadcast_id, None)


async def pause_for_errors(core: Core, broadcast_id: int) -> bool:
    """Pause a broadcast that fails too often and tell its author; False if it was not running any more."""
    broadcast = await Broadcast.get(id=broadcast_id)
    now = core.clock.now()
    async with core.db.transaction():
        won = await Broadcast.filter(id=broadcast_id, status="running").update(
            status="paused", pause_reason="error_share", updated_at=now
        )
        if not won:
            return False
        await access.record(core, Actor.of_system("campaigns"), "broadcast.pause", broadcast, after={"reason": "error_share"})
        text = f"群发「{broadcast.name}」失败过多，已自动暂停，请检查后恢复或取消"
        await core.db.run(tell(core, broadcast.author_id, text, key=f"broadcast:{broadcast_id}:errors:{now:%Y%m%dT%H%M%S}"))
    return True
