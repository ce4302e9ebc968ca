"""What of a draft was shown, and to whom: approved is only what could have been seen.

A draft keeps its text and condition as they were when it was made, changed or previewed last. Besides it is remembered what
each person saw last, so that nobody's preview passes for another's.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec

from campaigns.templates import Template
from crm_core import access
from crm_core.access import Actor
from crm_core.errors import Conflict
from crm_core.ports import Core, Program
from crm_core.segments import Segment
from crm_core.selection import Selection

SCOPE = "broadcasts:write"
"""Whoever lacks it approves nothing, and must not make others approve by looking."""
REMEMBERED = timedelta(days=90)
"""How long it is known who saw what; a draft that lies longer is taken as it was shown last."""


class ChangedSincePreview(Conflict):
    """The segment or the template says something else than what was shown."""

    code = "broadcast.changed_since_preview"
    text = "群发「{name}」的分群或模板在预览后改过，请重新预览再批准"


@dataclass(frozen=True, slots=True)
class Content:
    """What is said, to whom and where."""

    selection: Selection
    kind: str
    body: str
    channel: str

    def is_kept(self, conditions: str, kind: str, body: str) -> bool:
        """Tell whether this is what a draft keeps; the order in which a condition was written does not matter."""
        return (self.kind, self.body) == (kind, body) and self.selection == Selection.from_json(conditions)

    @property
    def mark(self) -> str:
        """A short sign of it."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()


async def content_now(segment_id: int, template_id: int, channel: str, conditions: str) -> Content:
    """Tell what a draft says now; `conditions` is its `Selection`, whose people may be drawn from."""
    segment, template = await Segment.get(id=segment_id), await Template.get(id=template_id)
    selection = Selection.from_json(conditions).with_conditions(segment.conditions)
    return Content(selection, template.kind, template.body, channel)


async def content_of(broadcast: Any) -> Content:  # a Broadcast, whose file imports this one
    """Tell what a broadcast says: a draft as its segment and template are now, any other as it was approved."""
    if broadcast.status == "draft" or not broadcast.template_body:
        return await content_now(broadcast.segment_id, broadcast.template_id, broadcast.channel, broadcast.conditions)
    selection = Selection.from_json(broadcast.conditions)
    return Content(selection, broadcast.template_kind, broadcast.template_body, broadcast.channel)


async def note(core: Core, actor: Actor, draft: Any, content: Content) -> None:
    """Remember that a draft was shown like this, to whoever may approve."""
    if not access.may(actor, SCOPE):
        return
    async with core.db.transaction():
        if not content.is_kept(draft.conditions, draft.template_kind, draft.template_body):
            await core.db.run(_keep(draft, content))
        await remember(core, actor, "broadcast", draft.id, content.mark)


async def require_shown(core: Core, actor: Actor, draft: Any, content: Content) -> None:
    """Refuse to approve what was not shown, to this person or at all. Raises: ChangedSincePreview."""
    is_kept = content.is_kept(draft.conditions, draft.template_kind, draft.template_body)
    if not is_kept or await saw_something_else(core, actor, "broadcast", draft.id, content.mark):
        raise ChangedSincePreview(name=draft.name)


async def remember(core: Core, actor: Actor, kind: str, number: int, mark: str) -> None:
    """Remember what of a draft this person saw last."""
    await core.state.set(_key(kind, number, actor), mark, lasts=REMEMBERED)


async def saw_something_else(core: Core, actor: Actor, kind: str, number: int, mark: str) -> bool:
    """Tell whether this person last saw the draft say something else; who never looked saw nothing else."""
    return await core.state.get(_key(kind, number, actor)) not in (None, mark)


def _key(kind: str, number: int, actor: Actor) -> str:
    # A token may be called "7", and so may nobody's number.
    who = f"token:{actor.name[:64]}" if actor.employee_id is None else f"employee:{actor.employee_id}"
    return f"shown:{kind}:{number}:{who}"


def _keep(draft: Any, content: Content) -> Program[None]:
    # Only while the draft is the one that was shown; nothing of it changes, so its time does not either.
    yield (
        "UPDATE broadcasts SET conditions = ?, template_kind = ?, template_body = ? WHERE id = ? AND status = 'draft'"
        " AND segment_id = ? AND template_id = ? AND channel = ? AND conditions = ?",
        (
            content.selection.to_json(),
            content.kind,
            content.body,
            draft.id,
            draft.segment_id,
            draft.template_id,
            draft.channel,
            draft.conditions,
        ),
    )
