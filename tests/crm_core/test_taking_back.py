"""Any change set taken back by its number goes back as its kind wants it, whatever kinds there are."""

import re
from pathlib import Path

import pytest

import crm_core
from crm_core import change_sets, corrections, customers, stage_moves, taking_back
from crm_core.audit import AuditEntry
from crm_core.change_sets import ChangeSet, ChangeSetUndone
from crm_core.customers import Customer
from crm_core.errors import NotFound
from crm_core.importing import imports
from crm_core.importing.imports import Import
from crm_core.leads import Lead
from crm_core.name_keys import company_key
from crm_core.opportunities import Opportunity, StageMove
from crm_core.ports import Core
from crm_core.taking_back import IMPORT, MOVES, PLAIN, NoUndoByNumber, take_back
from scheduler.jobs import imports as job
from tests.crm_core.importing.conftest import Table, table
from tests.factories import SYSTEM, make_actor, make_deal

__all__ = ["table"]
_MADE_OF = {
    "opportunity.{kind.value}": MOVES,
    "{kind}.grade": {"lead.grade", "contact.grade"},
    "{kind}.update": {"lead.update", "contact.update", "customer.update"},
}


def test_every_kind_there_is_has_its_undo() -> None:
    found: set[str] = set()
    for path in Path(crm_core.__file__).parent.rglob("*.py"):
        for made, kind in re.findall(r'change_sets\.begin\(\s*core, actor, (f?)"([^"]+)"', path.read_text()):
            found |= _MADE_OF[kind] if made else {kind}
        written = len(re.findall(r"change_sets\.begin\(", path.read_text()))
        assert written == len(re.findall(r'change_sets\.begin\(\s*core, actor, f?"', path.read_text())), path
    assert found == PLAIN | MOVES | {IMPORT}


async def test_an_import_goes_back_page_by_page_and_may_come_again(table: Table, core: Core) -> None:
    row = await table.run([["姓名", "手机号"], ["张伟", "13800138000"]])
    assert row.set_id is not None
    assert (await take_back(table.core, SYSTEM, row.set_id)).undone_at is None
    await job.run(table.core)
    assert ((await Import.get(id=row.id)).status, await Lead.all().count()) == ("undone", 0)
    assert await imports.done_before(await Import.get(id=row.id)) is None
    with pytest.raises(ChangeSetUndone):
        await take_back(table.core, SYSTEM, row.set_id)


async def test_a_move_goes_back_with_its_history(core: Core) -> None:
    actor = await make_actor(core)
    deal = await make_deal(core, actor)
    _, made = await stage_moves.advance(core, actor, deal.id, reason="客户催")
    assert made.set_id is not None
    done = await take_back(core, actor, made.set_id)
    assert (done.undone_count, (await Opportunity.get(id=deal.id)).stage) == (1, deal.stage)
    assert (await StageMove.get(id=made.id)).undone_at is not None
    assert await AuditEntry.filter(action="opportunity.undo").exists()


async def test_a_name_goes_back_with_its_key(core: Core) -> None:
    actor = await make_actor(core)
    row = await customers.add_customer(core, actor, name="云帆科技")
    set_id = await corrections.correct(core, actor, "customer", row.id, "名称", "南湖学校")
    await take_back(core, actor, set_id)
    assert (await Customer.get(id=row.id)).name_key == company_key("云帆科技")


async def test_what_has_no_undo_or_belongs_to_a_stranger_stays(core: Core) -> None:
    seller, peer = await make_actor(core), await make_actor(core, "小李")
    async with core.db.transaction():
        made: ChangeSet = await change_sets.begin(core, seller, "test", "试一试")
    with pytest.raises(NoUndoByNumber):
        await take_back(core, seller, made.id)
    with pytest.raises(NotFound):
        await taking_back.take_back(core, peer, made.id)
