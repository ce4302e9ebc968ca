"""What somebody posts becomes a lead once, and more about it afterwards; what cannot be stored waits in quarantine."""

import asyncio

import pytest

from crm_core import collecting, quarantine
from crm_core.access import Role
from crm_core.collecting import NotCollected
from crm_core.errors import Invalid, NotFound, Refused
from crm_core.leads import Lead
from crm_core.overwriting import FieldChange
from crm_core.ports import Core
from crm_core.quarantine import QuarantinedRow, RowSettled
from tests.factories import SYSTEM, make_actor, make_lead


async def test_a_new_person_is_a_lead_in_one_normalisation(core: Core) -> None:
    said = {"name": "李四 先生", "phone": "１３８ 0013 8000", "region": "上海市浦东", "need": "要20台"}
    made = await collecting.collect(core, SYSTEM, said, source="官网")
    lead = await Lead.get(id=made.id)
    assert (made.made, lead.name, lead.mobile, lead.region, lead.region_code) == (
        *(True, "李四", "+8613800138000", "上海浦东", "310115"),
    )
    assert (lead.source, lead.owner_id) == ("官网", None)


async def test_somebody_known_is_added_to_and_nothing_is_lost(core: Core) -> None:
    lead = await make_lead(core, "老李", mobile="13800138000", need="5台")
    made = await collecting.collect(
        core, SYSTEM, {"name": "李四", "mobile": "13800138000", "need": "20台", "company": "东风"}, source="x"
    )
    now = await Lead.get(id=lead.id)
    assert (made.made, made.id, now.name, now.company, now.need, now.intent_count) == (False, lead.id, "老李", "东风", "5台", 2)
    assert {change.new for change in await FieldChange.filter(subject_id=lead.id)} >= {"20台", "李四"}


async def test_two_posts_at_once_are_one_lead(core: Core) -> None:
    said = {"name": "李四", "mobile": "13800138000"}
    await asyncio.gather(*(collecting.collect(core, SYSTEM, said, source="官网") for _ in range(5)))
    assert (await Lead.all().count(), (await Lead.get()).intent_count) == (1, 5)


async def test_every_problem_is_told(core: Core) -> None:
    with pytest.raises(NotCollected) as refused:
        await collecting.collect(core, SYSTEM, {"mobile": "1", "email": "x"}, source="官网")
    assert [problem.field for problem in refused.value.problems] == ["mobile", "email"]
    assert refused.value.sentence() == "内容有误：手机号、邮箱"
    with pytest.raises(NotCollected):
        await collecting.collect(core, SYSTEM, {"need": "要货"}, source="官网")


async def keep(core: Core, kind: str = "leads", **values: str) -> QuarantinedRow:
    await core.db.run(quarantine.put(core, kind, "官网", [(None, values, [("手机号", "手机号格式不对")])]))
    row = await QuarantinedRow.all().order_by("-id").first()
    assert row is not None
    return row


async def test_a_row_is_let_in_once_when_it_is_mended(core: Core) -> None:
    row = await keep(core, name="李四", mobile="138")
    with pytest.raises(NotCollected):
        await quarantine.release(core, SYSTEM, row.id, {})
    assert (await QuarantinedRow.get(id=row.id)).status == "waiting"
    made = await quarantine.release(core, SYSTEM, row.id, {"mobile": "13800138000"})
    assert (await Lead.get(id=made.id)).source == "官网"
    settled = await QuarantinedRow.get(id=row.id)
    assert (settled.status, settled.lead_id) == ("released", made.id)
    with pytest.raises(RowSettled):
        await quarantine.drop(core, SYSTEM, row.id)


async def test_a_row_is_dropped_and_stays_as_history(core: Core) -> None:
    row = await keep(core, name="x")
    await quarantine.drop(core, SYSTEM, row.id)
    assert (await QuarantinedRow.get(id=row.id)).status == "dropped"
    assert await quarantine.waiting(SYSTEM).count() == 0


async def test_only_leads_are_let_in_here(core: Core) -> None:
    row = await keep(core, "customers", name="东风")
    with pytest.raises(Invalid):
        await quarantine.release(core, SYSTEM, row.id, {})


async def test_rows_of_others_are_not_seen(core: Core) -> None:
    row = await keep(core, name="李四")
    sales = await make_actor(core, "小王")
    with pytest.raises(NotFound):
        await quarantine.drop(core, sales, row.id)
    with pytest.raises(Refused):
        await quarantine.drop(core, await make_actor(core, "小看", Role.VIEWER), row.id)
    assert await quarantine.waiting(sales).count() == 0
