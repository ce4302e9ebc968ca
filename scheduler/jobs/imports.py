"""Imports that came by chat or API: fetch the file, count what it would do, write it once it is confirmed, take it back.

Each step is found by the import's state, so that a restart goes on where the last process stopped.
"""

import asyncio
import io
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

import msgspec
import structlog
from tortoise.expressions import Q

from crm_core import quarantine
from crm_core.access import Actor
from crm_core.change_sets import Undone
from crm_core.errors import CrmError
from crm_core.importing import imports, refused, running, undoing
from crm_core.importing.imports import OPEN, RULE_LABELS, Import, ImportStatus, ImportStopped
from crm_core.importing.running import Counted
from crm_core.messages import Body, Kind
from crm_core.ports import Core
from scheduler.queue import Periodic

log = structlog.get_logger(__name__)

TELL_EVERY_LINES = 20_000
"""How often a long import says in chat how far it is."""
MOST_AT_ONCE = 20
MOST_REFUSED = 20_000
"""Refused rows in one file that is sent back."""
FORGET_EVERY = timedelta(hours=1)


async def run(core: Core) -> int:
    """Do the next step of each import that waits for one; tells how many steps were done."""
    waiting = Import.filter(status__in=[each.value for each in OPEN], by_server=True)
    # What waits for a file that somebody is still to send is nobody's next step.
    waiting = waiting.filter(Q(status__not=ImportStatus.WAITING.value) | Q(media__not=""))
    count = 0
    for number in await waiting.order_by("id").limit(MOST_AT_ONCE).values_list("id", flat=True):
        # As it is now: those before it took their time, and it may have been cancelled.
        row = await Import.get(id=number)
        step = ImportStatus(row.status)
        if step not in _STEPS:
            continue
        try:
            # Whoever asked for an undo was allowed to then, and may have left since.
            is_undo = step is ImportStatus.UNDOING
            actor = Actor.of_system(row.actor) if is_undo else await imports.actor_for(core, row)
            await _STEPS[step](core, row, actor)
        except ImportStopped:
            log.info("import_stopped", import_id=row.id)
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
        words = f"「{row.file_name}」已经导入过（{before.label}），没有改动。"
        await imports.end(core, row, ImportStatus.CANCELLED, words)
        return
    counted = await running.check(core, row, actor)
    values = {"new_count": counted.new, "duplicate_count": counted.duplicate, "bad_count": counted.bad}
    names = {"columns": "、".join(counted.columns)[:1000], "unknown_columns": "、".join(counted.unknown)[:1000]}
    query = Import.filter(id=row.id, status=ImportStatus.CHECKING.value)
    ready = {"status": ImportStatus.READY.value, "updated_at": core.clock.now()}
    async with core.db.transaction():
        if await query.update(**ready, **values, **names):
            await imports.tell(core, row, Body(text=_counted(row, counted)))


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
        zero = dict.fromkeys(("new_count", "changed_count", "duplicate_count", "bad_count", "kept_count"), 0)
        await row.change(core, **zero)
    await running.run(core, row, actor, told=_Teller(core, row).note, ending=partial(_ending, core))


async def _ending(core: Core, row: Import) -> list[Body]:
    """Say how an import ended, and give back the rows that were not let in, where the channel shows files."""
    if row.address is None:
        return []
    known = f"重复{row.duplicate_count}（其中更新{row.changed_count}）"
    lines = [f"导入 {row.label} 完成：新增{row.new_count}、{known}、有误{row.bad_count}。"]
    if row.kept_count:
        lines.append(row.kept_sentence)
    rows = await quarantine.refused_of(row.id, most=MOST_REFUSED)
    file = await _file_of(core, row, rows) if rows else None
    if rows and file is None:
        lines.append("没有导入的行在「隔离区」，改好后可以放行。")
    elif file is not None:
        first = f"前{len(rows)}行" if len(rows) == MOST_REFUSED else f"{len(rows)}行"
        lines.append(f"没有导入的{first}和原因见「{file.text}」，改好后发回来就行；也在「隔离区」，可以逐条放行。")
    told = Body(text="\n".join([*lines, "反悔请回复「撤销导入」。"]))
    return [told, file] if file is not None else [told]


async def _file_of(core: Core, row: Import, rows: Sequence[refused.Row]) -> Body | None:
    """Bring the refused rows up as a workbook; None where that cannot be done."""
    address = row.address
    content = await asyncio.to_thread(refused.as_workbook, row.kind, rows)
    stem = "".join(sign for sign in Path(row.file_name).stem[:40] if sign.isalnum() or sign in "-_ .（）()")
    name = f"{stem.strip() or '表格'}-未导入.xlsx"
    media_id = await core.files.give(address.channel, name, content) if address is not None else ""
    return Body(Kind.FILE, text=name, media_id=media_id) if media_id else None


class _Teller:
    """Says now and then in chat how far a long import is."""

    def __init__(self, core: Core, row: Import) -> None:
        self._core, self._row = core, row
        self._next = TELL_EVERY_LINES

    async def note(self, done: int, lines: int) -> None:
        """Tell where it stands, at most every quarter."""
        if self._next <= done < lines:
            self._next = done + max(TELL_EVERY_LINES, lines // 4)
            share = f"{min(done * 100 // lines, 100)}%，{done}/{lines}行"
            await imports.tell(self._core, self._row, Body(text=f"正在导入「{self._row.file_name}」：{share}"))


async def _take_back(core: Core, row: Import, actor: Actor) -> None:
    await undoing.undo(core, row, actor, said=partial(_taken_back, row))


def _taken_back(row: Import, done: Undone) -> Body:
    left = f"，{done.left}处因后来改过而保留" if done.left else ""
    return Body(text=f"已撤销导入 {row.label}：取回{done.rows}处改动{left}。")


async def _failed(core: Core, row: Import, error: CrmError) -> None:
    """Say why, and end what cannot be done; whatever was written is taken back."""
    await undoing.take_back(core, row)
    await imports.end(core, row, ImportStatus.FAILED, imports.why_not(row, error), problem=error.sentence())
    log.warning("import_failed", import_id=row.id, code=error.code)


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
