"""Backups: one file that any of our databases can be restored from, with a manifest that proves it whole.

The file is an SQLite database whatever it was taken from. Beside our tables it holds `backup_manifest`: a fingerprint a
table, and when it was taken of which schema.
"""

import os
import secrets
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tortoise import fields

from crm_core import sqlite_dialect
from crm_core.copying import Fingerprint, Progress, fingerprints
from crm_core.db import Entity, UtcDatetimeField, known_steps
from crm_core.errors import CrmError
from crm_core.schema_steps import triggers_of
from crm_core.stores import SqliteStore, Table

_MANIFEST = "backup_manifest"
IN_USE_SECONDS = 2.0
"""How long a restore waits for another command to let go of the database."""
_PART = ".part"
_BESIDE = ("-wal", "-shm", "-journal")
"""Ends of the names of files that SQLite keeps beside a database."""


class Damaged(CrmError):
    """The file is no backup, or not a whole one."""

    status = 409
    code = "backup.damaged"
    text = "备份 {path} 不可用：{reason}。现有数据未改动"


class FromTheFuture(CrmError):
    """The backup is of a newer version of the program."""

    status = 409
    code = "backup.newer"
    text = "备份来自更新的版本（结构 {step}），请先升级程序。现有数据未改动"


class NotThere(CrmError):
    """The target may not be overwritten."""

    status = 409
    code = "backup.target"
    text = "不能把备份写到 {path}：{reason}"


class Unreadable(CrmError):
    """The database that is to be backed up is broken itself."""

    status = 409
    code = "backup.unreadable"
    text = "数据库 {path} 读不出来，没有备份；请检查磁盘，或用 guanxi restore 恢复"


class InUse(CrmError):
    """Another process reads or writes the database that is to be replaced."""

    status = 409
    code = "backup.in_use"
    text = "数据库 {path} 正被另一个命令使用，没有恢复；请等它结束再试"


class Backup(Entity):
    """A backup that was taken, so that an erasure can say which of them still hold a person."""

    path = fields.CharField(max_length=500)
    taken_at = UtcDatetimeField()
    rows = fields.BigIntField(default=0)

    class Meta:
        """Never more than a few."""

        table = "backups"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself; without fingerprints it is a bare copy, of which only the form can be checked."""

    taken_at: str
    step: str
    tables: dict[str, Fingerprint]
    audit: str = ""
    """The newest digest of the audit trail: a copy of it is proof against a trail that was cut or made anew since."""

    @property
    def rows(self) -> int:
        """All rows."""
        return sum(each.rows for each in self.tables.values())


async def take_of_file(source: Path, target: Path, tables: Sequence[Table], now: datetime, told: Progress) -> Manifest:
    """Back up an embedded database, also while it is served: one instant of it. Raises: NotThere; Unreadable."""
    part = begin(target, source)
    try:
        sqlite_dialect.back_up(source, part)
        return await finish(part, target, tables, now, told)
    except sqlite3.DatabaseError as error:
        raise Unreadable(path=source) from error
    finally:
        part.unlink(missing_ok=True)


def begin(target: Path, *others: Path) -> Path:
    """Give the file to write into first, so that an older backup of that name stays until the new one is whole.

    Raises: NotThere.
    """
    if target.resolve() in {other.resolve() for other in others}:
        raise NotThere(path=target, reason="这是正在使用的数据库")
    if target.is_dir():
        raise NotThere(path=target, reason="这是一个文件夹")
    if not target.parent.is_dir():
        raise NotThere(path=target, reason="文件夹不存在")
    if target.exists() and not _is_ours(target):
        raise NotThere(path=target, reason="那里已有一个文件，不是备份")
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}{_PART}")


def _is_ours(path: Path) -> bool:
    """Tell whether a file is a backup, or holds nothing: nothing else may be written over.

    By the manifest, which no database in use has.
    """
    if path.is_file() and not path.stat().st_size:
        return True
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as raw:
            return bool(raw.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (_MANIFEST,)).fetchall())
    except sqlite3.Error:
        return False


async def finish(part: Path, target: Path, tables: Sequence[Table], now: datetime, told: Progress) -> Manifest:
    """Write the manifest into a copied file, make it durable and give it its name."""
    store = SqliteStore(part)
    try:
        steps = await store.steps()
        here = [each for table in tables if (each := present(store.raw, table)) is not None]
        found = await fingerprints(store, here, told)
        manifest = Manifest(now.isoformat(), steps[-1] if steps else "", found, _newest_digest(store.raw))
        _write_manifest(store.raw, manifest)
        store.raw.execute("PRAGMA journal_mode=DELETE")
    finally:
        await store.close()
    _sync(part)
    part.replace(target)
    _sync(target.parent)
    return manifest


def _write_manifest(raw: sqlite3.Connection, manifest: Manifest) -> None:
    raw.execute(f"DROP TABLE IF EXISTS {_MANIFEST}")
    raw.execute(f"CREATE TABLE {_MANIFEST} (name TEXT PRIMARY KEY, rows INTEGER, digest TEXT)")
    rows = [(name, each.rows, each.digest) for name, each in manifest.tables.items()]
    raw.executemany(f"INSERT INTO {_MANIFEST} VALUES (?, ?, ?)", [*rows, (":taken_at", 0, manifest.taken_at)])  # noqa: S608
    raw.execute(f"INSERT INTO {_MANIFEST} VALUES (':step', 0, ?)", (manifest.step,))  # noqa: S608
    raw.execute(f"INSERT INTO {_MANIFEST} VALUES (':audit', 0, ?)", (manifest.audit,))  # noqa: S608


def _newest_digest(raw: sqlite3.Connection) -> str:
    if not raw.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'audit_blocks'").fetchone():
        return ""  # of a schema without blocks
    found = raw.execute("SELECT digest FROM audit_blocks ORDER BY number DESC LIMIT 1").fetchone()
    return str(found[0]) if found else ""


def kept_digest(path: Path) -> str:
    """Give the newest digest of the audit trail as a backup keeps it; empty when it has none. Raises: Damaged."""
    if not path.is_file():
        raise Damaged(path=path, reason="没有这个文件")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as raw:
            manifest = _read_manifest(raw, path)
            _require_our_triggers(raw, path)
            return manifest.audit or _newest_digest(raw)
    except sqlite3.Error as error:
        raise Damaged(path=path, reason="不是备份文件，或已损坏") from error


async def inspect(path: Path, tables: Sequence[Table], steps: Sequence[str], told: Progress) -> Manifest:
    """Check a backup from end to end without touching anything else. Raises: Damaged; FromTheFuture."""
    if not path.is_file():
        raise Damaged(path=path, reason="没有这个文件")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as raw:
            result = raw.execute("PRAGMA integrity_check").fetchone()[0]
            if result != "ok":
                raise Damaged(path=path, reason="文件已损坏")
            manifest = _read_manifest(raw, path)
            if manifest.step not in steps:
                raise FromTheFuture(step=manifest.step)
            _require_our_triggers(raw, path)
        if manifest.tables:
            await _compare(path, manifest, tables, told, is_newest=manifest.step == steps[-1])
    except sqlite3.Error as error:
        raise Damaged(path=path, reason="不是备份文件，或已损坏") from error
    return manifest


def _read_manifest(raw: sqlite3.Connection, path: Path) -> Manifest:
    names = {name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "tortoise_migrations" not in names:
        raise Damaged(path=path, reason="不是 guanxi 的备份")
    steps = _steps(raw)
    if _MANIFEST not in names:  # a bare copy, such as the one taken before a migration
        return Manifest("", steps[-1] if steps else "", {})
    rows = {name: Fingerprint(count, digest) for name, count, digest in raw.execute(f"SELECT * FROM {_MANIFEST}")}  # noqa: S608
    taken_at, step, audit = (rows.pop(name, None) for name in (":taken_at", ":step", ":audit"))
    if not rows or taken_at is None or step is None or step.digest != (steps[-1] if steps else ""):
        raise Damaged(path=path, reason="清单不完整")
    return Manifest(taken_at.digest, step.digest, rows, audit.digest if audit else "")


def _steps(raw: sqlite3.Connection) -> list[str]:
    return [name for (name,) in raw.execute("SELECT name FROM tortoise_migrations WHERE app = 'models' ORDER BY name")]


def _require_our_triggers(raw: sqlite3.Connection, path: Path) -> None:
    """Refuse what would run at the next change of a restored database and is not ours, and counts that nothing keeps."""
    ours = triggers_of(step for step in _steps(raw) if step in known_steps())
    found = dict(raw.execute("SELECT name, sql FROM sqlite_master WHERE type IN ('trigger', 'view')").fetchall())
    if not found.items() <= ours.items():
        raise Damaged(path=path, reason="含有 guanxi 没有的触发器或视图")
    if found != ours:
        raise Damaged(path=path, reason="缺少 guanxi 的触发器")


async def _compare(path: Path, manifest: Manifest, tables: Sequence[Table], told: Progress, *, is_newest: bool) -> None:
    store = SqliteStore(path, read_only=True)
    try:
        for table in tables:
            expected, here = manifest.tables.get(table.name), present(store.raw, table)
            is_whole = here is not None and here.columns == table.columns and not _has_more(store.raw, table)
            if (expected is None) != (here is None) or (is_newest and not is_whole):
                raise Damaged(path=path, reason=f"表 {table.name} 与清单不符")
            if expected is None or here is None:  # of a later schema
                continue
            found = (await fingerprints(store, [here], told))[table.name]
            # A column that is gone since was part of the hash then: of such an older table the rows are counted.
            if found.rows != expected.rows or (found != expected and not _has_more(store.raw, table)):
                raise Damaged(path=path, reason=f"表 {table.name} 与清单不符（{found.rows}/{expected.rows} 行）")
    finally:
        await store.close()


def _columns(raw: sqlite3.Connection, table: Table) -> set[str]:
    return {row[1] for row in raw.execute(f'PRAGMA table_info("{table.name}")')}


def _has_more(raw: sqlite3.Connection, table: Table) -> bool:
    return bool(_columns(raw, table) - {name for name, _ in table.columns})


def present(raw: sqlite3.Connection, table: Table) -> Table | None:
    """Describe a table as a file of an older schema has it; None when it has none."""
    there = _columns(raw, table)
    columns = tuple(column for column in table.columns if column[0] in there)
    return Table(table.name, columns) if there else None


async def put_in_place(backup: Path, database: Path, aside: Path) -> None:
    """Let a checked backup become the database; what was there stays at `aside`. The database is not served.

    Killed at any moment, the database is the whole old one or the whole new one: the name changes hands in one step, and
    before it nothing of the old one stands outside its file. Raises: InUse.
    """
    part = database.with_name(f".{database.name}.restoring")
    _forget(part)
    for old in aside.parent.glob(f".before-restore-*{_PART}*"):  # of a restore that was killed
        old.unlink(missing_ok=True)
    sqlite_dialect.back_up(backup, part)
    with closing(sqlite3.connect(part)) as raw:
        raw.execute(f"DROP TABLE IF EXISTS {_MANIFEST}")
        raw.commit()
        raw.execute("PRAGMA journal_mode=DELETE")
    _sync(part)
    if database.exists():
        aside.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _keep(database, aside)
    for suffix in _BESIDE:
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    part.replace(database)
    _sync(database.parent)


def _forget(path: Path) -> None:
    """Delete a database file and what stands beside it: a journal that is left would be played back into the next one."""
    for suffix in ("", *_BESIDE):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _keep(database: Path, aside: Path) -> None:
    """Copy what is there now, and leave nothing of it outside its file."""
    part = aside.with_name(f".{aside.name}{_PART}")
    try:
        sqlite_dialect.back_up(database, part)
        with closing(sqlite3.connect(database, timeout=IN_USE_SECONDS)) as raw:
            busy = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        _forget(part)
        if getattr(error, "sqlite_errorcode", None) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise InUse(path=database) from error
        _copy_as_it_is(database, aside)  # it may be broken, which is why somebody restores
        return
    if busy:
        _forget(part)
        raise InUse(path=database)
    part.replace(aside)


def _copy_as_it_is(database: Path, aside: Path) -> None:
    shutil.copy2(database, aside)
    for suffix in ("-wal", "-journal"):
        beside = database.with_name(database.name + suffix)
        if beside.exists():
            shutil.copy2(beside, aside.with_name(aside.name + suffix))


def _sync(path: Path) -> None:
    with suppress(OSError):  # some file systems cannot sync a folder
        number = os.open(path, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
