"""The steps of imports that the serving process takes."""

import io
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from crm_core.audit import AuditEntry
from crm_core.conversations import Message
from crm_core.employees import Employee
from crm_core.importing import imports, running
from crm_core.importing.imports import Import, ImportStopped
from crm_core.leads import Lead
from crm_core.messages import Address
from crm_core.ports import Core
from scheduler.jobs import imports as job
from tests.crm_core.importing.conftest import csv_bytes
from tests.factories import SYSTEM, make_actor

ROWS = [["姓名", "手机号"], ["张伟", "13800138000"]]


@pytest.fixture
def core(core: Core, tmp_path: Path) -> Core:
    return replace(core, settings=replace(core.settings, data_dir=tmp_path))


async def begin(core: Core, actor: object = SYSTEM) -> Import:
    row = await imports.create(core, actor, "leads", file_name="t.csv")  # type: ignore[arg-type]
    path, digest = imports.keep_file(core, row.id, io.BytesIO(csv_bytes(ROWS)))
    await imports.take_file(core, row, path, digest)
    return row


async def test_nothing_is_written_before_a_word(core: Core) -> None:
    row = await begin(core)
    for _ in range(3):
        await job.run(core)
    assert (await Import.get(id=row.id)).status == "ready"
    assert await Lead.all().count() == 0
    await imports.confirm(core, SYSTEM, row.id)
    await job.run(core)
    assert ((await Import.get(id=row.id)).status, await Lead.all().count()) == ("done", 1)
    assert not Path((await Import.get(id=row.id)).path).exists()
    assert {entry.action for entry in await AuditEntry.filter(object_kind="imports")} == {
        *("import.create", "import.queued", "leads.import")
    }


async def test_what_is_still_running_after_a_restart_goes_on(core: Core) -> None:
    row = await begin(core)
    await row.change(core, status="running")
    await job.run(core)
    assert ((await Import.get(id=row.id)).status, await Lead.all().count()) == ("done", 1)


async def test_an_import_of_somebody_who_left_fails(core: Core) -> None:
    actor = await make_actor(core)
    row = await begin(core, actor)
    await Employee.filter(id=actor.employee_id).update(departed_at=core.clock.now())
    await job.run(core)
    assert (await Import.get(id=row.id)).status == "failed"


async def test_what_was_written_before_somebody_left_is_taken_back(core: Core) -> None:
    """As after a kill in the middle: some rows are there, and nobody goes on."""
    actor = await make_actor(core)
    row = await begin(core, actor)
    await running.run(core, row, actor)
    row = await Import.get(id=row.id)
    assert await Lead.all().count() == 1
    await row.change(core, status="running")
    await Employee.filter(id=actor.employee_id).update(departed_at=core.clock.now())
    await job.run(core)
    assert ((await Import.get(id=row.id)).status, await Lead.all().count()) == ("failed", 0)


async def test_an_undo_is_carried_out_although_its_author_left(core: Core) -> None:
    actor = await make_actor(core)
    row = await begin(core, actor)
    await running.run(core, row, actor)
    await imports.ask_undo(core, actor, row.id)
    await Employee.filter(id=actor.employee_id).update(departed_at=core.clock.now())
    await job.run(core)
    assert ((await Import.get(id=row.id)).status, await Lead.all().count()) == ("undone", 0)


async def test_each_end_is_said_once(core: Core) -> None:
    actor = await make_actor(core)
    where = Address("dingtalk", "staff-小王")
    row = await imports.create(core, actor, "leads", file_name="t.csv", told_to=where)
    path, digest = imports.keep_file(core, row.id, io.BytesIO(csv_bytes(ROWS)))
    await imports.take_file(core, row, path, digest)
    for step in (None, imports.confirm, imports.ask_undo):
        if step is not None:
            await step(core, actor, row.id)
        await job.run(core)
        await job.run(core)
    told = await Message.filter(key__startswith=f"import:{row.id}:").order_by("id").values_list("text", flat=True)
    assert [text.split("：")[0] for text in told] == [
        "「t.csv」共1行",
        f"导入 #{row.id}「t.csv」 完成",
        f"已撤销导入 #{row.id}「t.csv」",
    ]


async def test_a_table_without_rows_is_one_sentence(core: Core) -> None:
    row = await imports.create(core, SYSTEM, "leads", file_name="t.csv")
    path, digest = imports.keep_file(core, row.id, io.BytesIO(csv_bytes(ROWS[:1])))
    await imports.take_file(core, row, path, digest)
    await job.run(core)
    failed = await Import.get(id=row.id)
    assert (failed.status, failed.problem) == ("failed", "表头下面没有数据，请填好再导入")


async def test_a_command_s_import_is_its_own(core: Core) -> None:
    row = await begin(core)
    await row.change(core, by_server=False)
    assert await job.run(core) == 0


async def test_files_are_forgotten(core: Core) -> None:
    row = await begin(core)
    await imports.cancel(core, SYSTEM, row.id)
    assert await job.forget(core) == 1


async def test_a_cancelled_import_writes_nothing(core: Core) -> None:
    """It was cancelled after it had been read among those that wait."""
    row = await begin(core)
    await job.run(core)
    read = await imports.confirm(core, SYSTEM, row.id)
    await imports.cancel(core, SYSTEM, row.id)
    with pytest.raises(ImportStopped):
        await running.run(core, read, SYSTEM)
    assert ((await Import.get(id=row.id)).status, await Lead.all().count()) == ("cancelled", 0)
    assert await job.run(core) == 0


async def test_a_file_that_comes_for_a_cancelled_import_is_not_taken(core: Core) -> None:
    row = await imports.create(core, SYSTEM, "leads", file_name="t.csv")
    await imports.cancel(core, SYSTEM, row.id)
    path, digest = imports.keep_file(core, row.id, io.BytesIO(csv_bytes(ROWS)))
    with pytest.raises(ImportStopped):
        await imports.take_file(core, row, path, digest)
    assert (await Import.get(id=row.id)).status == "cancelled"


async def test_imports_whose_file_never_comes_hold_nobody_up_and_end(core: Core) -> None:
    for _ in range(job.MOST_AT_ONCE):
        await imports.create(core, SYSTEM, "leads", file_name="broken.csv")
    row = await begin(core)
    assert await job.run(core) == 1
    assert (await Import.get(id=row.id)).status == "ready"
    core.clock.advance(timedelta(days=core.settings.imports.keep_days + 1))  # type: ignore[attr-defined]
    await job.forget(core)
    assert not await Import.filter(status="waiting").exists()
