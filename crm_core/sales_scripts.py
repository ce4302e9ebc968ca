"""Sales scripts (销售话术): approved wording for a stage or an objection, from the settings and from the house."""

from collections.abc import Mapping
from dataclasses import dataclass

from tortoise import fields

from crm_core import access
from crm_core.access import Actor
from crm_core.assignment_profiles import words_of
from crm_core.changes import change_fields
from crm_core.db import Entity, UtcDatetimeField
from crm_core.errors import Invalid
from crm_core.ports import Core

MOST_SHOWN = 5


class SalesScript(Entity):
    """Wording somebody of the house stored. Ended, never deleted."""

    owner_field = None

    title = fields.CharField(max_length=64)
    words = fields.CharField(max_length=200, default="")
    """Joined by commas: a follow-up with one of them is answered with this."""
    stage = fields.CharField(max_length=32, default="")
    text = fields.TextField()
    author_id = fields.BigIntField(null=True)
    ended_at = UtcDatetimeField(null=True)

    class Meta:
        """Few rows."""

        table = "sales_scripts"


@dataclass(frozen=True, slots=True)
class Script:
    """Wording as it is offered; no number: it stands in the settings."""

    title: str
    text: str
    words: tuple[str, ...]
    stage: str
    id: int | None = None


async def add(core: Core, actor: Actor, **values: object) -> SalesScript:
    """Store wording. Raises: Invalid."""
    access.require(actor, "templates:write")
    clean = _checked({"title": "", "text": "", "words": "", "stage": "", **values})
    async with core.db.transaction():
        made: SalesScript = await SalesScript.add(core, author_id=actor.employee_id, **clean)
        await access.record(core, actor, "sales_script.add", made, after={"title": made.title})
    return made


async def change(core: Core, actor: Actor, script_id: int, **values: object) -> SalesScript:
    """Change stored wording. Raises: NotFound; Invalid."""
    access.require(actor, "templates:write")
    async with core.db.transaction():
        row = await access.load(SalesScript, actor, script_id)
        now = {"title": row.title, "text": row.text, "words": row.words, "stage": row.stage}
        await change_fields(core, actor, "sales_script.change", row, _checked({**now, **values}))
    return row


async def end(core: Core, actor: Actor, script_id: int, *, undo: bool = False) -> SalesScript:
    """Offer wording no more, or again. Raises: NotFound."""
    access.require(actor, "templates:write")
    async with core.db.transaction():
        row = await access.load(SalesScript, actor, script_id)
        await change_fields(core, actor, "sales_script.end", row, {"ended_at": None if undo else core.clock.now()})
    return row


def _checked(values: Mapping[str, object]) -> dict[str, object]:
    said = values["words"]
    words = words_of(said) if isinstance(said, str) else tuple(map(str, said if isinstance(said, (list, tuple)) else ()))
    clean = {"title": str(values["title"]).strip(), "text": str(values["text"]).strip(), "stage": str(values["stage"]).strip()}
    if not clean["title"] or len(clean["title"]) > 64:
        raise Invalid(field="title", label="标题", reason="需要1到64个字")
    if not clean["text"] or len(clean["text"]) > 2000:
        raise Invalid(field="text", reason="需要1到2000个字")
    if not (words or clean["stage"]):
        raise Invalid(field="words", reason="请写明关键词或销售阶段")
    if len(",".join(words)) > 200 or len(clean["stage"]) > 32:
        raise Invalid(field="words", reason="太长了")
    return {**clean, "words": ",".join(words)}


async def all_scripts(core: Core) -> list[Script]:
    """List everything that is offered, the house's own first."""
    rows = await SalesScript.filter(ended_at=None).order_by("-id").limit(500)
    own = [Script(row.title, row.text, words_of(row.words), row.stage, row.id) for row in rows]
    return own + [Script(each.title, each.text, each.words, each.stage) for each in core.settings.sales_scripts.items]


async def search(core: Core, actor: Actor, said: str) -> list[Script]:
    """Find wording by what somebody says: a keyword, a stage, or words of the title."""
    access.require(actor, "templates:read")
    every = await all_scripts(core)
    said = said.strip()
    found = [each for each in every if _answers(each, said)] or [each for each in every if said in each.title + each.text]
    return found[:MOST_SHOWN] if said else every[:MOST_SHOWN]


def _answers(script: Script, said: str) -> bool:
    return (script.stage != "" and said == script.stage) or any(word in said for word in script.words)


async def for_follow_up(core: Core, summary: str, stage: str = "") -> Script | None:
    """Find the wording a follow-up calls for: by a keyword in it, else by the stage; None when there is none."""
    if not core.settings.sales_scripts.offer_after_follow_up:
        return None
    every = await all_scripts(core)
    by_word = next((each for each in every if any(word in summary for word in each.words)), None)
    return by_word or next((each for each in every if stage and each.stage == stage), None)
