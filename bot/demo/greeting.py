"""The greeting step: a colleague picks text and people, sees who gets it and why somebody does not, approves, watches.

The page's visitor acts as that employee, with that employee's rights, through the use cases every other way uses.
"""

from typing import Any

import msgspec

from bot.demo.settings import WECHAT
from bot.demo.stage import Stage
from bot.sample.fill import SEGMENTS
from campaigns import audience, broadcasts
from campaigns.broadcasts import Broadcast, BroadcastStatus
from campaigns.templates import Template, TemplateKind
from crm_core import access, employees
from crm_core.access import Actor
from crm_core.accounts import Account
from crm_core.activities import STAGE_LABELS
from crm_core.errors import Conflict
from crm_core.policy import REASON_LABELS, Reason
from crm_core.ports import Program
from crm_core.segments import Segment, count_segment, selection_of

GREETERS = ("hl-lin", "hl-zhou")
"""Whose phones offer the greeting: the manager's and the marketer's."""
_VALUES = {"lead": "线索", "customer": "客户", "vip": "VIP", "key": "重点", "normal": "普通", "me": "我的"} | STAGE_LABELS


class NotAGreeter(Conflict):
    """Somebody whose phone does not offer it."""

    code = "demo.not_a_greeter"
    text = "只有主管和市场可以发祝福"


async def options(stage: Stage, staff_id: str) -> dict[str, Any]:
    """List the templates and segments this colleague may choose from, each segment with its people."""
    actor = await _actor(stage, staff_id)
    core = stage.app.core
    templates = await access.visible(Template, actor).filter(kind=TemplateKind.TEXT.value).order_by("id")
    segments = _distinct(await access.visible(Segment, actor).order_by("id"))
    return {
        "templates": [{"id": row.id, "name": row.name, "body": row.body} for row in templates],
        "segments": [
            {
                "id": row.id,
                "name": row.name,
                "conditions": _condition_words(row),
                "count": await count_segment(core, actor, row),
                "holds_visitor": await _visitor_place(stage, actor, row) is not None,
            }
            for row in segments
        ],
    }


def _distinct(rows: list[Segment]) -> list[Segment]:
    """Show each name with its conditions once, the sample's own first: the chat saves one at every greeting it arranges."""
    found: dict[tuple[object, ...], Segment] = {}
    for row in rows:
        conditions = msgspec.json.decode(row.conditions)
        whose = row.author_id if "owner" in conditions else None
        found.setdefault((row.name, msgspec.json.encode(conditions, order="sorted"), whose), row)
    return sorted(found.values(), key=lambda row: SEGMENTS.get(row.name) != row.conditions)


def _condition_words(row: Segment) -> str:
    """Say the conditions in words: 客户 · VIP."""
    words: list[str] = []
    for name, value in sorted(msgspec.json.decode(row.conditions).items()):
        if name == "inactive_days":
            words.append(f"{value}天没联系")
        elif name == "query":
            words.append(f"含“{value}”")
        elif isinstance(value, list):
            words += [f"标签{one}" for one in value]
        else:
            words.append(_VALUES.get(str(value), str(value)))
    return " · ".join(words)


async def preview(
    stage: Stage, staff_id: str, template_id: int, segment_id: int, draft_id: int | None = None
) -> dict[str, Any]:
    """Try it without sending. One dialogue has one draft: `draft_id` is what its last trial gave."""
    actor = await _actor(stage, staff_id)
    core = stage.app.core
    template, segment = await access.load(Template, actor, template_id), await access.load(Segment, actor, segment_id)
    wanted = {"name": template.name, "segment_id": segment.id, "template_id": template.id}
    if draft_id is None:
        draft = await broadcasts.create(core, actor, **wanted, channel=WECHAT)
    else:
        draft = await broadcasts.update(core, actor, draft_id, **wanted)
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


async def drop(stage: Stage, staff_id: str, broadcast_id: int) -> dict[str, Any]:
    """Cancel the own draft of a dialogue that was closed; anything further on stays as it is."""
    actor = await _actor(stage, staff_id)
    draft = await access.load(Broadcast, actor, broadcast_id)
    if draft.status == BroadcastStatus.DRAFT.value and draft.author_id == actor.employee_id:
        draft = await broadcasts.cancel(stage.app.core, actor, draft.id)
    return {"broadcast_id": draft.id, "status": draft.status}


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


async def _actor(stage: Stage, staff_id: str) -> Actor:
    if staff_id not in GREETERS:
        raise NotAGreeter
    return await employees.actor_of(await stage.employee(staff_id))
