"""The audit trail: chained, changed entries found, erased values no fault."""

import asyncio
from datetime import timedelta

import pytest

from crm_core import access, audit, leads
from crm_core.audit import AuditBlock, AuditEntry, AuditValues
from crm_core.ports import Core
from tests.factories import SYSTEM, make_actor
from tests.fakes import FakeClock


async def three_blocks(core: Core) -> None:
    actor = await make_actor(core)
    await audit.seal(core)
    for name in ("张伟", "李娜", "王强"):
        lead = await leads.add(core, actor, name=name)
        await leads.update(core, actor, lead.id, region="北京")
        assert await audit.seal(core) == 2


async def test_a_whole_chain_is_verified(core: Core) -> None:
    await three_blocks(core)
    assert await audit.seal(core) == 0
    found = await audit.verify(core)
    assert (found.problems, found.erased) == ([], 0)
    assert found.entries == await AuditEntry.all().count()
    assert found.digest == (await AuditBlock.all().order_by("-number").first()).digest


@pytest.mark.parametrize(
    "change",
    [
        lambda: AuditEntry.filter(action="lead.update").update(action="lead.add"),
        lambda: AuditEntry.filter(action="lead.update").update(employee_id=99),
        lambda: AuditEntry.filter(action="lead.update").update(object_id=99),
        lambda: AuditEntry.filter(action="lead.update").delete(),
        lambda: AuditBlock.filter(number=2).delete(),
        lambda: AuditBlock.filter(number=2).update(digest="0" * 64),
        lambda: AuditValues.all().update(after='{"region": "上海"}'),
    ],
    ids=["action", "who", "what", "deleted", "block deleted", "block changed", "values"],
)
async def test_a_change_afterwards_is_found(core: Core, change) -> None:
    await three_blocks(core)
    await change()
    assert (await audit.verify(core)).problems


async def test_an_entry_put_in_afterwards_is_found(core: Core) -> None:
    await three_blocks(core)
    entry = await AuditEntry.first()
    await AuditEntry.create(
        action="lead.claim",
        object_kind="leads",
        created_at=entry.created_at,
        updated_at=entry.updated_at,
        block_id=entry.block_id,
    )
    assert (await audit.verify(core)).problems


async def test_what_is_never_sealed_is_found(core: Core, clock: FakeClock) -> None:
    await access.record(core, SYSTEM, "lead.claim", ("leads", 1))
    assert (await audit.verify(core)).problems == []
    clock.advance(timedelta(minutes=2))
    assert (await audit.verify(core)).problems == ["1 条迟迟没有封存"]


async def test_erased_values_leave_the_chain_whole(core: Core) -> None:
    await three_blocks(core)
    await AuditValues.all().update(salt="", before="", after="")
    assert (await audit.verify(core)).problems == ["3 条的内容不见了，没有删除记录"]
    await access.record(core, SYSTEM, "person.erase", ("people", 1), after={"audit_values": 3})
    await audit.seal(core)
    found = await audit.verify(core)
    assert found.problems == []
    assert found.erased == 3


async def test_without_any_block_nothing_is_believed(core: Core) -> None:
    await three_blocks(core)
    await AuditBlock.all().delete()
    assert (await audit.verify(core)).problems


async def test_words_put_in_for_erased_ones_are_found(core: Core) -> None:
    await three_blocks(core)
    await AuditValues.all().update(salt="", before="", after='{"forged": 1}')
    assert (await audit.verify(core)).problems


async def test_two_who_seal_at_once_seal_each_entry_once(core: Core) -> None:
    for number in range(20):
        await access.record(core, SYSTEM, "lead.claim", ("leads", number))
    sealed = await asyncio.gather(*(audit.seal(core) for _ in range(5)))
    assert sum(sealed) == 20
    assert (await audit.verify(core)).problems == []
