"""Whose customers are over the API: shared with colleagues, given over in bulk, handed over by who leaves, deleted."""

from typing import Any

from msgspec import Struct

from bot.api.bodies import Id
from bot.api.routes import Call, Routes
from crm_core import deletion, sharing, transfers
from crm_core.transfers import Counts, Handover

routes = Routes()


class NewCollaborator(Struct):
    """A colleague who may see and follow up; with `may_write` change, too."""

    employee_id: Id
    may_write: bool = False


class Revoked(Struct):
    """Whose collaboration ends."""

    employee_id: Id


class Transfer(Struct):
    """Whose customers go to whom; `dry_run`: only counted."""

    from_id: Id
    to_id: Id
    leads: bool = False
    dry_run: bool = False


class Leaver(Struct):
    """Who takes everything over."""

    to_id: Id
    dry_run: bool = False


@routes.get("/customers/{id}/collaborators", scope="customers:read")
async def list_collaborators(call: Call) -> Any:
    """List with whom a customer is shared."""
    found = await sharing.list_shared(call.actor, call.number)
    return {"items": [{"employee_id": each.employee_id, "name": each.name, "may_write": each.may_write} for each in found]}


@routes.post("/customers/{id}/share", scope="customers:write")
async def share(call: Call, body: NewCollaborator) -> Any:
    """Share a customer with a colleague."""
    row, set_id = await sharing.share(call.core, call.actor, call.number, body.employee_id, may_write=body.may_write)
    return {"employee_id": row.employee_id, "may_write": row.may_write, "change_set_id": set_id}


@routes.post("/customers/{id}/unshare", scope="customers:write")
async def unshare(call: Call, body: Revoked) -> Any:
    """End a colleague's collaboration."""
    return {"change_set_id": await sharing.unshare(call.core, call.actor, call.number, body.employee_id)}


@routes.delete("/customers/{id}", scope="customers:write")
async def delete_customer(call: Call) -> Any:
    """Mark a customer and its contacts as deleted; the change set takes it back."""
    _, changes = await deletion.delete_customer(call.core, call.actor, call.number)
    return {"change_set_id": changes.id}


@routes.post("/transfers", scope="customers:write")
async def hand_over(call: Call, body: Transfer) -> Any:
    """Give all of somebody's customers to a colleague, with contacts, open deals and todos; leads if said."""
    if body.dry_run:
        return _counted(await transfers.count(call.core, call.actor, body.from_id, leads=body.leads))
    return _done(await transfers.hand_over(call.core, call.actor, body.from_id, body.to_id, leads=body.leads))


@routes.post("/employees/{id}/leave", scope="customers:write")
async def leave(call: Call, body: Leaver) -> Any:
    """End somebody's access at once and hand over everything they own."""
    if body.dry_run:
        return _counted(await transfers.count(call.core, call.actor, call.number, leads=True, everything=True))
    return _done(await transfers.leave(call.core, call.actor, call.number, body.to_id))


def _counted(counts: Counts) -> dict[str, Any]:
    names = ("customers", "contacts", "opportunities", "reminders", "leads")
    return {"counts": {name: getattr(counts, name) for name in names}, "change_set_id": None}


def _done(done: Handover) -> dict[str, Any]:
    return {**_counted(done.counts), "change_set_id": done.changes.id}
