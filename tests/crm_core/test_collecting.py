"""What somebody posts becomes a lead once, and more about it afterwards; what cannot be stored waits in quarantine."""

import asyncio

import pytest

from crm_core import change_sets, cleaning, collecting, merging, quarantine
from crm_core.access import Role
from crm_core.cleaning import Answer
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


async def test_a_visitor_cannot_write_anybody_s_address_into_a_record(core: Core) -> None:
    known = await make_lead(core, "张伟", mobile="13800138000")
    other = await make_lead(core, "李四", email="li@si.cn", landline="021-66667777")
    said = {"mobile": "13800138000", "email": "LI@si.cn", "landline": "02166667777", "wechat_id": "wo_shi_ta", "title": "采购"}
    made = await collecting.collect(core, SYSTEM, said, source="官网")
    lead = await Lead.get(id=known.id)
    assert (made.id, lead.email, lead.landline, lead.wechat_id, lead.title) == (known.id, None, None, None, "采购")
    assert {change.name: (change.new, change.status) for change in await FieldChange.filter(subject_id=known.id)} == {
        "wechat_id": ("wo_shi_ta", "pending")
    }
    shown = await cleaning.next_case(core, SYSTEM)
    assert shown is not None
    assert (shown.subject.id, shown.pending) == (known.id, (("wechat_id", "", "wo_shi_ta"),))
    await cleaning.answer(core, SYSTEM, shown.case.id, Answer.MERGE)
    assert (await Lead.get(id=known.id)).wechat_id == "wo_shi_ta"
    assert (await Lead.get(id=other.id)).intent_count == 1


async def test_what_a_colleague_lets_in_is_written_but_nobody_else_s(core: Core) -> None:
    boss = await make_actor(core, "陈经理", Role.ADMIN)
    known = await make_lead(core, "张伟", mobile="13800138000")
    await make_lead(core, "李四", email="li@si.cn")
    row = await keep(core, mobile="13800138000", email="li@si.cn", wechat_id="wo_shi_ta")
    await quarantine.release(core, boss, row.id, {})
    lead = await Lead.get(id=known.id)
    assert (lead.email, lead.wechat_id) == (None, "wo_shi_ta")


async def test_letting_in_needs_the_right_to_write_what_it_becomes(core: Core) -> None:
    narrow = (await make_actor(core, "陈经理", Role.ADMIN)).narrowed(frozenset({"imports:write"}))
    known = await make_lead(core, "张伟", mobile="13800138000")
    for number in ("13800138000", "13900139000"):
        row = await keep(core, mobile=number, email="c@d.cn")
        with pytest.raises(Refused):
            await quarantine.release(core, narrow, row.id, {})
    assert ((await Lead.get(id=known.id)).email, await Lead.all().count()) == (None, 1)
    await quarantine.release(core, narrow.narrowed(frozenset({"imports:write", "leads:write"})), row.id, {})


async def test_a_merge_is_taken_apart_although_they_came_again_since(core: Core) -> None:
    actor = await make_actor(core)
    keep = await make_lead(core, "李四", owner_id=actor.employee_id, mobile="13800138000")
    drop = await make_lead(core, "李四", owner_id=actor.employee_id, need="5台")
    changes = await merging.merge(core, actor, "lead", keep.id, drop.id)
    for company in ("东风", "云帆"):
        await collecting.collect(core, SYSTEM, {"mobile": "13800138000", "company": company}, source="官网")
    await change_sets.undo(core, actor, changes.id)
    assert (await Lead.get(id=drop.id)).merged_into_id is None
    assert (await Lead.get(id=keep.id)).company == "东风"
