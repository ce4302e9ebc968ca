"""The audit trail: chained, changed entries found, erased values no fault."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from crm_core import access, audit, employees, leads, personal_data
from crm_core.audit import AuditActor, AuditBlock, AuditEntry, AuditValues
from crm_core.employees import Employee
from crm_core.holdings import HOLDINGS
from crm_core.ports import Core, Program
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
        lambda: AuditEntry.filter(action="lead.update").update(actor="别人"),
        lambda: AuditEntry.filter(action="lead.update").update(actor=""),
        lambda: AuditEntry.filter(action="lead.update").update(actor="别人", actor_digest=None),
        lambda: AuditActor.all().update(salt="0" * 32),
        lambda: AuditActor.all().update(salt=""),
        lambda: AuditActor.all().delete(),
        lambda: AuditEntry.filter(action="lead.update").delete(),
        lambda: AuditBlock.filter(number=2).delete(),
        lambda: AuditBlock.filter(number=2).update(digest="0" * 64),
        lambda: AuditValues.all().update(after='{"region": "上海"}'),
    ],
    ids=[
        *("action", "who", "what", "name", "name emptied", "name without its hash", "salt", "salt emptied", "salt deleted"),
        *("deleted", "block deleted", "block changed", "values"),
    ],
)
async def test_a_change_afterwards_is_found(core: Core, change) -> None:
    await three_blocks(core)
    await change()
    assert (await audit.verify(core)).problems


async def test_names_of_jobs_and_tokens_are_in_the_chain_themselves(core: Core) -> None:
    await access.record(core, SYSTEM, "lead.claim", ("leads", 1))
    await audit.seal(core)
    assert (await audit.verify(core)).problems == []
    assert await AuditActor.all().count() == 0
    await AuditEntry.all().update(actor="token:other")
    assert (await audit.verify(core)).problems


async def test_each_name_an_employee_had_stands_for_itself(core: Core) -> None:
    actor = await make_actor(core)
    for name in ("小王", "小王", "王经理", "小王"):
        await access.record(core, replace(actor, name=name), "lead.claim", ("leads", 1))
    await audit.seal(core)
    assert (await audit.verify(core)).problems == []
    mine = AuditEntry.filter(employee_id=actor.employee_id, action="lead.claim")
    assert len(set(await mine.values_list("actor_digest", flat=True))) == 2
    await mine.filter(actor="王经理").update(actor="小王")
    assert len((await audit.verify(core)).problems) == 1


async def test_blocks_older_than_the_names_hash_still_hold(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries of before hold no hash of the name: they are chained as they always were."""

    def no_digest(*_: object) -> Program[str]:
        yield "SELECT 1", ()
        return ""

    with monkeypatch.context() as before:
        before.setattr(audit, "_actor_digest", no_digest)
        await three_blocks(core)
    old = {row.digest: await core.db.read(audit._rows_of(row.id)) for row in await AuditBlock.all().order_by("number")}
    assert {row[9] for rows in old.values() for row in rows} == {""}
    assert (await audit.verify(core)).problems == []
    await three_blocks(core)
    assert (await audit.verify(core)).problems == []


async def test_erased_names_leave_the_chain_whole_and_nothing_may_stand_for_them(core: Core) -> None:
    await three_blocks(core)
    assert await AuditActor.all().count() == 1
    await AuditActor.all().update(salt="")
    await AuditEntry.exclude(employee_id=None).update(actor="")
    assert (await audit.verify(core)).problems == ["1 个操作人的名字不见了，没有删除记录"]
    await access.record(core, SYSTEM, "person.erase", ("people", 1), after={"audit_values": 0, "audit_actors": 1})
    await audit.seal(core)
    assert (await audit.verify(core)).problems == []
    await AuditEntry.filter(action="lead.update").update(actor="别人")
    assert (await audit.verify(core)).problems


async def test_an_erased_employee_leaves_no_name_in_the_trail(core: Core) -> None:
    actor = await make_actor(core, "欧阳千惠")
    other = await make_actor(core, "小王")
    lead = await leads.add(core, actor, name="张伟")
    await leads.update(core, other, (await leads.add(core, other, name="李娜")).id, region="北京")
    await audit.seal(core)
    employee = await Employee.get(id=actor.employee_id)
    await employees.depart(core, SYSTEM, employee.id)
    await personal_data.erase(core, SYSTEM, employee.person_id, HOLDINGS)
    await audit.seal(core)
    names = await AuditEntry.filter(object_kind="leads").order_by("id").values_list("actor", flat=True)
    assert names == ["", "小王", "小王"]
    assert await AuditActor.filter(employee_id=employee.id).values_list("salt", flat=True) == [""]
    assert (await audit.verify(core)).problems == []
    await AuditEntry.filter(object_id=lead.id, object_kind="leads").update(actor="小王")
    assert len((await audit.verify(core)).problems) == 1


async def test_a_chain_that_was_cut_or_made_anew_lacks_what_was_kept_elsewhere(core: Core) -> None:
    await three_blocks(core)
    kept = await audit.newest(core)
    assert kept is not None
    assert kept.in_log().replace(":", "") == kept.digest
    await three_blocks(core)
    for word in (kept.digest, kept.digest[:16]):
        assert (await audit.verify(core, [word])).problems == []
    # Whoever cuts off the newest blocks with their entries leaves a chain that holds by itself.
    for block in await AuditBlock.filter(number__gte=kept.block):
        await AuditEntry.filter(block_id=block.id).delete()
        await block.delete()
    assert (await audit.verify(core)).problems == []
    assert len((await audit.verify(core, [kept.digest])).problems) == 1


async def test_a_chain_sealed_anew_after_a_change_lacks_what_was_kept_elsewhere(core: Core) -> None:
    await three_blocks(core)
    kept = await audit.newest(core)
    assert kept is not None
    await AuditEntry.filter(action="lead.update").update(action="lead.add")
    await AuditEntry.all().update(block_id=None)
    await AuditBlock.all().delete()
    while await audit.seal(core):
        pass
    assert (await audit.verify(core)).problems == []
    assert "重新封存" in (await audit.verify(core, [kept.digest])).problems[0]


async def test_without_entries_there_is_nothing_to_keep(core: Core) -> None:
    assert await audit.newest(core) is None


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
