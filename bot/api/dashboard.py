"""The dashboard, the timeline, the profile and the search over the API."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import msgspec

from bot.api.bodies import wrong_fields
from bot.api.routes import Call, Routes
from crm_core import dashboards, profiles, searching, timeline
from crm_core.segments import Tag
from crm_core.timeline import SOURCES, Cursor
from crm_core.values import normalize_phone
from handlers.search_words import read_conditions

routes = Routes()


@routes.get("/dashboard", scope="customers:read")
async def show_dashboard(call: Call) -> Any:
    """Count what there is and the last 30 days, as far as the asker may see it."""
    return asdict(await dashboards.dashboard(call.core, call.actor))


@routes.get("/profiles/{id}", scope="contacts:read")
async def show_profile(call: Call) -> Any:
    """Show a person's card, each line with its source; `id` is the person_id."""
    return asdict(await profiles.profile(call.core, call.actor, call.number))


@routes.lists("/timeline", scope="messages:read", filters={"person_id": int, "customer_id": int, "before": str})
async def list_timeline(call: Call) -> Any:
    """List what happened to a person or a whole customer, newest first; go on with `before`=the `next` of the last page."""
    whose = {name: call.query[name] for name in ("person_id", "customer_id") if name in call.query}
    before = _cursor(call.query.get("before", ""))
    found = await timeline.page(call.core, call.actor, before=before, limit=call.limit, **whose)
    items = [asdict(entry) | {"label": entry.label, "at": entry.at.isoformat()} for entry in found.entries]
    return {"items": items, "next": _written(found.next)}


def _written(cursor: Cursor | None) -> str | None:
    return None if cursor is None else f"{cursor[0].isoformat().replace('+00:00', 'Z')}.{SOURCES[cursor[1]]}.{cursor[2]}"


def _cursor(text: str) -> Cursor | None:
    if not text:
        return None
    parts = text.rsplit(".", 2)
    try:
        at, source, number = datetime.fromisoformat(parts[0]), SOURCES.index(parts[1]), int(parts[2])
        if at.tzinfo is None or not 0 <= number < 10**18:
            raise ValueError
    except (ValueError, IndexError):
        raise wrong_fields({"before": "不是上一页给的值"}) from None
    return at, source, number


@routes.lists("/search", scope="leads:read", filters={"conditions": str})
async def search(call: Call) -> Any:
    """Find people: `q` in words (北京 制造业 30天没跟进) or a phone number, or `conditions` of the segment language.

    Leads of the pool count towards the day's number; `left_out` tells how many are not listed for it.
    """
    words = str(call.query.get("q", "")).strip()
    if words and normalize_phone(words):
        hits = await searching.find_phone(call.core, call.actor, words)
        return {"items": [_hit(hit) for hit in hits], "next": None, "total": len(hits), "conditions": {}}
    conditions = await _conditions(call, words)
    after = call.cursor or 0
    found = await searching.search(call.core, call.actor, conditions, after=after, limit=call.limit, count=not after)
    following = str(found.next) if found.next is not None else None
    items = [_hit(hit) for hit in found.hits]
    page = {"items": items, "next": following, "total": found.total, "conditions": conditions}
    return {**page, "left_out": found.left_out} if found.left_out else page


async def _conditions(call: Call, words: str) -> Mapping[str, Any]:
    text = call.query.get("conditions", "")
    parts: list[Any] = []
    if text:
        try:
            given = msgspec.json.decode(text)
        except msgspec.DecodeError:
            raise wrong_fields({"conditions": "不是有效的 JSON"}) from None
        if not isinstance(given, dict):
            raise wrong_fields({"conditions": "应为对象"})
        parts.append(given)
    if words:
        tags = {tag.name for tag in await Tag.all().limit(1000)}
        industries = await searching.known_industries(words.split())
        parts.append(read_conditions(words, tags=tags, industries=industries))
    parts = [part for part in parts if part]
    if len(parts) == 2:
        return {"all": parts}
    return parts[0] if parts else {}


def _hit(hit: searching.Hit) -> dict[str, Any]:
    at = hit.last_follow_up_at
    return asdict(hit) | {"last_follow_up_at": at.isoformat() if at else None}
