"""Imports that came by chat or API: fetch the file, count what it would do, write it once it is confirmed, take it back.

Each step is found by the import's state, so that a restart goes on where the last process stopped.
"""

import asyncio
import io
from datetime import timedelta

import msgspec
import structlog

from crm_core.access import Actor
from crm_core.errors import Conflict, CrmError
from crm_core.importing import imports, running, undoing
from crm_core.importing.imports import OPEN, RULE_LABELS, Import, ImportStatus
from crm_core.importing.running import Counted
from crm_core.messages import Body, Guarantee, mark_of
from crm_core.ports import Core
from scheduler.queue import Periodic

log = structlog.get_logger(__name__)

TELL_EVERY_LINES = 20_000
"""How often a long import says in chat how far it is."""
FORGET_EVERY = timedelta(hours=1)


async def run(core: Core) -> int:
    """Do the next step of each import that waits for one; tells how many steps were done."""
    waiting = Import.filter(status__in=[each.value for each in OPEN], by_server=True)
    count = 0
    for row in await waiting.order_by("id").limit(20):
        try:
            actor = await imports.actor_for(row)
            await _STEPS[ImportStatus(row.status)](core, row, actor)
        except CrmError as error:
            await _failed(core, row, error)
        count += 1
    return count


async def _fetch(core: Core, row: Import, actor: Actor) -> None:
    """Bring the file a colleague sent in chat."""
    address = row.address
    if not row.media or address is None:
        return  # its file is still on its way here
    content = await core.files.fetch(address.channel, msgspec.json.decode(row.media), core.settings.imports.max_file_mib << 20)
    path, digest = await asyncio.to_thread(imports.keep_file, core, row.id, io.BytesIO(content))
    await imports.take_file(core, row, path, digest)
    await _check(core, await Import.get(id=row.id), actor)


async def _check(core: Core, row: Import, actor: Actor) -> None:
    before = await imports.done_before(row)
    if before is not None:
        await _end(core, row, ImportStatus.CANCELLED)
        await _tell(core, row, f"「{row.file_name}」已经导入过（{before.label}），没有改动。")
        return
    counted = await running.check(core, row, actor)
    values = {"new_count": counted.new, "duplicate_count": counted.duplicate, "bad_count": counted.bad}
    names = {"columns": "、".join(counted.columns)[:1000], "unknown_columns": "、".join(counted.unknown)[:1000]}
    query = Import.filter(id=row.id, status=ImportStatus.CHECKING.value)
    ready = {"status": ImportStatus.READY.value, "updated_at": core.clock.now()}
    if await query.update(**ready, **values, **names):
        await _tell(core, row, _counted(row, counted))


def _counted(row: Import, counted: Counted) -> str:
    lines = [f"「{row.file_name}」共{counted.total}行：新增{counted.new}、重复{counted.duplicate}、有误{counted.bad}。"]
    if counted.unknown:
        lines.append(f"没有用到的列：{'、'.join(counted.unknown)}")
    lines.append(
        f"重复的将{RULE_LABELS[row.on_duplicate]}（可回复「确认导入 跳过」「确认导入 覆盖」「确认导入 逐条询问」改变）。"
    )
    return "\n".join([*lines, "开始请回复「确认导入」，放弃请回复「取消导入」。"])


async def _write(core: Core, row: Import, actor: Actor) -> None:
    if row.status == ImportStatus.QUEUED.value:
        zero = dict.fromkeys(("new_count", "changed_count", "duplicate_count", "bad_count"), 0)
        await row.change(core, **zero)
    done = await running.run(core, row, actor, told=_Teller(core, row).note)
    known = f"重复{done.duplicate_count}（其中更新{done.changed_count}）"
    lines = [f"导入 {done.label} 完成：新增{done.new_count}、{known}、有误{done.bad_count}。"]
    if done.bad_count:
        lines.append("有误的行在「隔离区」，改好后可以放行。")
    await _tell(core, row, "\n".join([*lines, "反悔请回复「撤销导入」。"]))


class _Teller:
    """Says now and then in chat how far a long import is."""

    def __init__(self, core: Core, row: Import) -> None:
        self._core, self._row = core, row
        self._next = TELL_EVERY_LINES

    async def note(self, done: int, lines: int) -> None:
        """Tell where it stands, at most every quarter."""
        if self._next <= done < lines:
            self._next = done + max(TELL_EVERY_LINES, lines // 4)
            await _tell(self._core, self._row, f"正在导入「{self._row.file_name}」：{done}/{lines}行")


async def _take_back(core: Core, row: Import, actor: Actor) -> None:
    done = await undoing.undo(core, row, actor)
    left = f"，{done.left}处因后来改过而保留" if done.left else ""
    await _tell(core, row, f"已撤销导入 {row.label}：取回{done.rows}处改动{left}。")


async def _failed(core: Core, row: Import, error: CrmError) -> None:
    """Say why, and end what cannot be done; what was written is taken back already."""
    if isinstance(error, Conflict) and row.status == ImportStatus.UNDOING.value:
        log.warning("import_undo_failed", import_id=row.id, code=error.code)
    await _end(core, row, ImportStatus.FAILED, problem=error.sentence()[:200])
    log.warning("import_failed", import_id=row.id, code=error.code)
    await _tell(core, row, f"「{row.file_name}」没有导入：{error.sentence()}")


async def _end(core: Core, row: Import, status: ImportStatus, *, problem: str = "") -> None:
    now = core.clock.now()
    query = Import.filter(id=row.id, status__in=[each.value for each in OPEN])
    await query.update(status=status.value, problem=problem, finished_at=now, updated_at=now)


async def _tell(core: Core, row: Import, words: str) -> None:
    if row.address is not None:
        # The same step done again after a crash says the same, and is said once.
        key = f"import:{row.id}:{mark_of(words)}"
        await core.outbox.put(row.address, Body(text=words), key=key, guarantee=Guarantee.AT_LEAST_ONCE)


async def forget(core: Core) -> int:
    """Delete files nobody needs any more."""
    return await imports.forget_files(core)


_STEPS = {
    ImportStatus.WAITING: _fetch,
    ImportStatus.CHECKING: _check,
    ImportStatus.QUEUED: _write,
    ImportStatus.RUNNING: _write,
    ImportStatus.UNDOING: _take_back,
}
FORGET = Periodic(name="import_files", every=FORGET_EVERY, run=forget)
PERIODIC = Periodic(name="imports", every=timedelta(seconds=2), run=run, time_limit=timedelta(hours=2))
