"""Quarantine (隔离区): what came in and cannot be stored as it is waits here, with the reasons, until a person decides."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any
from unicodedata import normalize

import msgspec
from tortoise import fields
from tortoise.queryset import QuerySet

from crm_core import access, collecting
from crm_core.access import Actor
from crm_core.collecting import Collected
from crm_core.customers import Contact
from crm_core.db import Entity, UtcDatetimeField
from crm_core.errors import Conflict, Invalid
from crm_core.leads import Lead
from crm_core.ports import Core, Program
from crm_core.validation import LABELS, Problem

MOST_CHARACTERS = 20_000
"""Of a payload that is kept."""


class QuarantineStatus(StrEnum):
    """What became of a row."""

    WAITING = "waiting"
    RELEASED = "released"
    DROPPED = "dropped"


QUARANTINE_LABELS = {
    QuarantineStatus.WAITING: "待处理",
    QuarantineStatus.RELEASED: "已放行",
    QuarantineStatus.DROPPED: "已丢弃",
}


class RowSettled(Conflict):
    """Somebody has decided already."""

    code = "quarantine.settled"
    text = "这一条已经处理过了，回复「隔离区」看其余的"


class QuarantinedRow(Entity):
    """One thing that was not let in: what it said (JSON, field to text) and why not (JSON, pairs of label and sentence)."""

    owner_field = "employee_id"

    kind = fields.CharField(max_length=16)
    source = fields.CharField(max_length=128, default="")
    payload = fields.TextField()
    reason = fields.TextField()
    at = UtcDatetimeField()
    import_id = fields.BigIntField(null=True, db_index=True)
    line = fields.IntField(null=True)
    employee_id = fields.BigIntField(null=True, db_index=True)
    status = fields.CharField(max_length=16, default=QuarantineStatus.WAITING.value)
    lead_id = fields.BigIntField(null=True)
    person_id = fields.BigIntField(null=True)
    """Whom it became or was added to, once it is released."""
    settled_at = UtcDatetimeField(null=True)
    settled_by = fields.CharField(max_length=64, default="")

    class Meta:
        """One row a refused thing."""

        table = "quarantined_rows"

    @property
    def values(self) -> dict[str, str]:
        """What it said, by field."""
        found: dict[str, str] = msgspec.json.decode(self.payload)
        return found

    @property
    def reasons(self) -> list[tuple[str, str]]:
        """Why it was not let in, as pairs of label and sentence."""
        return [(str(label), str(sentence)) for label, sentence in msgspec.json.decode(self.reason)]


_INSERT = (
    "INSERT INTO quarantined_rows (kind, source, payload, reason, at, import_id, line, employee_id, status, settled_by,"
    " created_at, updated_at) VALUES "
)
_AT_ONCE = 200
_CUT = 100
_CELL = 40
"""Characters of a cell that may be one number, whatever stands between its digits."""
Refused = tuple[int | None, Mapping[str, str], Sequence[tuple[str, str]]]
"""Line, what stood there by field, and pairs of label and sentence."""


def put(
    core: Core,
    kind: str,
    source: str,
    refused: Sequence[Refused],
    *,
    import_id: int | None = None,
    employee_id: int | None = None,
) -> Program[None]:
    """Keep what was refused, in the open transaction."""
    now, encode = core.clock.now(), msgspec.json.encode
    for first in range(0, len(refused), _AT_ONCE):
        page = refused[first : first + _AT_ONCE]
        values: list[object] = []
        for line, said, reasons in page:
            texts = (_kept(said), encode([list(each) for each in reasons]).decode())
            values += (kind, source[:128], *texts, now, import_id, line, employee_id, "waiting", "", now, now)
        yield _INSERT + ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"] * len(page)), values


def _kept(said: Mapping[str, str]) -> str:
    """Write down what stood there; of what is beyond all measure, the beginning of each field."""
    text = msgspec.json.encode(dict(said)).decode()
    if len(text) <= MOST_CHARACTERS:
        return text
    return msgspec.json.encode({name[:64]: value[:_CUT] for name, value in list(said.items())[:_CUT]}).decode()


async def refused_of(import_id: int, *, most: int) -> list[tuple[int | None, list[tuple[str, str]], dict[str, str]]]:
    """List what an import did not let in and nobody has decided about: line, reasons and what stood there, in order."""
    rows = QuarantinedRow.filter(import_id=import_id, status=QuarantineStatus.WAITING.value)
    return [(row.line, row.reasons, row.values) for row in await rows.order_by("line", "id").limit(most)]


def as_reasons(problems: Sequence[Problem]) -> list[tuple[str, str]]:
    """Write problems as they are kept."""
    return [(LABELS.get(problem.field, problem.field), problem.reason) for problem in problems]


def waiting(actor: Actor) -> "QuerySet[QuarantinedRow]":
    """Select what the actor may decide about."""
    return access.visible(QuarantinedRow, actor).filter(status=QuarantineStatus.WAITING.value)


async def release(core: Core, actor: Actor, row_id: int, corrections: Mapping[str, str]) -> Collected:
    """Let a row in, corrected (放行). Raises: NotFound; RowSettled; Invalid for what is still wrong, or is no lead."""
    access.require(actor, "imports:write")
    async with core.db.transaction():
        row = await access.load(QuarantinedRow, actor, row_id)
        if row.kind != "leads":
            raise Invalid(field="kind", reason="只有线索可以在这里放行，其余请修正表格再导入")
        await _settle(core, actor, row, QuarantineStatus.RELEASED)
        values: dict[str, Any] = {**row.values, **corrections}
        made = await collecting.collect(core, actor, values, source=row.source)
        person = await (Lead if made.noun == "lead" else Contact).get(id=made.id)
        await row.change(core, lead_id=made.lead_id, person_id=person.person_id)
        await access.record(core, actor, "quarantine.release", row, after={"lead_id": made.lead_id})
    return made


def said_by(words: Sequence[str], first: int, last: int) -> Program[list[int]]:
    """Tell which rows above `first` up to `last` hold one of these numbers and addresses, however it was typed."""
    rows = yield "SELECT id, payload FROM quarantined_rows WHERE id > ? AND id <= ? ORDER BY id", (first, last)
    wanted = tuple(word.casefold() for word in words)
    numbers = frozenset(word for word in wanted if word.isdecimal())
    return [int(number) for number, payload in rows if _holds(str(payload), wanted, numbers)]


def _holds(payload: str, words: Sequence[str], numbers: frozenset[str]) -> bool:
    said = normalize("NFKC", payload).casefold()
    if any(word in said for word in words):
        return True
    cells = msgspec.json.decode(payload, type=dict[str, str]).values() if numbers else ()
    digits = ("".join(sign for sign in normalize("NFKC", cell) if sign.isdecimal()) for cell in cells if len(cell) <= _CELL)
    return any(number in found for found in digits for number in numbers)


async def drop(core: Core, actor: Actor, row_id: int) -> QuarantinedRow:
    """Decide that a row is of no use (丢弃); it stays as history for a while. Raises: NotFound; RowSettled."""
    access.require(actor, "imports:write")
    async with core.db.transaction():
        row = await access.load(QuarantinedRow, actor, row_id)
        await _settle(core, actor, row, QuarantineStatus.DROPPED)
        await access.record(core, actor, "quarantine.drop", row)
    return row


async def _settle(core: Core, actor: Actor, row: QuarantinedRow, status: QuarantineStatus) -> None:
    now = core.clock.now()
    query = QuarantinedRow.filter(id=row.id, status=QuarantineStatus.WAITING.value)
    if not await query.update(status=status.value, settled_at=now, settled_by=actor.name[:64], updated_at=now):
        raise RowSettled
    row.status, row.settled_at = status.value, now
