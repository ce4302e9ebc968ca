"""The month's calls of one application, counted by API in the database; admins are told before the edition's end.

The standard edition allows 5000 a month; pushes to the robot count too. Written every few seconds and at stop, so a kill
forgets no more than that. Source: rate-limit page of the platform, read 2026-11.
"""

from collections import Counter
from datetime import datetime, timedelta
from functools import partial

import structlog

from crm_core.clock import Clock, to_local
from crm_core.errors import CrmError
from crm_core.ports import Core, Program
from scheduler.notices import tell_admins

log = structlog.get_logger(__name__)

FLUSH_SECONDS = 3.0
WARN_PERCENT = 80
KEEP = timedelta(days=400)
_TOTAL = "*"
_BESIDE = "+"
_ADD = (
    "INSERT INTO state_entries (key, value, expires_at, created_at, updated_at) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (key) DO UPDATE SET"
    " value = CAST(CAST(state_entries.value AS BIGINT) + CAST(excluded.value AS BIGINT) AS TEXT),"
    " updated_at = excluded.updated_at RETURNING value"
)


class CallLedger:
    """Counts in memory and brings it to the database; shared by every process of this channel."""

    def __init__(self, channel: str, clock: Clock, *, month_calls: int) -> None:
        self.month_calls = month_calls
        self._channel = channel
        self._clock = clock
        self._core: Core | None = None
        self._pending: Counter[tuple[str, str]] = Counter()
        self._stored = ("", 0)
        self._told: set[str] = set()
        self._ended = ""
        """The month the platform itself called used up."""

    def attach(self, core: Core) -> None:
        """Tell where to keep the counts."""
        self._core = core

    def count(self, api: str) -> None:
        """Note one call or push."""
        self._pending[self._month(), api] += 1

    def count_beside(self, api: str) -> None:
        """Note a call that the month's quota does not count (custom robots)."""
        self._pending[self._month(), f"{_BESIDE}{api}"] += 1

    def exhausted(self) -> None:
        """Believe the platform: nothing is left of this month."""
        self._ended = self._month()

    @property
    def used(self) -> int:
        """Calls of this month, as far as is known here."""
        month = self._month()
        stored = self._stored[1] if self._stored[0] == month else 0
        return stored + sum(number for (when, api), number in self._pending.items() if when == month and _counts(api))

    async def run(self) -> None:
        """Write every few seconds, until cancelled."""
        await self.flush(look=True)
        while True:
            await self._clock.sleep(FLUSH_SECONDS)
            await self.flush()

    async def flush(self, *, look: bool = False) -> None:
        """Bring the counts to the database and tell the admins what they must know; what fails is tried next time."""
        core, month = self._core, self._month()
        untold = self._ended == month and self._notice_key(month, "end") not in self._told
        if core is None or not (look or self._pending or untold):
            return
        pending, self._pending = self._pending, Counter()
        try:
            total = await core.db.run(partial(self._write, core, pending, month))
        except (CrmError, TimeoutError):
            self._pending += pending
            log.warning("call_ledger_not_written", channel=self._channel)
            return
        self._stored = (month, total)
        try:
            await self._tell(core, month, total)
        except (CrmError, TimeoutError):  # told with the next count
            log.warning("call_ledger_not_told", channel=self._channel)

    async def by_api(self, month: str = "") -> dict[str, int]:
        """Read the counts of a month (`2026-11`; empty: this one) from the database."""
        if self._core is None:
            return {}
        prefix = self._key(month or self._month(), "")

        def program() -> Program[dict[str, int]]:
            rows = yield "SELECT key, value FROM state_entries WHERE key LIKE ?", (f"{prefix}%",)
            found = {key.removeprefix(prefix): int(value) for key, value in rows if key.startswith(prefix)}
            found.pop(_TOTAL, None)
            return found

        return await self._core.db.read(program())

    def _write(self, core: Core, pending: "Counter[tuple[str, str]]", month: str) -> Program[int]:
        now = core.clock.now()
        sums: Counter[str] = Counter()
        for (when, api), number in pending.items():
            yield _ADD, self._values(when, api, number, now)
            sums[when] += number if _counts(api) else 0
        sums[month] += 0  # so that what other processes counted is read too
        total = 0
        for when, number in sums.items():
            rows = yield _ADD, self._values(when, _TOTAL, number, now)
            total = int(rows[0][0]) if when == month else total
        return total

    def _values(self, month: str, api: str, number: int, now: datetime) -> tuple[object, ...]:
        return self._key(month, api), str(number), now + KEEP, now, now

    async def _tell(self, core: Core, month: str, total: int) -> None:
        if self._ended == month:
            await self._tell_once(core, month, "end", "本月接口调用额度已用完，钉钉已停止发送，请升级版本或等下月恢复")
        elif self.month_calls and total >= self.month_calls:
            words = f"本月接口调用已有{total}次，达到额度{self.month_calls}次，钉钉随时会停止发送"
            await self._tell_once(core, month, "full", words)
        elif self.month_calls and total * 100 >= self.month_calls * WARN_PERCENT:
            words = f"本月接口调用已用{total}次，超过额度{self.month_calls}次的{WARN_PERCENT}%"
            await self._tell_once(core, month, "near", words)

    async def _tell_once(self, core: Core, month: str, what: str, words: str) -> None:
        key = self._notice_key(month, what)
        if key in self._told:
            return
        log.error("month_calls", channel=self._channel, state=what, used=self._stored[1])
        label = core.channel_labels.get(self._channel, self._channel)
        await core.db.run(partial(tell_admins, core, f"【{label}】{words}", key=key))
        self._told.add(key)

    def _notice_key(self, month: str, what: str) -> str:
        return f"month_calls:{self._channel}:{month}:{what}"

    def _key(self, month: str, api: str) -> str:
        return f"calls:{self._channel}:{month}:{api}"

    def _month(self) -> str:
        return f"{to_local(self._clock.now()):%Y-%m}"


def _counts(api: str) -> bool:
    return not api.startswith(_BESIDE)
