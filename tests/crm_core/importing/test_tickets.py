"""Tickets for the page on which a table is sent."""

from datetime import timedelta
from typing import Any

from crm_core.importing import tickets
from crm_core.messages import Address
from crm_core.ports import Core
from crm_core.state import StateEntry

WHERE = Address("wecom", "zhangsan")


async def test_a_ticket_holds_for_an_hour(core: Core, clock: Any) -> None:
    made = await tickets.issue(core, 7, "customers", WHERE)
    found = await tickets.look_up(core, made)
    assert found is not None
    assert (found.employee_id, found.kind, found.address) == (7, "customers", WHERE)
    assert await tickets.look_up(core, made[:-1]) is None
    assert await tickets.look_up(core, "x" * 9_000) is None
    clock.advance(timedelta(minutes=61))
    assert await tickets.look_up(core, made) is None


async def test_what_is_kept_opens_nothing(core: Core) -> None:
    made = await tickets.issue(core, 7, "leads", WHERE)
    assert not [row for row in await StateEntry.all() if made in f"{row.key}{row.value}"]
