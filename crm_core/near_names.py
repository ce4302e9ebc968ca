"""Names that hold what was asked (相近): said of one's own with their name, of a colleague's only whose they are."""

from collections import Counter

from crm_core import access, matching
from crm_core.access import Actor
from crm_core.employees import Employee
from crm_core.matching import MODELS, NOUN_LABELS
from crm_core.ports import Core, Program

SHORTEST = 3
"""Characters of a part that is looked for; every city would find half of the customers."""
MOST = 20
_STANDING = "merged_into_id IS NULL AND deleted_at IS NULL"
_NAMES = (
    ("customer", f"SELECT id, name, owner_id FROM customers WHERE {_STANDING} AND name LIKE ?"),  # noqa: S608 - our own words
    ("lead", "SELECT id, company, owner_id FROM leads WHERE status IN ('new', 'following') AND company LIKE ?"),
    ("lead", "SELECT id, name, owner_id FROM leads WHERE status IN ('new', 'following') AND name LIKE ?"),
    ("contact", f"SELECT id, name, owner_id FROM contacts WHERE {_STANDING} AND name LIKE ?"),  # noqa: S608
)
Row = tuple[str, int, str, int | None]


async def containing(core: Core, actor: Actor, words: str) -> list[str]:
    """Tell in lines which names hold these words; of another unit's nothing is told."""
    access.require(actor, "duplicates:read")
    part = words.strip().replace("%", "").replace("_", "")
    if len(part) < SHORTEST:
        return []
    rows = await core.db.read(_containing(part))
    owners = dict(await Employee.filter(id__in=[row[3] for row in rows if row[3]]).values_list("id", "name"))
    seen = await _seen(actor, rows)
    lines, foreign = [], Counter[str]()
    for noun, number, name, owner_id in rows:
        whose = f"归属：{owners.get(owner_id, '同事')}" if owner_id else "在公海"
        if (noun, number) in seen:
            lines.append(f"{NOUN_LABELS[noun]} #{number}：{name}，{whose}")
        elif number not in await matching.confidential(actor, noun, [number]):
            foreign[whose] += 1
    return lines + [f"已有{count}条，{whose}" for whose, count in foreign.items()]


def _containing(part: str) -> Program[list[Row]]:
    found: dict[tuple[str, int], Row] = {}
    for noun, sql in _NAMES:
        rows = yield f"{sql} ORDER BY id LIMIT {MOST}", (f"%{part}%",)
        for number, name, owner_id in rows:
            found.setdefault((noun, int(number)), (noun, int(number), str(name), owner_id))
    return list(found.values())[:MOST]


async def _seen(actor: Actor, rows: list[Row]) -> set[tuple[str, int]]:
    if actor.sees_all:
        return {(noun, number) for noun, number, _, _ in rows}
    seen: set[tuple[str, int]] = set()
    for noun in {row[0] for row in rows}:
        numbers = [number for kind, number, _, _ in rows if kind == noun]
        visible = access.visible(MODELS[noun], actor).filter(id__in=numbers)
        seen |= {(noun, int(str(number))) for number in await visible.values_list("id", flat=True)}
    return seen
