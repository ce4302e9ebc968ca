"""Finding the records an exact phrase names: by number (#12), or by a name the speaker may see."""

import re

from crm_core import access
from crm_core.errors import NoneFound
from crm_core.matching import MODELS, NOUN_LABELS
from handlers.router import ChatContext

_NUMBER = re.compile(r"#?(\d{1,17})")
MOST = 9


def first_word(ctx: ChatContext) -> str:
    """Give the phrase a sentence began with."""
    return ctx.message.text.strip().partition(" ")[0]


async def one_of(ctx: ChatContext, noun: str, said: str, *, slot: str, question: str = "有几条符合，请回复序号：") -> int:
    """Find the one record meant; asks by number when several bear the name. Raises: NotFound."""
    if slot in ctx.slots:
        return int(ctx.slot(slot))
    found = await named(ctx, noun, said)
    if not found:
        raise NoneFound(what=f"{NOUN_LABELS[noun]}「{said.strip()[:16]}」")
    if len(found) > 1:
        raise ctx.ask_choice(question, [(label, str(number)) for number, label in found[:MOST]], slot=slot)
    return found[0][0]


async def named(ctx: ChatContext, noun: str, said: str) -> list[tuple[int, str]]:
    """List the visible records of a number or a whole name, each with a label."""
    query = access.visible(MODELS[noun], ctx.actor)
    number = _NUMBER.fullmatch(said.strip())
    if number:
        row = await access.load(MODELS[noun], ctx.actor, int(number[1]))
        return [(row.id, str(getattr(row, "name", "")))]
    rows = await query.filter(name=said.strip()).order_by("id").limit(MOST)
    if not rows and noun == "lead":
        rows = await query.filter(company=said.strip()).order_by("id").limit(MOST)
    return [(row.id, _label(row)) for row in rows]


def _label(row: object) -> str:
    told = [str(getattr(row, name, "") or "") for name in ("company", "region", "source")]
    return f"{getattr(row, 'name', '')} #{getattr(row, 'id', '')}（{'，'.join(word for word in told if word) or '无更多资料'}）"
