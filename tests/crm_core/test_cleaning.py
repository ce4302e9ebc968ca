"""Each new lead examined once: merged by rule, put before somebody, or left; and the one-word answers."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from crm_core import change_sets, cleaning, leads, overwriting
from crm_core.access import Actor, Role
from crm_core.cleaning import Answer, CaseAnswered, CleaningCase, Examined
from crm_core.conversations import Message
from crm_core.customers import Contact, Customer
from crm_core.employees import actor_of
from crm_core.errors import NotFound, Refused
from crm_core.identity import new_person
from crm_core.leads import Lead
from crm_core.match_rules import IdentitySettings, OverwriteSettings
from crm_core.ports import Core
from tests.factories import SYSTEM, make_actor, make_employee, make_lead
from tests.fakes import FakeClock
from tests.fingerprints import fingerprint

MOBILE = "13800138000"


def with_identity(core: Core, **values: object) -> Core:
    return replace(core, settings=replace(core.settings, identity=IdentitySettings(**values)))  # type: ignore[arg-type]


async def test_the_same_number_is_merged_into_the_older_and_counted(core: Core, clock: FakeClock) -> None:
    old = await make_lead(core, mobile=MOBILE, need="20台网关")
    clock.advance(60)
    new = await make_lead(core, mobile=MOBILE, need="5台交换机", source="官网")
    start = await fingerprint(core)
    done = await cleaning.examine(core, new.id)
    assert done.merged_into == ("lead", old.id)
    kept = await Lead.get(id=old.id)
    assert (kept.intent_count, kept.need, kept.source) == (2, "5台交换机", "官网")
    assert await cleaning.examine(core, new.id) == Examined()
    assert done.set_id is not None
    await change_sets.undo(core, SYSTEM, done.set_id)
    assert await fingerprint(core) == start


async def test_ids_that_contradict_are_never_merged_by_themselves(core: Core) -> None:
    old = await make_lead(core, mobile=MOBILE, email="a@b.cn")
    new = await make_lead(core, mobile=MOBILE, email="c@d.cn")
    assert await cleaning.examine(core, new.id) == Examined(cases=1)
    case = await CleaningCase.get()
    assert (case.subject_id, case.other_id, case.status) == (new.id, old.id, "open")
    assert "邮箱不同" in case.reasons
    assert await cleaning.examine(core, new.id) == Examined(cases=0)
    assert await cleaning.examine(core, old.id) == Examined(cases=0)


async def test_leads_of_two_owners_go_to_whoever_sees_both(core: Core) -> None:
    boss = await make_employee(core, "陈经理", Role.MANAGER)
    one, two = [await make_employee(core, name, manager_id=boss.id) for name in ("小王", "小陈")]
    await make_lead(core, owner_id=one.id, mobile=MOBILE)
    new = await make_lead(core, owner_id=two.id, mobile=MOBILE)
    assert (await cleaning.examine(core, new.id)).cases == 1
    assert await cleaning.next_case(core, await actor_of(one)) is None
    shown = await cleaning.next_case(core, await actor_of(boss))
    assert shown is not None
    assert shown.reasons[0] == "手机号相同"
    with pytest.raises(NotFound):
        await cleaning.answer(core, await actor_of(two), shown.case.id, Answer.MERGE)
    await cleaning.answer(core, await actor_of(boss), shown.case.id, Answer.MERGE)
    assert await Lead.filter(merged_into_id=None).count() == 1


async def test_a_channel_lead_of_a_known_contact_becomes_theirs_and_the_owner_hears_of_it(core: Core) -> None:
    owner = await make_employee(core, staff_id="staff-1")
    customer: Customer = await Customer.add(core, name="东风机械", owner_id=owner.id)
    contact: Contact = await Contact.add(
        core,
        person_id=await new_person(core),
        name="张伟",
        mobile="+86" + MOBILE,
        owner_id=owner.id,
        customer_id=customer.id,
    )
    new = await make_lead(core, mobile=MOBILE, source="官网")
    assert (await cleaning.examine(core, new.id)).merged_into == ("contact", contact.id)
    assert (await Lead.get(id=new.id)).contact_id == contact.id
    notice = await Message.get(direction="out")
    assert "【再次咨询】张伟（来源：官网）" in notice.text


async def test_what_nobody_touched_for_long_makes_way_for_the_newer(core: Core, clock: FakeClock) -> None:
    old = await make_lead(core, mobile=MOBILE, title="采购")
    clock.advance(timedelta(days=400).total_seconds())
    new = await make_lead(core, mobile=MOBILE)
    assert (await cleaning.examine(core, new.id)).merged_into == ("lead", new.id)
    kept = await Lead.get(id=new.id)
    assert (kept.intent_count, kept.title, (await Lead.get(id=old.id)).status) == (2, "采购", "merged")


async def test_a_discarded_lead_makes_way_too(core: Core) -> None:
    old = await make_lead(core, mobile=MOBILE)
    await old.change(core, status="discarded")
    new = await make_lead(core, mobile=MOBILE)
    assert (await cleaning.examine(core, new.id)).merged_into == ("lead", new.id)


async def test_soft_evidence_waits_for_a_word_and_no_is_remembered(core: Core) -> None:
    actor = await make_actor(core)
    await make_lead(core, "张伟", company="东风机械有限公司", owner_id=actor.employee_id)
    new = await make_lead(core, "张伟", company="东风机械", owner_id=actor.employee_id)
    assert (await cleaning.examine(core, new.id)).cases == 1
    shown = await cleaning.next_case(core, actor)
    assert shown is not None
    assert shown.reasons == ("姓名相同", "公司相同")
    await cleaning.answer(core, actor, shown.case.id, Answer.DISTINCT)
    with pytest.raises(CaseAnswered):
        await cleaning.answer(core, actor, shown.case.id, Answer.MERGE)
    assert (await cleaning.examine(core, new.id)).cases == 0
    assert await cleaning.next_case(core, actor) is None


async def test_a_merge_taken_back_opens_the_question_again(core: Core) -> None:
    await make_lead(core, "张伟", company="东风机械有限公司")
    new = await make_lead(core, "张伟", company="东风机械")
    await cleaning.examine(core, new.id)
    start = await fingerprint(core)
    shown = await cleaning.next_case(core, SYSTEM)
    assert shown is not None
    case = await cleaning.answer(core, SYSTEM, shown.case.id, Answer.MERGE)
    assert (case.status, case.set_id is not None) == ("merged", True)
    await change_sets.undo(core, SYSTEM, case.set_id or 0)
    assert await fingerprint(core) == start


async def test_skipped_ones_come_last(core: Core) -> None:
    for name in ("张伟", "李娜"):
        await make_lead(core, name, company="东风机械")
        await cleaning.examine(core, (await make_lead(core, name, company="东风机械公司")).id)
    first = await cleaning.next_case(core, SYSTEM)
    assert first is not None
    await cleaning.answer(core, SYSTEM, first.case.id, Answer.SKIP)
    second = await cleaning.next_case(core, SYSTEM)
    assert second is not None
    assert second.case.id != first.case.id
    await cleaning.answer(core, SYSTEM, second.case.id, Answer.DISTINCT)
    again = await cleaning.next_case(core, SYSTEM)
    assert again is not None
    assert again.case.id == first.case.id


async def test_a_case_whose_two_are_one_by_now_is_asked_no_more(core: Core) -> None:
    old = await make_lead(core, "张伟", company="东风机械")
    new = await make_lead(core, "张伟", company="东风机械公司")
    await cleaning.examine(core, new.id)
    await cleaning.merging.merge(core, SYSTEM, "lead", old.id, new.id)
    assert await cleaning.next_case(core, SYSTEM) is None
    assert await cleaning.waiting(SYSTEM).count() == 0


async def test_fields_that_ask_wait_in_the_queue_and_are_taken_or_kept(core: Core) -> None:
    asking = with_identity(core, overwrite=OverwriteSettings(need="ask", region="ask"))
    answers = ((Answer.MERGE, "新需求", "replaced", MOBILE), (Answer.DISTINCT, "旧需求", "kept", "13900139000"))
    for word, need, status, number in answers:
        old = await make_lead(core, mobile=number, need="旧需求")
        new = await make_lead(core, mobile=number, need="新需求")
        await cleaning.examine(asking, new.id)
        shown = await cleaning.next_case(core, SYSTEM)
        assert shown is not None
        assert shown.pending == (("need", "旧需求", "新需求"),)
        await cleaning.answer(core, SYSTEM, shown.case.id, word)
        assert (await Lead.get(id=old.id)).need == need
        assert [row.status for row in await overwriting.history(core, SYSTEM, "lead", old.id)] == [status]


async def test_nothing_is_merged_alone_where_the_settings_say_so(core: Core) -> None:
    await make_lead(core, mobile=MOBILE)
    new = await make_lead(core, mobile=MOBILE)
    assert await cleaning.examine(with_identity(core, merge_alone=False), new.id) == Examined(cases=1)


async def test_only_who_may_answers(core: Core) -> None:
    await make_lead(core, "张伟", company="东风机械")
    await cleaning.examine(core, (await make_lead(core, "张伟", company="东风机械公司")).id)
    case = await CleaningCase.get()
    with pytest.raises(Refused):
        await cleaning.answer(core, Actor(role=Role.VIEWER, name="x"), case.id, Answer.DISTINCT)
    await cleaning.answer(core, Actor(role=Role.ADMIN, name="x"), case.id, Answer.DISTINCT)
    assert (await CleaningCase.get()).status == "distinct"


async def test_an_unknown_lead_is_nothing(core: Core) -> None:
    assert await cleaning.examine(core, 404) == Examined()


async def test_a_new_customer_that_looks_like_one_of_before_waits_in_the_queue(core: Core) -> None:
    actor = await make_actor(core)
    old: Customer = await Customer.add(core, name="上海东风机械有限公司", owner_id=actor.employee_id)
    new: Customer = await Customer.add(core, name="东风机械", owner_id=actor.employee_id)
    namesake: Customer = await Customer.add(core, name="东风机械", kind="person")
    assert await cleaning.examine_company(core, new.id) == 1
    assert await cleaning.examine_company(core, old.id) == 0
    assert await cleaning.examine_company(core, 404) == 0
    shown = await cleaning.next_case(core, actor)
    assert shown is not None
    assert {(shown.subject.noun, shown.subject.id), (shown.other.noun, shown.other.id)} == {
        ("customer", new.id),
        ("customer", old.id),
    }
    await cleaning.answer(core, actor, shown.case.id, Answer.MERGE)
    assert (await Customer.get(id=new.id)).merged_into_id == old.id
    assert (await Customer.get(id=namesake.id)).merged_into_id is None


async def test_all_that_waits_about_one_record_is_one_question_and_outlives_nothing(core: Core) -> None:
    asking = with_identity(core, overwrite=OverwriteSettings(company="ask", need="ask"))
    old = await make_lead(core, mobile=MOBILE, company="东风机械", need="5台")
    done = []
    for company, need in (("云帆科技", "5台"), ("南湖学校", "20台")):
        new = await make_lead(core, mobile=MOBILE, company=company, need=need)
        done.append(await cleaning.examine(asking, new.id))
    case = await CleaningCase.get()
    assert (case.subject_id, case.status) == (old.id, "open")
    shown = await cleaning.next_case(core, SYSTEM)
    assert shown is not None
    assert (shown.reasons, len(shown.pending)) == (("公司不同", "需求不同"), 3)
    await change_sets.undo(core, SYSTEM, done[1].set_id or 0)
    assert (await cleaning.show(core, SYSTEM, case.id)).reasons == ("公司不同",)
    await cleaning.answer(core, SYSTEM, case.id, Answer.SKIP)
    await change_sets.undo(core, SYSTEM, done[0].set_id or 0)
    assert await cleaning.next_case(core, SYSTEM) is None
    assert await cleaning.waiting(SYSTEM).count() == 0


async def test_an_answered_question_about_fields_is_asked_again_when_there_is_something_new(core: Core) -> None:
    asking = with_identity(core, overwrite=OverwriteSettings(company="ask"))
    old = await make_lead(core, mobile=MOBILE, company="东风机械")
    for company in ("云帆科技", "南湖学校"):
        await cleaning.examine(asking, (await make_lead(core, mobile=MOBILE, company=company)).id)
        shown = await cleaning.next_case(core, SYSTEM)
        assert shown is not None
        assert len(shown.pending) == 1
        await cleaning.answer(core, SYSTEM, shown.case.id, Answer.MERGE)
        assert (await Lead.get(id=old.id)).company == company
        assert await cleaning.next_case(core, SYSTEM) is None


async def test_of_two_answers_at_once_one_counts(core: Core) -> None:
    await make_lead(core, "张伟", company="东风机械")
    await cleaning.examine(core, (await make_lead(core, "张伟", company="东风机械公司")).id)
    case = await CleaningCase.get()
    words = (Answer.MERGE, Answer.DISTINCT, Answer.MERGE, Answer.DISTINCT)
    done = await asyncio.gather(*(cleaning.answer(core, SYSTEM, case.id, word) for word in words), return_exceptions=True)
    assert sum(isinstance(each, CleaningCase) for each in done) == 1, done
    assert (await CleaningCase.get()).status in ("merged", "distinct")
    assert ((await CleaningCase.get()).status == "merged") == (await Lead.filter(status="merged").count() == 1)


async def test_who_recorded_somebody_again_is_told_of_the_merge(core: Core) -> None:
    mine = await make_employee(core, "小王", staff_id="staff-小王")
    actor = await actor_of(mine)
    old = await leads.add(core, actor, name="张伟", mobile=MOBILE, need="20台网关")
    new = await leads.add(core, actor, name="张伟", mobile=MOBILE)
    assert (await cleaning.examine(core, new.id)).merged_into == ("lead", old.id)
    told = [row.text for row in await Message.filter(direction="out")]
    assert [text for text in told if f"刚录入的张伟 #{new.id}" in text and "拆开 张伟" in text]
    assert (await Lead.get(id=old.id)).need == "20台网关"
