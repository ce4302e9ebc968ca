"""Taking any change set back by its number (撤销), each kind by its own undo: what else it wrote must go back with its rows."""

from crm_core import access, change_sets, stage_moves
from crm_core.access import Actor
from crm_core.change_sets import ChangeSet, ChangeSetUndone
from crm_core.errors import Conflict, NotFound
from crm_core.importing import imports
from crm_core.importing.imports import Import
from crm_core.opportunities import MoveKind, StageMove
from crm_core.ports import Core

PLAIN = frozenset(
    {"assign", "collect", "conversion", "customer.delete", "customer.give", "customer.share", "customer.unshare", "distribute"}
    | {"fields.set", "life_cycle.set", "merge", "opportunity.update", "overwrite", "target.set", "transfer"}
    | {f"{noun}.update" for noun in ("lead", "contact", "customer")}
    | {f"{noun}.grade" for noun in ("lead", "contact")}
)
"""Kinds of which everything they wrote stands in their rows."""
MOVES = frozenset(f"opportunity.{kind.value}" for kind in MoveKind if kind is not MoveKind.OPEN)
IMPORT = "import"


class NoUndoByNumber(Conflict):
    """A kind whose undo this house does not know."""

    code = "change_set.no_undo"
    text = "「{summary}」不能按编号撤销"


async def take_back(core: Core, actor: Actor, set_id: int) -> ChangeSet:
    """Take a set back as its kind wants it; an import goes back page by page afterwards, its set is undone at the end.

    Raises: NotFound; NoUndoByNumber; what the undo of the kind raises.
    """
    access.require(actor, "change-sets:write")
    changes = await access.load(ChangeSet, actor, set_id)
    if changes.undone_at is not None:
        raise ChangeSetUndone(summary=changes.summary)
    if changes.kind in PLAIN:
        await change_sets.undo(core, actor, changes.id)
    elif changes.kind in MOVES:
        move = await StageMove.get_or_none(set_id=changes.id)
        if move is None:
            raise NotFound
        await stage_moves.undo_last(core, actor, move.opportunity_id, move_id=move.id)
    elif changes.kind == IMPORT:
        row = await Import.get_or_none(set_id=changes.id)
        if row is None:
            raise NotFound
        await imports.ask_undo(core, actor, row.id)
    else:
        raise NoUndoByNumber(summary=changes.summary[:30])
    return await ChangeSet.get(id=changes.id)
