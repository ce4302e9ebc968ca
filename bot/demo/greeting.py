"""The greeting step: a colleague picks text and people, sees who gets it and why somebody does not, approves, watches.

The page's visitor acts as that employee, with that employee's rights, through the use cases every other way uses.
"""

from typing import Any

from bot.demo.settings import WECHAT
from bot.demo.stage import Stage
from campaigns import audience, broadcasts
from campaigns.broadcasts import Broadcast, BroadcastStatus
from campaigns.templates import Template, TemplateKind
from crm_core import access, employees
from crm_core.access import Actor
from crm_core.accounts import Account
from crm_core.errors import Conflict
from crm_core.policy import REASON_LABELS, Reason
from crm_core.ports import Program
from crm_core.segments import Segment, count_segment, selection_of

GREETERS = ("hl-lin", "hl-zhou")
"""Whose phones offer the greeting: the manager's and the marketer's."""


class NotAGreeter(Conflict):
    """Somebody whose phone does not offer it."""

    code = "demo.not_a_greeter"
    text = "只有主管和市场可以发祝福"


async def options(stage: Stage, staff_id: str) -> dict[str, Any]:
    """List the templates and segments this colleague may choose from, each segment with its people."""
    actor = await _actor(stage, staff_id)
    core = stage.app.core
    templates = await access.visible(Template, actor).filter(kind=TemplateKind.TEXT.value).order_by("id")
    segments = await access.visible(Segment, actor).order_by("id")
    return {
        "templates": [{"id": row.id, "name": row.name, "body": row.body} for row in templates],
        "segments": [
            {
                "id": row.id,
                "name": row.name,
                "count": await count_segment(core, actor, row),
                "holds_visitor": await _visitor_place(stage, actor, row) is not None,
            }
            for row in segments
        ],
    }


async def preview(
    stage: Stage, staff_id: str, template_id: int, segment_id: int, draft_id: int | None = None
) -> dict[str, Any]:
    """Draft it and try it without sending; an earlier draft of the same dialogue is dropped."""
    actor = await _actor(stage, staff_id)
    core = stage.app.core
    if draft_id is not None:
        await _drop(stage, actor, draft_id)
    template, segment = await access.load(Template, actor, template_id), await access.load(Segment, actor, segment_id)
    draft = await broadcasts.create(
        core, actor, name=f"{template.name} · {segment.name}", segment_id=segment.id, template_id=template.id, channel=WECHAT
    )
    seen = await audience.preview(core, actor, draft.id)
    suppressed = [{"reason": REASON_LABELS[Reason(code)], "count": count} for code, count in seen.suppressed.items()]
    return {
        "broadcast_id": draft.id,
        "total": seen.total,
        "reached": seen.total - sum(seen.suppressed.values()),
        "suppressed": sorted(suppressed, key=lambda row: -int(str(row["count"]))),
        "samples": [sample.text for sample in seen.samples],
        "visitor": await _visitor_place(stage, actor, segment),
    }


async def approve(stage: Stage, staff_id: str, broadcast_id: int) -> dict[str, Any]:
    """Approve the draft, which starts it."""
    actor = await _actor(stage, staff_id)
    approved = await broadcasts.approve(stage.app.core, actor, broadcast_id)
    return {"broadcast_id": approved.id, "status": approved.status}


async def _visitor_place(stage: Stage, actor: Actor, segment: Segment) -> str | None:
    """Tell whether the phone on the left gets the text: empty for yes, else why not; None when it is not in the segment."""
    core = stage.app.core
    account = await Account.get_or_none(channel=WECHAT, external_id=stage.visitor.openid)
    if account is None or account.person_id is None:
        return None
    run = audience.Run(selection_of(segment, actor), WECHAT, TemplateKind.TEXT.value)
    query = audience.audience_sql(core, run, after=account.person_id - 1, until=account.person_id)

    def program() -> Program[str | None]:
        rows = yield query
        return None if not rows else REASON_LABELS[Reason(rows[0][2])] if rows[0][2] else ""

    return await core.db.read(program())


async def _drop(stage: Stage, actor: Actor, draft_id: int) -> None:
    draft = await access.load(Broadcast, actor, draft_id)
    if draft.status == BroadcastStatus.DRAFT.value:
        await broadcasts.cancel(stage.app.core, actor, draft.id)


async def _actor(stage: Stage, staff_id: str) -> Actor:
    if staff_id not in GREETERS:
        raise NotAGreeter
    return await employees.actor_of(await stage.employee(staff_id))
