"""Members of the corporation (通讯录): each is bound to the employee with the same mobile number.

Nobody becomes an employee by this unless `add_members` says so. An application that may not see mobiles binds nobody by
itself; who is not bound yet can be listed, and binds with a code.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from bot.channels.wecom.calls import ApiRefused, Calls
from bot.httpclient import HttpError
from bot.tokens import TokenError
from crm_core.ports import Core
from crm_core.staff_directory import Member, bind_members, list_unbound
from scheduler.queue import Periodic

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Synced:
    """What a sync did."""

    members: int
    bound: int
    unbound: tuple[Member, ...]


class Directory:
    """Reads the members of one corporation and binds them."""

    def __init__(self, name: str, calls: Calls) -> None:
        self._name = name
        self._calls = calls

    def periodics(self) -> Sequence[Periodic]:
        """Name the work."""
        return (Periodic(f"directory:{self._name}", timedelta(hours=1), self.run, time_limit=timedelta(minutes=10)),)

    async def run(self, core: Core) -> None:
        """Sync once; a failure waits for the next time."""
        try:
            synced = await self.sync(core)
        except (ApiRefused, TokenError, HttpError) as error:
            log.warning("directory_failed", channel=self._name, why=type(error).__name__)
            return
        if synced.bound:
            log.info("directory_synced", channel=self._name, members=synced.members, bound=synced.bound)

    async def sync(self, core: Core) -> Synced:
        """Read every member and bind those who fit. Raises: ApiRefused; TokenError; HttpError."""
        members = await self.list_members()
        bound = await bind_members(core, self._name, members, add_missing=self._calls.settings.add_members)
        return Synced(len(members), bound, tuple(await list_unbound(core, self._name, members)))

    async def list_members(self) -> list[Member]:
        """List the members this application may see, each once."""
        found: dict[str, Member] = {}
        departments = await self._calls.ask("get", "department/list")
        for department in departments.get("department") or []:
            told = await self._calls.ask("get", "user/list", params={"department_id": str(department.get("id"))})
            for user in told.get("userlist") or []:
                member = _member(user)
                if member is not None:
                    found[member.user_id] = member
        return list(found.values())


def _member(user: Any) -> Member | None:
    if not isinstance(user, dict) or not user.get("userid"):
        return None
    # status 1: activated; 2 disabled, 4 not activated, 5 left.
    is_active = user.get("status", 1) in (1, 4)
    return Member(str(user["userid"]), str(user.get("name") or ""), str(user.get("mobile") or "")) if is_active else None
