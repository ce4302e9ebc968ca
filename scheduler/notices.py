"""Notices (通知): what the system tells an employee, in the transaction of what it tells about."""

from datetime import datetime, timedelta

from crm_core.messages import Address, Body, Button, Guarantee
from crm_core.outbox import queue
from crm_core.ports import Core, Program

LASTS = timedelta(hours=24)
"""After that a notice is no news any more."""


def staff_account(core: Core, employee_id: int) -> Program[tuple[int, Address] | None]:
    """Find where an employee is written to: their bound account on a staff channel, the one used last."""
    channels = sorted(core.staff_channels)
    if not channels:
        return None
    marks = ", ".join("?" * len(channels))
    rows = yield (
        "SELECT a.id, a.channel, a.external_id FROM employees e"  # noqa: S608
        " JOIN accounts a ON a.person_id = e.person_id AND a.person_kind = 'employee'"
        f" WHERE e.id = ? AND e.departed_at IS NULL AND a.channel IN ({marks})"
        " ORDER BY coalesce(a.last_inbound_at, a.created_at) DESC, a.id DESC LIMIT 1",
        (employee_id, *channels),
    )
    return (int(rows[0][0]), Address(rows[0][1], rows[0][2])) if rows else None


def tell(
    core: Core, employee_id: int | None, text: str, *, key: str, not_before: datetime | None = None, topic: str = "notice"
) -> Program[bool]:
    """Queue a notice to an employee, once per key; False if they have no bound account or were told already."""
    found = (yield from staff_account(core, employee_id)) if employee_id is not None else None
    if found is None:
        return False
    return (yield from tell_at(core, found, text, key=key, not_before=not_before, topic=topic))


def tell_at(
    core: Core,
    found: tuple[int, Address],
    text: str,
    *,
    key: str,
    not_before: datetime | None = None,
    topic: str = "notice",
    buttons: tuple[Button, ...] = (),
) -> Program[bool]:
    """Queue a notice to the account `staff_account` found, once per key; False if it was told already."""
    account_id, address = found
    number = yield from queue(
        core,
        address,
        Body(text=text, buttons=buttons),
        key=key,
        account_id=account_id,
        not_before=not_before,
        expires_at=(not_before or core.clock.now()) + LASTS,
        guarantee=Guarantee.AT_LEAST_ONCE,
        topic=topic,
    )
    return number is not None


def tell_admins(core: Core, text: str, *, key: str) -> Program[int]:
    """Queue a notice to every admin of the house who has a bound account, once per key; tells to how many."""
    rows = yield "SELECT id FROM employees WHERE role = 'admin' AND departed_at IS NULL ORDER BY id LIMIT 20", ()
    told = 0
    for (number,) in rows:
        told += yield from tell(core, int(number), text, key=f"{key}:{number}")
    return told
