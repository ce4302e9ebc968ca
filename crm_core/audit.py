"""The audit trail (审计): append-only entries, chained in blocks, so that a change afterwards is found.

An entry holds numbers, field names and salted hashes; what stood before and after, and is personal, stands in
`AuditValues`, which `erase` empties without breaking the chain. The name of the employee who did it is hashed with the salt
in `AuditActor`, which `erase` empties with the name. The chain holds by its newest digest: whoever can rewrite the whole
database can cut it or make it anew, which only a digest kept elsewhere tells (the log, backups). Reading order:
`add_entry`, `seal`, `verify`.
"""

import hashlib
import json
import secrets
from collections import Counter
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
    """Who changed what, when. `actor` is the name of an employee (erased with them), a token or a job."""

    employee_id = fields.BigIntField(null=True)
    actor = fields.CharField(max_length=64, default="")
    action = fields.CharField(max_length=64)
    object_kind = fields.CharField(max_length=32)
    object_id = fields.BigIntField(null=True, db_index=True)
    names = fields.CharField(max_length=500, default="")
    """The fields that changed, joined by commas."""
    digest = fields.CharField(max_length=64, default="")
    actor_digest = fields.CharField(max_length=64, null=True)
    """Of an employee's number and name; entries older than this column have none."""
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


class AuditActor(Entity):
    """The salt of an employee's name as it was at the time. Emptied when they are erased."""

    employee_id = fields.BigIntField(db_index=True)
    salt = fields.CharField(max_length=32, default="")
    digest = fields.CharField(max_length=64, unique=True)

    class Meta:
        """One row a name; two when two processes wrote the first entry under it at once."""

        table = "audit_actors"


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
class Anchor:
    """The newest block. Kept outside the database, its digest proves later that nothing up to it was cut off or remade."""

    block: int
    digest: str

    def in_log(self) -> str:
        """Write the digest in parts: as a whole, its digits may look like somebody's mobile to the log's filter."""
        return ":".join(self.digest[start : start + 8] for start in range(0, len(self.digest), 8))


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
        actor_digest=None if employee_id is None else await core.db.run(_actor_digest(core.clock.now(), employee_id, actor)),
    )
    if salt:
        await AuditValues.add(core, entry_id=entry.id, salt=salt, before=words[0], after=words[1])
    return entry


def _actor_digest(now: datetime, employee_id: int, name: str) -> Program[str]:
    """Give the hash of an employee's number and name, with the salt it has already or a new one."""
    known = yield "SELECT salt, digest FROM audit_actors WHERE employee_id = ? AND salt <> ''", (employee_id,)
    for salt, digest in known:
        if digest == _digest_of(salt, str(employee_id), name):
            return str(digest)
    salt = secrets.token_hex(16)
    digest = _digest_of(salt, str(employee_id), name)
    yield (
        "INSERT INTO audit_actors (employee_id, salt, digest, created_at, updated_at) VALUES (?, ?, ?, ?, ?)",
        (employee_id, salt, digest, now, now),
    )
    return digest


def insert_system_entry(
    core: Core, job: str, action: str, object_kind: str, object_id: int, after: Mapping[str, Any]
) -> Program[None]:
    """Write the entry of something the house itself did, in plain SQL, for the hot path."""
    now, words, salt = core.clock.now(), ("", _json(after)), secrets.token_hex(16)
    rows = yield (
        "INSERT INTO audit_entries (actor, action, object_kind, object_id, names, digest, actor_digest, created_at, updated_at)"
        " VALUES (?, ?, ?, ?, ?, ?, '', ?, ?) RETURNING id",
        (job, action, object_kind, object_id, ",".join(sorted(after))[:500], _digest_of(salt, *words), now, now),
    )
    yield (
        "INSERT INTO audit_values (entry_id, salt, before, after, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)",
        (rows[0][0], salt, *words, now, now),
    )


async def values_of(entry_ids: Sequence[int]) -> dict[int, AuditValues]:
    """Give the values of entries by the entry's number; an erased entry has none."""
    return {row.entry_id: row for row in await AuditValues.filter(entry_id__in=list(entry_ids))}


def _json(values: Mapping[str, Any] | None) -> str:
    return json.dumps(dict(values), ensure_ascii=False, default=str) if values else ""


def _digest_of(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()


_COLUMNS = "id, created_at, employee_id, actor, action, object_kind, object_id, names, digest, actor_digest"
_SALT = "(SELECT a.salt FROM audit_actors a WHERE a.digest = audit_entries.actor_digest) AS salt"


def _line(row: Sequence[Any]) -> str:
    number, at, employee_id, actor, *rest, actor_digest = row[:10]
    # The name of an employee may be erased one day: its hash stands for it.
    words = [number, (as_instant(at) or at).isoformat(), employee_id, "" if employee_id is not None else actor, *rest]
    # Blocks that are older than the hash stay what they were.
    words += [actor_digest] if actor_digest else []
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


async def newest(core: Core) -> Anchor | None:
    """Tell the newest block."""

    def program() -> Program[Anchor | None]:
        rows = yield "SELECT number, digest FROM audit_blocks ORDER BY number DESC LIMIT 1", ()
        return Anchor(int(rows[0][0]), str(rows[0][1])) if rows else None

    return await core.db.read(program())


async def verify(core: Core, expected: Sequence[str] = ()) -> Verified:
    """Walk the whole chain: changed, missing, added and unsealed entries are found, changed values and names too.

    `expected`: digests kept elsewhere, or their beginnings; a chain that was cut or made anew lacks them.
    """
    problems: list[str] = []
    previous, entries, erased = "", 0, 0
    nameless: set[str] = set()
    digests: list[str] = []
    blocks = await AuditBlock.all().order_by("number")
    for place, block in enumerate(blocks, 1):
        if block.number != place:
            problems.append(f"第 {place} 块缺失")
            break
        rows = await core.db.read(_rows_of(block.id))
        if len(rows) != block.entries or _chained(previous, rows) != block.digest:
            problems.append(f"第 {place} 块与封存时不符（{len(rows)}/{block.entries} 条）")
        erased += await _check_values(rows, problems)
        nameless |= _check_actors(rows, problems)
        entries, previous = entries + len(rows), block.digest
        digests.append(block.digest)
    problems += await _strays(core)
    told = await _told_erased(core)
    problems += _unaccounted(erased - told["audit_values"], "条的内容") + _unaccounted(
        len(nameless) - told["audit_actors"], "个操作人的名字"
    )
    for word in expected:
        if not any(digest.startswith(word) for digest in digests):
            problems.append(f"没有摘要为 {word[:16]} 的块：此后有块被截去，或整条链被重新封存")
    return Verified(len(blocks), entries, erased, previous, problems)


def _unaccounted(count: int, what: str) -> list[str]:
    return [f"{count} {what}不见了，没有删除记录"] if count > 0 else []


def _rows_of(block_id: int) -> Program[list[Sequence[Any]]]:
    # The salt in the same statement: an erasure empties it together with the name.
    rows = yield f"SELECT {_COLUMNS}, {_SALT} FROM audit_entries WHERE block_id = ? ORDER BY id", (block_id,)  # noqa: S608
    return list(rows)


def _check_actors(rows: Sequence[Sequence[Any]], problems: list[str]) -> set[str]:
    """Compare the employees' names with their hashes; gives the hashes whose name was erased."""
    erased: set[str] = set()
    for number, _, employee_id, actor, *_, digest, salt in rows:
        if not digest:
            continue
        if not salt:
            erased.add(digest)
        if actor if not salt else _digest_of(salt, str(employee_id), actor) != digest:
            problems.append(f"第 {number} 条的操作人被改过")
    return erased


async def _check_values(rows: Sequence[Sequence[Any]], problems: list[str]) -> int:
    """Compare the words of a block's entries with their hashes; tells how many were erased."""
    told = {row[0]: row[8] for row in rows if row[8]}
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


async def _told_erased(core: Core) -> Counter[str]:
    """Add up what erasures wrote down that they emptied, by table."""
    told: Counter[str] = Counter()
    for entry_id in await AuditEntry.filter(action="person.erase").values_list("id", flat=True):
        words = (await values_of([int(entry_id)])).get(int(entry_id))  # type: ignore[call-overload]
        told.update(json.loads(words.after) if words and words.after else {})
    return told
