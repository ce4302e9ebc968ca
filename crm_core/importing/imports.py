"""The imports (导入): one row an import, and its life from a file to its end. What happens in between stands in running.py.

```text
waiting ─ checking ─ ready ─ queued ─ running ─ done ─ undoing ─ undone
(its file is fetched) │       └─ cancelled           └ failed (and taken back)
```
"""

import hashlib
import os
import shutil
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import IO

import msgspec
from tortoise import fields
from tortoise.queryset import QuerySet

from crm_core import access
from crm_core.access import Actor, Role
from crm_core.db import Entity, UtcDatetimeField
from crm_core.employees import Employee, actor_of
from crm_core.errors import Conflict, CrmError, Invalid
from crm_core.importing.columns import kind_of
from crm_core.lead_rules import ON_DUPLICATE
from crm_core.messages import Address, Body, Guarantee, mark_of
from crm_core.ports import Core

_CHUNK = 1 << 20
_MIB = 1 << 20
_SYSTEM = "system"
RULE_LABELS = {"merge": "补充空白", "skip": "跳过", "overwrite": "覆盖", "ask": "逐条询问"}
"""The rules for what is there already, as people call them."""


class ImportStatus(StrEnum):
    """Where an import stands."""

    WAITING = "waiting"
    CHECKING = "checking"
    READY = "ready"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"
    UNDOING = "undoing"
    UNDONE = "undone"


IMPORT_LABELS = {
    ImportStatus.WAITING: "等待文件",
    ImportStatus.CHECKING: "检查中",
    ImportStatus.READY: "待确认",
    ImportStatus.QUEUED: "排队中",
    ImportStatus.RUNNING: "导入中",
    ImportStatus.DONE: "已完成",
    ImportStatus.CANCELLED: "已取消",
    ImportStatus.FAILED: "失败",
    ImportStatus.UNDOING: "撤销中",
    ImportStatus.UNDONE: "已撤销",
}
OPEN = (ImportStatus.WAITING, ImportStatus.CHECKING, ImportStatus.QUEUED, ImportStatus.RUNNING, ImportStatus.UNDOING)
"""What the server still works on."""


class NotConfirmable(Conflict):
    """Only what was checked and waits can be started."""

    code = "import.not_ready"
    text = "导入 #{number} 现在是「{status}」，不能这样操作"


class ImportStopped(Conflict):
    """It was cancelled, or another process goes on with it."""

    code = "import.stopped"
    text = "导入已停止：被取消，或另一个进程正在导入同一个文件"


class BeingUndone(Conflict):
    """The same file was imported before, and that is half taken back: both at once would leave half of it."""

    code = "import.being_undone"
    text = "这个文件的导入 #{number} 正在撤销，请等它完成或再撤销一次"


class FileTooLarge(Invalid):
    """Over `[imports] max_file_mib`."""

    code = "import.file_too_large"
    text = "文件超过{most}MB，请分成几个文件导入"


class EmptyFile(Invalid):
    """Nothing in it."""

    code = "import.empty_file"
    text = "文件是空的"


class Import(Entity):
    """One table somebody wants to import. `cursor` is the last line that is written, with its rows in one transaction."""

    owner_field = "employee_id"

    kind = fields.CharField(max_length=16)
    file_name = fields.CharField(max_length=200, default="")
    digest = fields.CharField(max_length=64, default="", db_index=True)
    path = fields.CharField(max_length=500, default="")
    on_duplicate = fields.CharField(max_length=16)
    source = fields.CharField(max_length=128, default="")
    """What a row without a source comes from."""
    status = fields.CharField(max_length=16)
    by_server = fields.BooleanField(default=True)
    """Whether the serving process works on it; else whoever gave the command."""
    role = fields.CharField(max_length=16)
    actor = fields.CharField(max_length=64)
    employee_id = fields.BigIntField(null=True, db_index=True)
    set_id = fields.BigIntField(null=True)
    line_count = fields.IntField(default=0)
    cursor = fields.IntField(default=0)
    new_count = fields.IntField(default=0)
    changed_count = fields.IntField(default=0)
    """Rows that added to, or changed, what was there."""
    duplicate_count = fields.IntField(default=0)
    """Rows of what was there, changed or not."""
    bad_count = fields.IntField(default=0)
    kept_count = fields.IntField(default=0)
    """Fields an overwrite did not take: another number or address of the same person."""
    columns = fields.CharField(max_length=1000, default="")
    unknown_columns = fields.CharField(max_length=1000, default="")
    problem = fields.CharField(max_length=200, default="")
    told_to = fields.CharField(max_length=500, default="")
    """The chat that is told how it goes, as JSON."""
    media = fields.TextField(default="")
    """What the channel needs to fetch the file, as JSON."""
    finished_at = UtcDatetimeField(null=True)

    class Meta:
        """One row an import."""

        table = "imports"

    @property
    def kept_sentence(self) -> str:
        """Say what an overwrite did not write over."""
        return f"有{self.kept_count}处手机号、邮箱等与原来不同，没有覆盖，在「清洗」里确认。"

    @property
    def label(self) -> str:
        """Name it for people: #12「线索.xlsx」."""
        return f"#{self.id}「{self.file_name}」" if self.file_name else f"#{self.id}"

    @property
    def address(self) -> Address | None:
        """Who is told in chat."""
        return msgspec.json.decode(self.told_to, type=Address) if self.told_to else None


async def create(
    core: Core,
    actor: Actor,
    kind: str,
    *,
    file_name: str = "",
    on_duplicate: str = "",
    source: str = "",
    by_server: bool = True,
    told_to: Address | None = None,
    media: dict[str, object] | None = None,
) -> Import:
    """Begin an import that waits for its file. Raises: Refused; UnknownKind; NotYet; Invalid."""
    wanted = kind_of(kind)
    for scope in ("imports:write", f"{wanted.name}:write"):
        access.require(actor, scope)
    rule = on_duplicate or core.settings.imports.on_duplicate
    if rule not in ON_DUPLICATE:
        raise Invalid(field="on_duplicate", reason=f"只能是 {'、'.join(ON_DUPLICATE)}")
    async with core.db.transaction():
        made: Import = await Import.add(
            core,
            kind=wanted.name,
            file_name=Path(file_name).name[-200:],
            on_duplicate=rule,
            source=source[:128],
            status=ImportStatus.WAITING.value,
            by_server=by_server,
            role=_SYSTEM if actor.system else actor.role.value,
            actor=actor.name[:64],
            employee_id=actor.employee_id,
            told_to=msgspec.json.encode(told_to).decode() if told_to else "",
            media=msgspec.json.encode(media).decode() if media else "",
        )
        await access.record(core, actor, "import.create", made, after={"kind": wanted.name, "rule": rule})
    return made


async def actor_for(core: Core, row: Import) -> Actor:
    """Tell as whom an import is done: an employee as they are now. Raises: Conflict when they have left."""
    if row.role == _SYSTEM:
        return Actor.of_system(row.actor)
    if row.employee_id is None:
        return Actor(role=Role(row.role), name=row.actor)
    employee = await Employee.get_or_none(id=row.employee_id, departed_at=None)
    if employee is None:
        raise Conflict
    actor = await actor_of(employee)
    return actor.for_pools(core.settings.pools.closed_to(actor.role))


def folder(core: Core) -> Path:
    """Name the folder of files that wait; made when it is not there, for its owner alone."""
    path = core.settings.data_dir / "imports"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def keep_file(core: Core, number: int, content: IO[bytes]) -> tuple[Path, str]:
    """Store a file under our own name; gives its path and digest. On a thread. Raises: FileTooLarge; EmptyFile."""
    path = folder(core) / f"{number}.table"
    part = path.with_suffix(".part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
            shutil.copyfileobj(content, stream, _CHUNK)
        digest = digest_of(core, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path, digest


def digest_of(core: Core, path: Path) -> str:
    """Tell the digest of a file. On a thread. Raises: FileTooLarge; EmptyFile."""
    size = path.stat().st_size
    if size > core.settings.imports.max_file_mib * _MIB:
        raise FileTooLarge(field="file", reason="size", most=core.settings.imports.max_file_mib)
    if not size:
        raise EmptyFile(field="file", reason="empty")
    found = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()


async def tell(core: Core, row: Import, body: Body) -> None:
    """Say something in the chat an import came from. The same step done again after a crash says the same, and is said once."""
    if row.address is not None:
        mark = "file" if body.media_id else mark_of(body.text)
        await core.outbox.put(row.address, body, key=f"import:{row.id}:{mark}", guarantee=Guarantee.AT_LEAST_ONCE)


def why_not(row: Import, error: CrmError) -> str:
    """Say why a table was not imported."""
    return f"「{row.file_name}」没有导入：{error.sentence()}"


async def end(core: Core, row: Import, status: ImportStatus, words: str, *, problem: str = "") -> None:
    """End what is open, and say so."""
    now = core.clock.now()
    query = Import.filter(id=row.id, status__in=[each.value for each in OPEN])
    async with core.db.transaction():
        if await query.update(status=status.value, problem=problem[:200], finished_at=now, updated_at=now):
            await tell(core, row, Body(text=words))


async def take_file(core: Core, row: Import, path: Path, digest: str) -> None:
    """Note that the file is here: it is checked next. Raises: ImportStopped when nobody waits for it any more."""
    values = {"path": str(path)[:500], "digest": digest, "status": ImportStatus.CHECKING.value, "media": ""}
    if not await Import.filter(id=row.id, status=ImportStatus.WAITING.value).update(**values, updated_at=core.clock.now()):
        raise ImportStopped
    await row.refresh_from_db()


async def done_before(row: Import) -> Import | None:
    """Find the import of the very same file by the same rule, done and not undone. Raises: BeingUndone."""
    undoing = Import.filter(kind=row.kind, digest=row.digest, status=ImportStatus.UNDOING.value)
    half = await undoing.exclude(id=row.id).order_by("-id").first()
    if half is not None:
        raise BeingUndone(number=half.id)
    same = Import.filter(kind=row.kind, digest=row.digest, on_duplicate=row.on_duplicate, source=row.source)
    return await same.filter(status=ImportStatus.DONE.value).exclude(id=row.id).order_by("-id").first()


async def unfinished(kind: str, digest: str, on_duplicate: str, source: str) -> Import | None:
    """Find the import of a command that was killed, to go on with it."""
    same = Import.filter(kind=kind, digest=digest, on_duplicate=on_duplicate, source=source, by_server=False)
    return await same.filter(status=ImportStatus.RUNNING.value).order_by("-id").first()


async def confirm(core: Core, actor: Actor, number: int, *, on_duplicate: str = "") -> Import:
    """Start what was checked (确认导入), perhaps by another rule. Raises: NotFound; NotConfirmable; Invalid."""
    access.require(actor, "imports:write")
    row = await access.load(Import, actor, number)
    access.require(actor, f"{row.kind}:write")
    if on_duplicate and on_duplicate not in ON_DUPLICATE:
        raise Invalid(field="on_duplicate", reason=f"只能是 {'、'.join(ON_DUPLICATE)}")
    return await _move(
        core, actor, row, (ImportStatus.READY,), ImportStatus.QUEUED, on_duplicate=on_duplicate or row.on_duplicate
    )


async def cancel(core: Core, actor: Actor, number: int) -> Import:
    """Give up what has not begun (取消导入). Raises: NotFound; NotConfirmable."""
    access.require(actor, "imports:write")
    row = await access.load(Import, actor, number)
    before = (ImportStatus.WAITING, ImportStatus.CHECKING, ImportStatus.READY, ImportStatus.QUEUED)
    return await _move(core, actor, row, before, ImportStatus.CANCELLED, finished_at=core.clock.now())


async def ask_undo(core: Core, actor: Actor, number: int) -> Import:
    """Ask for an import to be taken back (撤销导入), page by page; again: to go on. Raises: NotFound; NotConfirmable."""
    access.require(actor, "imports:write")
    access.require(actor, "change-sets:write")
    row = await access.load(Import, actor, number)
    before = (ImportStatus.DONE, ImportStatus.RUNNING, ImportStatus.UNDOING)
    return await _move(core, actor, row, before, ImportStatus.UNDOING, by_server=True)


async def _move(
    core: Core, actor: Actor, row: Import, before: tuple[ImportStatus, ...], after: ImportStatus, **more: object
) -> Import:
    async with core.db.transaction():
        query = Import.filter(id=row.id, status__in=[each.value for each in before])
        if not await query.update(status=after.value, updated_at=core.clock.now(), **more):
            raise NotConfirmable(number=row.id, status=IMPORT_LABELS[ImportStatus(row.status)])
        await access.record(core, actor, f"import.{after.value}", row)
    return await Import.get(id=row.id)


def visible(actor: Actor) -> "QuerySet[Import]":
    """Select the imports the actor may see, newest first."""
    return access.visible(Import, actor).order_by("-id")


async def newest(actor: Actor, *statuses: ImportStatus) -> Import | None:
    """Find the actor's own newest import in one of these states."""
    mine = Import.filter(employee_id=actor.employee_id, status__in=[each.value for each in statuses])
    return await mine.order_by("-id").first()


async def forget_files(core: Core) -> int:
    """Delete the files nobody needs any more: of imports that ended, and of those nobody sent or confirmed for days."""
    now = core.clock.now()
    stale: datetime = now - timedelta(days=core.settings.imports.keep_days)
    idle = (ImportStatus.WAITING.value, ImportStatus.READY.value)
    await Import.filter(status__in=idle, updated_at__lt=stale).update(
        status=ImportStatus.CANCELLED.value, finished_at=now, updated_at=now
    )
    count = 0
    for path in folder(core).glob("*.table"):
        row = await Import.get_or_none(id=int(path.stem)) if path.stem.isdecimal() else None
        if row is None or row.status not in (*OPEN, ImportStatus.READY):
            path.unlink(missing_ok=True)
            count += 1
    return count
