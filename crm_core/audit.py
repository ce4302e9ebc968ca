"""The audit trail (审计): append-only entries, chained in blocks, so that a change afterwards is found.

An entry holds numbers, field names and a salted hash; what stood before and after, and is personal, stands in
`AuditValues`, which `erase` empties without breaking the chain. Reading order: `record`, `seal`, `verify`.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tortoise import fields

from crm_core.db import Entity, UtcDatetimeField
from crm_core.ports import Core, Program
from crm_core.rules import as_instant

SEALED_WITHIN = timedelta(minutes=1)
"""An entry older than this that stands in no block is a finding: blocks are sealed each second."""
BLOCK = 5_000
"""Entries of one block at most."""


class AuditEntry(Entity):
    """Who changed what, when. `actor` is the name of a token or job; an employee's is in the values."""

    employee_id = fields.BigIntField(null=True)
    actor = fields.CharField(max_length=64, default="")
    action = fields.CharField(max_length=64)
    object_kind = fields.CharField(max_length=32)
    object_id = fields.BigIntField(null=True, db_index=True)
    names = fields.CharField(max_length=500, default="")
    """The fields that changed, joined by commas."""
    digest = fields.CharField(max_length=64, default="")
    block_id = fields.BigIntField(null=True, db_index=True)

    class Meta:
        """Append-only; `block_id` is set once."""

        table = "audit_entries"


class AuditValues(Entity):
    """What an entry says in words: before and after as JSON. Emptied when the person is erased."""

    entry_id = fields.BigIntField(unique=True)
    salt = fields.CharField(max_length=32, default="")
    before = fields.TextField(default="")
    after = fields.TextField(default="")

    class Meta:
        """One row an entry that has values."""

        table = "audit_values"


class AuditBlock(Entity):
    """Entries sealed together; each block's hash goes on from the one before."""

    number = fields.BigIntField(unique=True)
    entries = fields.IntField(default=0)
    digest = fields.CharField(max_length=64, default="")
    sealed_at = UtcDatetimeField()

    class Meta:
        """A chain."""

        table = "audit_blocks"


@dataclass(frozen=True, slots=True)
class Verified:
    """What `verify` found. `erased` entries have lost their values to an erasure, which is no fault."""

    blocks: int = 0
    entries: int = 0
    erased: int = 0
    digest: str = ""
    problems: list[str] = field(default_factory=list)


async def add_entry(
    core: Core,
    *,
    actor: str,
    employee_id: int | None,
    action: str,
    object_kind: str,
    object_id: int | None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Write one entry and its values in the open transaction."""
    words = (_json(before), _json(after))
    salt = secrets.token_hex(16) if any(words) else ""
    entry: AuditEntry = await AuditEntry.add(
        core,
        actor=actor,
        employee_id=employee_id,
        action=action,
        object_kind=object_kind,
        object_id=object_id,
        names=",".join(sorted({*(before or {}), *(after or {})}))[:500],
        digest=_digest_of(salt, *words) if salt else "",
    )
    if salt:
        await AuditValues.add(core, entry_id=entry.id, salt=salt, before=words[0], after=words[1])
    return entry


async def values_of(entry_ids: Sequence[int]) -> dict[int, AuditValues]:
    """Give the values of entries by the entry's number; an erased entry has none."""
    return {row.entry_id: row for row in await AuditValues.filter(entry_id__in=list(entry_ids))}


def _json(values: Mapping[str, Any] | None) -> str:
    return json.dumps(dict(values), ensure_ascii=False, default=str) if values else ""


def _digest_of(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()


_COLUMNS = "id, created_at, employee_id, actor, action, object_kind, object_id, names, digest"


def _line(row: Sequence[Any]) -> str:
    number, at, employee_id, actor, *rest = row
    # The name of an employee may be erased one day; who it was stands in the number.
    words = [number, (as_instant(at) or at).isoformat(), employee_id, "" if employee_id is not None else actor, *rest]
    return "\x1f".join("" if word is None else str(word) for word in words)


def _chained(previous: str, rows: Sequence[Sequence[Any]]) -> str:
    return _digest_of(previous, *map(_line, rows))


async def seal(core: Core) -> int:
    """Chain what was written since the last block; tells how many entries. Safe to run in several processes."""
    unsealed = await core.db.read(_count_unsealed())
    return await core.db.run(_seal(core.clock.now())) if unsealed else 0


def _count_unsealed() -> Program[int]:
    rows = yield "SELECT 1 FROM audit_entries WHERE block_id IS NULL LIMIT 1", ()
    return len(rows)


def _seal(now: datetime) -> Program[int]:
    last = yield "SELECT number, digest FROM audit_blocks ORDER BY number DESC LIMIT 1", ()
    number, previous = last[0] if last else (0, "")
    made = yield (
        "INSERT INTO audit_blocks (number, entries, digest, sealed_at, created_at, updated_at) VALUES (?, 0, '', ?, ?, ?)"
        " ON CONFLICT (number) DO NOTHING RETURNING id",
        (number + 1, now, now, now),
    )
    if not made:  # another process seals
        return 0
    rows = yield f"SELECT {_COLUMNS} FROM audit_entries WHERE block_id IS NULL ORDER BY id LIMIT ?", (BLOCK,)  # noqa: S608
    for first in range(0, len(rows), 500):
        part = [row[0] for row in rows[first : first + 500]]
        marks = ", ".join("?" * len(part))
        yield f"UPDATE audit_entries SET block_id = ? WHERE id IN ({marks})", (made[0][0], *part)  # noqa: S608
    digest = _chained(previous, rows)
    yield "UPDATE audit_blocks SET entries = ?, digest = ? WHERE id = ?", (len(rows), digest, made[0][0])
    return len(rows)


async def verify(core: Core) -> Verified:
    """Walk the whole chain: changed, missing, added and unsealed entries are found, changed values too."""
    problems: list[str] = []
    previous, entries, erased = "", 0, 0
    blocks = await AuditBlock.all().order_by("number")
    for place, block in enumerate(blocks, 1):
        if block.number != place:
            problems.append(f"第 {place} 块缺失")
            break
        rows = await core.db.read(_rows_of(block.id))
        if len(rows) != block.entries or _chained(previous, rows) != block.digest:
            problems.append(f"第 {place} 块与封存时不符（{len(rows)}/{block.entries} 条）")
        erased += await _check_values(rows, problems)
        entries, previous = entries + len(rows), block.digest
    problems += await _strays(core)
    told = await _told_erased(core)
    if erased > told:
        problems.append(f"{erased - told} 条的内容不见了，没有删除记录")
    return Verified(len(blocks), entries, erased, previous, problems)


def _rows_of(block_id: int) -> Program[list[Sequence[Any]]]:
    rows = yield f"SELECT {_COLUMNS} FROM audit_entries WHERE block_id = ? ORDER BY id", (block_id,)  # noqa: S608
    return list(rows)


async def _check_values(rows: Sequence[Sequence[Any]], problems: list[str]) -> int:
    """Compare the words of a block's entries with their hashes; tells how many were erased."""
    told = {row[0]: row[-1] for row in rows if row[-1]}
    values: dict[int, AuditValues] = {}
    numbers = list(told)
    for first in range(0, len(numbers), 500):
        values |= await values_of(numbers[first : first + 500])
    erased = 0
    for number, digest in told.items():
        words = values.get(number)
        if words is None or not (words.salt or words.before or words.after):
            erased += 1
        elif _digest_of(words.salt, words.before, words.after) != digest:
            problems.append(f"第 {number} 条的内容被改过")
    return erased


async def _strays(core: Core) -> list[str]:
    """Find entries outside the chain. What a later block took since the walk began is the next one's."""

    def program() -> Program[tuple[int, int]]:
        late = yield (
            "SELECT count(*) FROM audit_entries WHERE block_id IS NULL AND created_at < ?",
            (core.clock.now() - SEALED_WITHIN,),
        )
        foreign = yield (
            "SELECT count(*) FROM audit_entries e WHERE e.block_id IS NOT NULL"
            " AND NOT EXISTS (SELECT 1 FROM audit_blocks b WHERE b.id = e.block_id)",
            (),
        )
        return int(late[0][0]), int(foreign[0][0])

    late, foreign = await core.db.read(program())
    told = [f"{late} 条迟迟没有封存"] if late else []
    return told + ([f"{foreign} 条属于不存在的块"] if foreign else [])


async def _told_erased(core: Core) -> int:
    """Add up what erasures wrote down that they emptied."""
    told = 0
    for entry_id in await AuditEntry.filter(action="person.erase").values_list("id", flat=True):
        words = (await values_of([int(entry_id)])).get(int(entry_id))  # type: ignore[call-overload]
        told += int(json.loads(words.after).get("audit_values", 0)) if words and words.after else 0
    return told
