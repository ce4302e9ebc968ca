"""Changes made as one over the API: listed, and taken back as one."""

from typing import Any

from bot.api.bodies import Empty
from bot.api.listing import list_rows, show_row
from bot.api.resources import ID, STAMPS, Resource, counts, texts, times
from bot.api.routes import Call, Routes
from crm_core import access, taking_back
from crm_core.change_sets import ChangeSet

CHANGE_SETS = Resource(
    "change-sets",
    ChangeSet,
    (
        *ID,
        *texts("kind", "summary", "actor"),
        *counts("employee_id"),
        *times("undone_at"),
        *counts("undone_count", "left_count"),
        *STAMPS,
    ),
    owner="employee_id",
    search=("summary",),
)
routes = Routes()


@routes.lists("/change-sets", scope="change-sets:read", filters={"kind": str, "employee_id": int}, shows=CHANGE_SETS)
async def list_change_sets(call: Call) -> Any:
    """List changes made as one: imports, merges, overwrites, transfers."""
    return await list_rows(call, CHANGE_SETS)


@routes.get("/change-sets/{id}", scope="change-sets:read", shows=CHANGE_SETS)
async def show_change_set(call: Call) -> Any:
    """Show changes made as one."""
    return await show_row(call, CHANGE_SETS, await access.load(ChangeSet, call.actor, call.number))


@routes.post("/change-sets/{id}/undo", scope="change-sets:write")
async def undo_change_set(call: Call, body: Empty) -> Any:
    """Take changes back as one; tells how many rows, and how many places stay because somebody changed them since.

    An import is taken back page by page after the answer, which is `pending` then.
    """
    done = await taking_back.take_back(call.core, call.actor, call.number)
    return {"rows": done.undone_count, "left": done.left_count, "pending": done.undone_at is None}
