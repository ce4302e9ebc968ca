"""One sentence is a record, read back, and can be taken back."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from crm_core.activities import FollowUp
from crm_core.leads import Lead
from crm_core.ports import Core
from scheduler.reminders import Reminder
from tests.factories import make_employee, make_lead
from tests.handlers.conftest import Staff

SENTENCE = "刚和张伟通了电话，嫌贵，下周三下午三点再联系，预算20万"


async def test_one_sentence_is_a_record_with_its_reminder(core: Core, chat: Staff) -> None:
    lead = await make_lead(core, owner_id=chat.employee.id)
    answer = await chat.says(SENTENCE)
    follow_up = await FollowUp.get(subject_kind="lead", subject_id=lead.id)
    assert (follow_up.method, str(follow_up.amount), follow_up.author_id) == ("phone", "200000.00", chat.employee.id)
    assert follow_up.next_follow_up_at == datetime(2026, 12, 2, 7, 0, tzinfo=UTC)
    assert "嫌贵" in follow_up.summary
    reminder = await Reminder.get(follow_up_id=follow_up.id)
    assert (reminder.at, reminder.owner_id) == (follow_up.next_follow_up_at, chat.employee.id)
    assert answer.startswith("已记：张伟，电话，今天 10:00，")
    assert "¥200,000.00" in answer
    assert "12月2日（周三）15:00提醒" in answer
    assert "\n" not in answer


async def test_record_is_taken_back_with_its_reminder(core: Core, chat: Staff) -> None:
    await make_lead(core, owner_id=chat.employee.id)
    await chat.says(SENTENCE)
    assert await chat.says("撤销") == "已撤销：张伟的跟进记录"
    assert (await FollowUp.first()).undone_at is not None
    assert (await Reminder.first()).status == "cancelled"


async def test_somebody_unknown_becomes_a_lead_only_after_a_yes(core: Core, chat: Staff) -> None:
    question = await chat.says("刚和周小婷通了电话，嫌贵")
    assert "没有找到「周小婷」" in question
    assert await Lead.all().count() == await FollowUp.all().count() == 0
    assert "（已新建线索）" in await chat.says("是")
    assert (await Lead.get(name="周小婷")).owner_id == chat.employee.id
    await chat.says("撤销")
    assert (await Lead.get(name="周小婷")).status == "discarded"


async def test_a_peers_lead_cannot_be_written_to(core: Core, chat: Staff) -> None:
    lead = await make_lead(core, owner_id=(await make_employee_id(core)))
    assert await chat.says("刚和张伟通了电话，嫌贵") == "线索「张伟」已被小陈领取"
    await Lead.filter(id=lead.id).update(owner_id=chat.employee.id)
    await chat.says("取消")
    assert (await chat.says("刚和张伟通了电话，嫌贵")).startswith("已记：张伟")


async def make_employee_id(core: Core) -> int:
    return (await make_employee(core, "小陈")).id


async def test_taking_back_a_record_tells_that_its_new_lead_goes_too(core: Core, chat: Staff) -> None:
    await chat.says("刚和周小婷通了电话，嫌贵")
    assert "已新建线索" in await chat.says("是")
    assert await chat.says("撤销") == "已撤销：周小婷的跟进记录，和为它新建的线索"
    assert (await Lead.get(name="周小婷")).status == "discarded"


async def test_a_colleagues_namesake_becomes_a_lead_only_after_a_yes(core: Core, chat: Staff) -> None:
    await make_employee(core, "王磊")
    for words in ("王磊今天跟进了几个客户", "刚和王磊通了电话，嫌贵"):
        assert (await chat.says(words)).startswith("有同事叫「王磊」。如果是同名的客户，要新建线索并记下这条跟进吗？（是/否）")
        assert await chat.says("否") == "好的，已取消。"
    assert await Lead.all().count() == 0
    await chat.says("刚和王磊通了电话，嫌贵")
    assert "（已新建线索）" in await chat.says("是")
    assert (await chat.says("刚和王磊通了电话，说可以")).startswith("已记：王磊")
    assert await Lead.all().count() == 1


@pytest.mark.parametrize("word", ["批准", "准了", "通过"])
async def test_approval_is_no_answer_to_another_question(core: Core, chat: Staff, word: str) -> None:
    await chat.says("刚和周小婷通了电话，嫌贵")
    assert "请回复“是”或“否”" in await chat.says(word)
    assert await Lead.all().count() == 0
    assert "已新建线索" in await chat.says("好的")


async def test_what_the_customer_wants_is_kept_in_their_words(core: Core, chat: Staff) -> None:
    await make_lead(core, owner_id=chat.employee.id)
    await chat.says("昨天拜访了张伟，对方要求月底前交货")
    assert (await FollowUp.get()).summary == "对方要求月底前交货"


async def test_in_a_group_a_follow_up_does_not_tell_whose_a_customer_is(core: Core, chat: Staff) -> None:
    await make_lead(core, owner_id=(await make_employee_id(core)))
    chat.address = replace(chat.address, conversation="cidGroup")
    answer = await chat.says("刚和张伟通了电话，嫌贵")
    assert "没有找到「张伟」" in answer
    assert "小陈" not in answer
