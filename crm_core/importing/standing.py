"""What stands in the records rows belong to, and what the importer may do with it (权限, 保密). Reads only.

A record of another unit is hidden: by a number that is its own, a row is refused and told nothing but that it is there;
by a name alone, it is as if it were not there. Reading order: `load`, `Sight`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from crm_core import access, overwriting
from crm_core.access import Actor, Role
from crm_core.identity import TABLES
from crm_core.leads import LeadElsewhere
from crm_core.ports import Program
from crm_core.values import mask_phone

AT_ONCE = 400


@dataclass(frozen=True, slots=True)
class Known:
    """A record a row may belong to; `others` are fields of the row that belong to somebody else.

    `by_name`: nothing but names say so.
    """

    noun: str
    id: int
    person_id: int | None
    others: frozenset[str] = frozenset()
    by_name: bool = False


@dataclass(frozen=True, slots=True)
class Existing:
    """What stands in a record now. `units` are secret to others; `is_shared`: the importer works on it beside its owner."""

    known: Known
    owner_id: int | None
    values: dict[str, Any]
    pool: str = ""
    units: frozenset[int] = frozenset()
    is_shared: bool = False


@dataclass(frozen=True, slots=True)
class Sight:
    """What one importer sees and may change."""

    actor: Actor

    @property
    def team(self) -> frozenset[int | None]:
        """Whose records are theirs."""
        return frozenset(self.actor.team) or frozenset({self.actor.employee_id})

    def is_own(self, existing: Existing) -> bool:
        """Tell whether it is theirs, or anybody's for them."""
        return self.actor.sees_all or existing.is_shared or (existing.owner_id is not None and existing.owner_id in self.team)

    def is_hidden(self, existing: Existing) -> bool:
        """Tell whether it is another unit's, of which nothing may be told."""
        return not self.is_own(existing) and any(access.is_confidential(self.actor, unit) for unit in existing.units)

    def may_change(self, existing: Existing) -> bool:
        """Tell whether a row may change it; a salesperson claims what lies in the pool first."""
        if self.is_own(existing):
            return True
        in_pool = existing.owner_id is None and existing.known.noun == "lead"
        is_open = existing.pool not in self.actor.closed_pools and not self.is_hidden(existing)
        return in_pool and is_open and self.actor.role is not Role.SALES

    def nearest(self, fitting: Iterable[Existing]) -> Existing | None:
        """Choose of records that fit by name alone: first one's own, never a hidden one."""
        seen = [each for each in fitting if not self.is_hidden(each)]
        return next((each for each in seen if self.may_change(each)), seen[0] if seen else None)

    def whose(self, existing: Existing, owner: str) -> str:
        """Say that somebody has it already, as far as the importer may know."""
        if self.is_hidden(existing):
            return LeadElsewhere.text
        said = f"归属：{owner}" if owner else "在公海" if existing.known.noun == "lead" else "没有负责人"
        phone = mask_phone(existing.values.get("mobile") or existing.values.get("landline"))
        return "，".join(filter(None, ["已有", said, phone]))


def load(known: Iterable[Known], sight: Sight) -> Program[dict[tuple[str, int], Existing]]:
    """Read the records rows belong to; what was deleted is not there."""
    by_noun: dict[str, dict[int, Known]] = defaultdict(dict)
    for each in known:
        by_noun[each.noun][each.id] = each
    found: dict[tuple[str, int], Existing] = {}
    for noun, by_id in sorted(by_noun.items()):
        names = overwriting.FIELDS[noun]
        more, here = (", pool", "") if noun == "lead" else (", ''", " AND deleted_at IS NULL")
        for page in pages(sorted(by_id)):
            marks = ", ".join("?" * len(page))
            rows = yield (
                f"SELECT id, owner_id{more}, {', '.join(names)} FROM {TABLES[noun]} WHERE id IN ({marks}){here}",  # noqa: S608
                page,
            )
            units = (yield from _units(noun, page)) if not sight.actor.sees_all else {}
            shared = (yield from _shared(noun, page, sight)) if not sight.actor.sees_all else frozenset()
            for number, owner_id, pool, *values in rows:
                said = dict(zip(names, values, strict=True))
                found[noun, number] = Existing(
                    by_id[number], owner_id, said, pool, frozenset(units.get(number, ())), number in shared
                )
    return found


def owners_of(existing: Iterable[Existing]) -> Program[dict[int, str]]:
    """Name the owners of records."""
    names: dict[int, str] = {}
    for page in pages(sorted({each.owner_id for each in existing if each.owner_id is not None})):
        marks = ", ".join("?" * len(page))
        rows = yield f"SELECT id, name FROM employees WHERE id IN ({marks})", page  # noqa: S608 - marks alone
        names |= {int(number): str(name) for number, name in rows}
    return names


def _units(noun: str, numbers: Sequence[int]) -> Program[dict[int, list[int]]]:
    """Tell whose secret records are: leads lie in a unit, and with them whoever became a customer out of them."""
    column = "id" if noun == "lead" else f"{noun}_id"
    marks = ", ".join("?" * len(numbers))
    rows = yield (
        f"SELECT {column}, department_id FROM leads WHERE {column} IS NOT NULL AND {column} IN ({marks})"  # noqa: S608
        " AND department_id IS NOT NULL",
        numbers,
    )
    found: dict[int, list[int]] = defaultdict(list)
    for number, unit in rows:
        found[int(number)].append(int(unit))
    return found


def _shared(noun: str, numbers: Sequence[int], sight: Sight) -> Program[frozenset[int]]:
    """Tell which customers, or contacts at them, the importer may work on as a collaborator (协作人)."""
    if noun == "lead":
        return frozenset()
    marks, team = ", ".join("?" * len(numbers)), sorted(each for each in sight.team if each is not None)
    asked = ", ".join("?" * len(team))
    column, table = ("t.id", "customers") if noun == "customer" else ("t.customer_id", "contacts")
    rows = yield (
        f"SELECT t.id FROM {table} t JOIN collaborators c ON c.customer_id = {column}"  # noqa: S608 - our own names
        f" WHERE t.id IN ({marks}) AND c.employee_id IN ({asked}) AND c.may_write",
        (*numbers, *team),
    )
    return frozenset(int(number) for (number,) in rows)


def pages(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Part values for statements that take so many marks."""
    return (values[first : first + AT_ONCE] for first in range(0, len(values), AT_ONCE))
