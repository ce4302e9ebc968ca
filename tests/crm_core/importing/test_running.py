"""Importing: counts before, rows once, rules for what is there, and all of it taken back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from crm_core import assignment, customers, leads, opportunities, pools
from crm_core.access import Role
from crm_core.accounts import Account
from crm_core.audit import AuditEntry
from crm_core.change_sets import ChangedRow, ChangeSet
from crm_core.cleaning import CleaningCase
from crm_core.customers import Contact, Customer
from crm_core.errors import Conflict, Invalid, Refused
from crm_core.importing import imports, running, undoing
from crm_core.importing.imports import (
    BeingUndone,
    EmptyFile,
    FileTooLarge,
    Import,
    ImportStatus,
    ImportStopped,
    NotConfirmable,
)
from crm_core.importing.reader import Page
from crm_core.leads import Lead
from crm_core.overwriting import FieldChange
from crm_core.ports import Core
from crm_core.quarantine import QuarantinedRow
from scheduler.reminders import Reminder
from tests.crm_core.importing.conftest import Table, csv_bytes, xlsx_bytes
from tests.factories import SYSTEM, make_actor, make_employee, make_lead

HEAD = ["姓名", "手机号", "公司", "邮箱", "需求", "来源"]
ROWS = [
    HEAD,
    ["张伟", "13800138000", "东风机械厂", "zhang@example.cn", "20台网关", "展会"],
    ["李娜", "138", "", "", "", ""],
    ["王芳", "13900139000", "云帆科技", "", "", "抖音"],
    ["张伟二", "13800138000", "", "", "", ""],
    ["", "", "", "", "", ""],
]


async def test_a_dry_run_counts_and_writes_nothing(table: Table, core: Core) -> None:
    await make_lead(core, "王芳", mobile="13900139000")
    counted = await table.count(ROWS)
    assert (counted.total, counted.new, counted.duplicate, counted.bad) == (4, 1, 2, 1)
    assert counted.unknown == ()
    assert await Lead.all().count() == 1


@pytest.mark.parametrize("form", ["csv", "xlsx"])
async def test_rows_become_leads_and_refused_ones_a_file(table: Table, form: str) -> None:
    row = await table.run(csv_bytes(ROWS) if form == "csv" else xlsx_bytes(ROWS))
    assert (row.status, row.new_count, row.duplicate_count, row.bad_count) == ("done", 2, 1, 1)
    lead = await Lead.get(mobile="+8613800138000")
    assert (lead.name, lead.company, lead.email, lead.need, lead.source) == (
        *("张伟", "东风机械厂", "zhang@example.cn", "20台网关", "展会"),
    )
    assert (lead.name_key, lead.status, lead.owner_id, lead.created_at) == ("zhang wei", "new", None, lead.updated_at)
    refused = table.refused_rows()
    assert [(each["行号"], each["姓名"], each["原因"]) for each in refused] == [("3", "李娜", "手机号格式不对")]
    assert await AuditEntry.filter(action="leads.import", object_id=row.id).count() == 1


async def test_a_mended_refused_file_is_a_table_again(table: Table) -> None:
    await table.run(ROWS)
    mended = table.refused.read_bytes().replace(b",138,", b",13700137000,")
    row = await table.run(mended)
    assert (row.new_count, row.unknown_columns) == (1, "行号、原因")
    assert await Lead.filter(name="李娜", mobile="+8613700137000").exists()


async def test_the_same_file_a_second_time_is_known(table: Table, core: Core) -> None:
    first = await table.run(ROWS)
    again = await table.begin(ROWS)
    before = await imports.done_before(again)
    assert before is not None
    assert before.id == first.id
    await undoing.undo_now(table.core, SYSTEM, first.id)
    assert await imports.done_before(again) is None


@pytest.mark.parametrize("rule", ["merge", "skip", "overwrite"])
async def test_the_same_rows_in_another_file_change_nothing(table: Table, rule: str) -> None:
    await table.run(ROWS)
    before = await Lead.all().order_by("id").values()
    row = await table.run([*ROWS, []], on_duplicate=rule)
    assert (row.new_count, row.duplicate_count) == (0, 3)
    after = await Lead.all().order_by("id").values()
    kept = [
        [{name: lead[name] for name in lead if name not in ("updated_at", "name", "name_key")} for lead in all_]
        for all_ in (before, after)
    ]
    assert kept[0] == kept[1]


async def test_what_is_there_is_treated_by_the_rule(table: Table, core: Core) -> None:
    lead = await make_lead(core, "老张", mobile="13800138000", need="5台", source="官网")
    rows = [HEAD, ["张伟", "13800138000", "东风机械厂", "", "20台网关", ""]]

    await table.run(rows, on_duplicate="skip")
    assert (await Lead.get(id=lead.id)).company == ""

    merged = await table.run(rows, on_duplicate="merge")
    now = await Lead.get(id=lead.id)
    assert (now.name, now.company, now.need, merged.changed_count) == ("老张", "东风机械厂", "5台", 1)
    assert await FieldChange.filter(subject_id=lead.id, name="need", new="20台网关", status="kept").count() == 1
    await undoing.undo_now(table.core, SYSTEM, merged.id)
    assert (await Lead.get(id=lead.id)).company == ""
    assert await FieldChange.all().count() == 0

    over = await table.run(rows, on_duplicate="overwrite")
    assert over.changed_count == 1
    assert (await Lead.get(id=lead.id)).company == "东风机械厂"
    await undoing.undo_now(table.core, SYSTEM, over.id)
    now = await Lead.get(id=lead.id)
    assert (now.name, now.company, now.need) == ("老张", "", "5台")


async def test_ask_puts_what_differs_into_the_cleaning_queue(table: Table, core: Core) -> None:
    lead = await make_lead(core, "老张", mobile="13800138000", need="5台")
    row = await table.run([HEAD, ["张伟", "13800138000", "东风机械厂", "", "20台网关", ""]], on_duplicate="ask")
    case = await CleaningCase.get(subject_id=lead.id)
    assert (case.reason, case.status, row.new_count) == ("fields", "open", 0)
    now = await Lead.get(id=lead.id)
    assert (now.name, now.company, now.need) == ("老张", "东风机械厂", "5台")
    await undoing.undo_now(table.core, SYSTEM, row.id)
    assert await CleaningCase.all().count() == 0


async def test_an_id_of_somebody_else_is_never_written_over(table: Table, core: Core) -> None:
    mine = await make_lead(core, "张伟", mobile="13800138000", email="a@example.cn")
    other = await make_lead(core, "王芳", email="b@example.cn")
    await table.run([HEAD, ["张伟", "13800138000", "", "b@example.cn", "", ""]], on_duplicate="overwrite")
    assert (await Lead.get(id=mine.id)).email == "a@example.cn"
    assert (await Lead.get(id=other.id)).name == "王芳"
    await table.run([HEAD, ["张伟", "13800138000", "", "c@example.cn", "", ""]], on_duplicate="overwrite")
    assert (await Lead.get(id=mine.id)).email == "a@example.cn"
    assert await CleaningCase.filter(subject_id=mine.id, reason="fields").exists()


async def test_a_salesperson_owns_what_they_bring_and_touches_nothing_foreign(table: Table, core: Core) -> None:
    foreign = await make_employee(core, "小李")
    lead = await make_lead(core, "张伟", mobile="13800138000", owner_id=foreign.id)
    actor = await make_actor(core, "小王")
    row = await table.run(ROWS, actor=actor, on_duplicate="overwrite")
    assert (row.new_count, row.duplicate_count, row.changed_count) == (1, 2, 0)
    assert (await Lead.get(id=lead.id)).company == ""
    assert (await Lead.get(mobile="+8613900139000")).owner_id == actor.employee_id
    assert "已有，归属：小李，138****8000" in [each["原因"] for each in table.refused_rows()]
    given = await table.run([["姓名", "手机号", "负责人"], ["赵军", "13700137000", "小李"]], actor=actor)
    assert (given.new_count, given.bad_count) == (0, 1)
    assert table.refused_rows()[-1]["原因"] == "负责人：没有可以归属的同事「小李」"


async def test_nobody_imports_without_the_right(table: Table, core: Core) -> None:
    for role in (Role.VIEWER, Role.MARKETER):
        with pytest.raises(Refused):
            await table.begin(ROWS, actor=await make_actor(core, "某人", role))


async def test_original_owner_creator_and_times_are_kept_and_undone(table: Table, core: Core) -> None:
    owner = await make_employee(core, "小李")
    head = ["姓名", "手机号", "负责人", "创建人", "创建时间", "地区", "公众号openid", "渠道"]
    openid = "o6_bmjrPTlm6_2sgVt7hMZOPfL2M"
    rows = [head, ["张伟", "13800138000", "小李", "老周", "2024/3/1 9:00", "上海市浦东", "", ""]]
    row = await table.run([*rows, ["李娜", "13900139000", "不在的人", "", "2024-02-30", "", openid, "wechat"]])
    lead = await Lead.get(mobile="+8613800138000")
    assert (lead.owner_id, lead.recorded_by, lead.created_at) == (owner.id, "老周", datetime(2024, 3, 1, 1, tzinfo=UTC))
    assert (lead.region, lead.region_code, lead.claimed_at) == ("上海浦东", "310115", lead.updated_at)
    assert len(table.refused_rows()[0]["原因"].split("；")) == 2
    done = await undoing.undo_now(table.core, SYSTEM, row.id)
    assert (done.rows, done.left) == (1, 0)
    assert await Lead.all().count() == 0


async def test_an_openid_is_bound_to_its_channel(table: Table, core: Core) -> None:
    from dataclasses import replace

    from crm_core.reach import ReachRule

    table.core = replace(table.core, reach={"wechat": ReachRule()})
    openid = "o6_bmjrPTlm6_2sgVt7hMZOPfL2M"
    row = await table.run([["姓名", "openid"], ["李娜", openid], ["王芳", "o1"]])
    assert (row.new_count, row.bad_count) == (1, 1)
    account = await Account.get(external_id=openid)
    assert account.person_id == (await Lead.get(name="李娜")).person_id
    await undoing.undo_now(table.core, SYSTEM, row.id)
    assert (await Account.get(external_id=openid)).person_id is None


async def test_undo_leaves_what_somebody_worked_on(table: Table, core: Core, clock: Any) -> None:
    row = await table.run(ROWS)
    clock.advance(timedelta(minutes=1))
    worked = await Lead.get(mobile="+8613800138000")
    await leads.update(core, SYSTEM, worked.id, need="30台")
    done = await undoing.undo_now(table.core, SYSTEM, row.id)
    assert (done.rows, done.left) == (1, 1)
    assert [lead.id for lead in await Lead.all()] == [worked.id]
    assert (await ChangeSet.get(id=row.set_id)).undone_at is not None
    with pytest.raises(NotConfirmable):
        await undoing.undo_now(table.core, SYSTEM, row.id)


async def test_an_undo_that_was_killed_goes_on(table: Table, core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undoing, "PAGE", 1)
    row = await table.run(ROWS)
    await imports.ask_undo(core, SYSTEM, row.id)
    assert await core.db.run(partial(undoing._put_back_page, core, row.set_id))  # and there it is killed
    again = await table.begin(ROWS)
    with pytest.raises(BeingUndone):
        await imports.done_before(again)
    assert (await undoing.undo_now(core, SYSTEM, row.id)).rows == row.new_count
    assert (await Lead.all().count(), (await ChangeSet.get(id=row.set_id)).undone_count) == (0, row.new_count)
    assert await imports.done_before(again) is None


async def test_what_the_house_itself_did_since_is_taken_back_too(table: Table, core: Core, clock: Any) -> None:
    """A lead that was given to somebody by rule and never worked on goes with its import, and so does the open question."""
    from crm_core.assignment import Offer

    row = await table.run(ROWS)
    given, offered = await Lead.all().order_by("id")
    clock.advance(timedelta(minutes=1))
    owner, now = await make_employee(core, "小李"), clock.now()
    await Lead.filter(id=given.id).update(owner_id=owner.id, claimed_at=now, updated_at=now)
    await Offer.add(core, lead_id=given.id, person_id=given.person_id, employee_id=owner.id, status="given")
    await Offer.add(core, lead_id=offered.id, person_id=offered.person_id, employee_id=owner.id, status="open", expires_at=now)
    assert (await undoing.undo_now(table.core, SYSTEM, row.id)).left == 0
    assert await Lead.all().count() == 0
    assert (await Offer.get(lead_id=offered.id)).status == "overridden"


async def test_a_lead_claimed_by_hand_since_stays(table: Table, core: Core, clock: Any) -> None:
    row = await table.run(ROWS)
    claimed, assigned = await Lead.all().order_by("id")
    clock.advance(timedelta(days=2))
    seller = await make_actor(core)
    await pools.claim(core, seller, claimed.id)
    boss = await make_actor(core, "林经理", role=Role.ADMIN, staff_id="boss")
    await assignment.assign(core, boss, [assigned.id], seller.employee_id or 0)
    done = await undoing.undo_now(table.core, SYSTEM, row.id)
    assert (done.rows, done.left, await Lead.all().count()) == (0, 2, 2)


async def test_a_customer_with_a_deal_or_a_contact_since_stays(table: Table, core: Core, clock: Any) -> None:
    row = await table.run([["客户名称"], ["东风机械厂"], ["云帆科技"], ["远山集团"]], "customers")
    dealt, met, _ = await Customer.all().order_by("id")
    clock.advance(timedelta(days=1))
    await opportunities.create(core, SYSTEM, customer_id=dealt.id)
    await customers.add_contact(core, SYSTEM, name="张伟", customer_id=met.id)
    done = await undoing.undo_now(table.core, SYSTEM, row.id)
    assert (done.rows, done.left) == (1, 2)
    assert [each.id for each in await Customer.all().order_by("id")] == [dealt.id, met.id]


async def test_a_lead_with_a_reminder_since_stays(table: Table, core: Core, clock: Any) -> None:
    row = await table.run(ROWS)
    kept, _ = await Lead.all().order_by("id")
    clock.advance(timedelta(days=1))
    seller = await make_actor(core)
    now = core.clock.now()
    await Reminder.add(core, owner_id=seller.employee_id, text="回电", at=now, about_kind="lead", about_id=kept.id)
    assert (await undoing.undo_now(table.core, SYSTEM, row.id)).left == 1
    assert [lead.id for lead in await Lead.all()] == [kept.id]


async def test_companies_of_one_group_go_with_their_import(table: Table, core: Core) -> None:
    row = await table.run([["客户名称", "上级单位"], ["远山一厂", "远山集团"], ["远山集团", ""]], "customers")
    assert await Customer.exclude(parent_id=None).count() == 1
    assert (await undoing.undo_now(table.core, SYSTEM, row.id)).left == 0
    assert await Customer.all().count() == 0


async def test_customers_with_parents_and_names_that_are_the_same(table: Table, core: Core) -> None:
    head = ["客户名称", "类型", "上级单位", "行业", "统一社会信用代码"]
    rows = [
        head,
        ["东风机械有限公司", "企业", "东风集团", "制造", "91350100M000100Y43"],
        ["ＤＦ东风机械公司", "", "", "", "1"],
        ["张伟", "个人", "", "", ""],
        ["东风机械", "", "", "汽车", ""],
        ["王芳", "外星人", "", "", ""],
    ]
    row = await table.run(rows, kind="customers")
    assert (row.new_count, row.duplicate_count, row.bad_count) == (2, 1, 2)
    made = await Customer.get(name="东风机械有限公司")
    assert (made.industry, made.credit_code, made.kind) == ("制造", "91350100M000100Y43", "organisation")
    assert (await Customer.get(id=made.parent_id)).name == "东风集团"
    assert (await Customer.get(name="张伟")).kind == "person"
    await undoing.undo_now(table.core, SYSTEM, row.id)
    assert await Customer.all().count() == 0


async def test_contacts_find_their_customer_or_make_it(table: Table, core: Core) -> None:
    owner = await make_employee(core, "小李")
    known = await Customer.add(core, name="云帆科技有限公司", owner_id=owner.id)
    rows = [
        ["姓名", "手机", "公司名称", "是否决策人"],
        ["张伟", "13800138000", "云帆科技公司", "是"],
        ["李娜", "13900139000", "东风机械厂", "否"],
        ["李娜", "", "东风机械厂", ""],
        ["", "13700137000", "东风机械厂", ""],
    ]
    row = await table.run(rows, kind="contacts")
    assert (row.new_count, row.duplicate_count, row.bad_count) == (2, 1, 1)
    mine = await Contact.get(name="张伟")
    assert (mine.customer_id, mine.owner_id, mine.decision_maker) == (known.id, owner.id, True)
    assert (await Customer.get(id=(await Contact.get(name="李娜")).customer_id)).name == "东风机械厂"
    await undoing.undo_now(table.core, SYSTEM, row.id)
    assert [each.name for each in await Customer.all()] == ["云帆科技有限公司"]
    assert await Contact.all().count() == 0


async def test_an_import_that_was_cut_off_goes_on(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a kill: some pages are written, the row says running, and nothing else is known."""
    rows = [HEAD, *([f"人{number}", f"138{number:08d}", "", "", "", ""] for number in range(4_500))]
    real = running.write_page

    async def cut(job: Any, page: Page, cursor: int) -> Any:
        if cursor >= 750:
            raise asyncio.CancelledError
        return await real(job, page, cursor)

    row = await table.begin(rows)
    monkeypatch.setattr(running, "write_page", cut)
    with pytest.raises(asyncio.CancelledError):
        await running.run(table.core, row, SYSTEM)
    monkeypatch.undo()
    stopped = await Import.get(id=row.id)
    assert (stopped.status, stopped.cursor, stopped.new_count, await Lead.all().count()) == ("running", 751, 750, 750)
    done = await running.run(table.core, stopped, SYSTEM)
    assert (done.status, done.new_count, done.duplicate_count, await Lead.all().count()) == ("done", 4_500, 0, 4_500)
    assert await ChangedRow.filter(set_id=done.set_id).count() == 4_500
    assert (await undoing.undo_now(table.core, SYSTEM, row.id)).rows == 4_500


async def test_a_table_that_breaks_in_the_middle_leaves_nothing(table: Table) -> None:
    rows = [HEAD, *([f"人{number}", f"138{number:08d}", "", "", "", ""] for number in range(2_500))]
    with pytest.raises(Invalid):
        await table.run(csv_bytes(rows) + b'"open' + b"x" * 40_000)
    assert await Lead.all().count() == 0
    row = await Import.first()
    assert row is not None
    assert (row.status, "引号" in row.problem) == ("failed", True)


async def test_two_of_one_import_do_not_write_twice(table: Table) -> None:
    row = await table.begin(ROWS)
    outcomes = await asyncio.gather(*(running.run(table.core, row, SYSTEM) for _ in range(2)), return_exceptions=True)
    assert await Lead.all().count() in (0, 2)
    assert all(isinstance(each, (Import, ImportStopped)) for each in outcomes)


async def test_a_cancelled_import_writes_nothing(table: Table) -> None:
    row = await table.begin(ROWS)
    await imports.cancel(table.core, SYSTEM, row.id)
    with pytest.raises(NotConfirmable):
        await imports.confirm(table.core, SYSTEM, row.id)
    with pytest.raises(NotConfirmable):
        await undoing.undo_now(table.core, SYSTEM, row.id)


async def test_files_that_are_empty_or_too_large(table: Table) -> None:
    path = table.folder / "x"
    path.write_bytes(b"")
    with pytest.raises(EmptyFile):
        imports.digest_of(table.core, path)
    with path.open("wb") as stream:
        stream.truncate(101 << 20)
    with pytest.raises(FileTooLarge):
        imports.digest_of(table.core, path)


async def test_an_import_of_somebody_who_left_is_not_done(table: Table, core: Core, clock: Any) -> None:
    actor = await make_actor(core, "小王")
    row = await table.begin(ROWS, actor=actor)
    assert (await imports.actor_for(core, row)).employee_id == actor.employee_id
    from crm_core.employees import Employee

    await Employee.filter(id=actor.employee_id).update(departed_at=clock.now())
    with pytest.raises(Conflict):
        await imports.actor_for(core, row)


async def test_without_a_file_of_refused_rows_they_go_into_quarantine(table: Table) -> None:
    row = await table.begin(ROWS)
    await running.run(table.core, row, SYSTEM)
    kept = await QuarantinedRow.get(import_id=row.id)
    assert (kept.values, kept.reasons, kept.line) == ({"name": "李娜", "mobile": "138"}, [("手机号", "手机号格式不对")], 3)
    await undoing.undo_now(table.core, SYSTEM, row.id)
    assert await QuarantinedRow.all().count() == 0


async def test_ready_files_are_forgotten_in_time(table: Table, clock: Any) -> None:
    import io

    row = await imports.create(table.core, SYSTEM, "leads")
    path, digest = imports.keep_file(table.core, row.id, io.BytesIO(csv_bytes(ROWS)))
    await imports.take_file(table.core, row, path, digest)
    assert await imports.forget_files(table.core) == 0
    await row.change(table.core, status=ImportStatus.READY.value)
    assert await imports.forget_files(table.core) == 0
    clock.advance(timedelta(days=8))
    assert await imports.forget_files(table.core) == 1
    assert (await Import.get(id=row.id)).status == "cancelled"


async def no_frames() -> AsyncIterator[Page]:
    for page in ():
        yield page
