"""Leads in words: record, pool, claim, undo; the refusal beside the permission."""

import asyncio
from dataclasses import replace

import pytest

from crm_core.errors import Unavailable
from crm_core.leads import Lead
from crm_core.ports import Core, Database
from handlers.pipeline import Pipeline
from tests.factories import make_lead
from tests.handlers.conftest import Staff, Talker, staff


async def test_salesperson_claims_by_words_and_takes_it_back(core: Core, chat: Staff) -> None:
    await make_lead(core, source="展会")
    assert await chat.says("领取张伟") == "已领取：张伟\n来源：展会"
    assert (await Lead.get(name="张伟")).owner_id == chat.employee.id
    assert await chat.says("撤销") == "已撤销：张伟回到公海"
    assert (await Lead.get(name="张伟")).owner_id is None
    assert await chat.says("撤销") == "没有可以撤销的记录（只能撤销24小时内的上一条）。"


async def test_second_claimer_is_told_who_was_faster(core: Core, chat: Staff, pipeline: Pipeline) -> None:
    await make_lead(core)
    other = await staff(core, pipeline, "小陈")
    assert (await chat.says("领取张伟")).startswith("已领取：张伟")
    assert await other.says("领取张伟") == "线索「张伟」已被小王领取"


async def test_same_names_are_chosen_by_number_also_after_a_restart(core: Core, chat: Staff) -> None:
    first = await make_lead(core, company="东风机械厂")
    await make_lead(core, company="西湖贸易")
    question = await chat.says("领取张伟")
    assert "1. 张伟（西湖贸易）" in question
    assert "2. 张伟（东风机械厂）" in question
    chat.pipeline = type(chat.pipeline)(core, chat.pipeline._router)
    assert "已领取：张伟" in await chat.says("2")
    assert (await Lead.get(id=first.id)).owner_id == chat.employee.id


async def test_open_question_ends_with_cancel(core: Core, chat: Staff) -> None:
    await make_lead(core, company="东风机械厂")
    await make_lead(core, company="西湖贸易")
    await chat.says("领取张伟")
    assert await chat.says("取消") == "好的，已取消。"
    assert "没听懂" in await chat.says("2")
    assert await Lead.filter(owner_id=chat.employee.id).count() == 0


async def test_pool_is_masked_and_claimed_by_number(core: Core, chat: Staff) -> None:
    await make_lead(core, "刘洋", mobile="13800138000", source="官网")
    listed = await chat.says("公海")
    assert "1. 刘洋，官网，138****8000" in listed
    assert "13800138000" in await chat.says("领取第1条")


async def test_new_lead_is_recorded_with_its_particulars(core: Core, chat: Staff) -> None:
    answer = await chat.says("新线索 恒信集团 采购经理刘洋 138 0013 8000 展会认识的 想要20台网关")
    lead = await Lead.get(mobile="+8613800138000")
    assert answer.startswith(f"已录入线索 #{lead.id}：刘洋\n公司：恒信集团\n电话：13800138000")
    assert lead.owner_id == chat.employee.id
    assert "网关" in lead.need


async def test_known_number_asks_before_a_second_lead(core: Core, chat: Staff) -> None:
    await chat.says("新线索 刘洋 13800138000")
    assert "已有线索「刘洋」" in await chat.says("新线索 刘洋洋 13800138000")
    assert await chat.says("不是") == "好的，已取消。"
    assert await Lead.all().count() == 1


async def test_two_quick_messages_of_one_person_keep_their_order(core: Core, chat: Staff) -> None:
    await make_lead(core)
    answers = await asyncio.gather(chat.says("领取张伟"), chat.says("撤销"))
    assert answers == ["已领取：张伟", "已撤销：张伟回到公海"]


async def test_known_number_of_a_colleague_tells_the_colleague_and_no_more(core: Core, chat: Staff, pipeline: Pipeline) -> None:
    other = await staff(core, pipeline, "小陈")
    await other.says("新线索 刘洋 13800138000")
    answer = await chat.says("新线索 刘洋洋 13800138000")
    assert answer.startswith("这个号码已有线索，归属：小陈，还要再记一条吗")
    assert "「刘洋」" not in answer


async def test_discarded_lead_is_not_somebodys(core: Core, chat: Staff, pipeline: Pipeline) -> None:
    other = await staff(core, pipeline, "小陈")
    lead = await make_lead(core, "张韦", owner_id=other.employee.id)
    await Lead.filter(id=lead.id).update(status="discarded")
    assert await chat.says("领取 张韦") == "没有找到，请核对后再试"


async def test_own_lead_is_not_claimed_again(core: Core, chat: Staff) -> None:
    await make_lead(core)
    await chat.says("公海")
    assert "已领取" in await chat.says("领 1")
    assert await chat.says("领取 张伟") == "名下已有「张伟」"
    assert await chat.says("领1") == "名下已有「张伟」"


async def test_several_numbers_are_claimed_together(core: Core, chat: Staff) -> None:
    for name in ("赵晓东", "孔云飞", "李娜"):
        await make_lead(core, name)
    await chat.says("公海")
    answer = await chat.says("领取1和2，5")
    assert answer == "已领取：李娜\n已领取：孔云飞\n第5条：没有第5条，请先看列表（公海）再回复序号"
    assert await Lead.filter(owner_id=chat.employee.id).count() == 2
    assert await chat.says("撤销") == "已撤销：李娜、孔云飞回到公海"


async def test_pool_is_shown_page_by_page(core: Core, chat: Staff) -> None:
    for number in range(14):
        await make_lead(core, f"访客{number:02}")
    first = await chat.says("公海")
    assert first.startswith("公海共14条，最新10条：\n1. 访客13")
    assert first.endswith("看后面的回复“下一页”")
    second = await chat.says("下一页")
    assert second.startswith("公海共14条，第11到14条：\n11. 访客03")
    assert await chat.says("更多") == "没有更多了。"
    assert "已领取：访客02" in await chat.says("领取12")
    assert len((await chat.says("公海 3")).splitlines()) == 5
    assert "4. 访客" in await chat.says("下一页")


async def test_next_page_of_nothing(core: Core, chat: Staff) -> None:
    assert await chat.says("下一页") == "没有更多了。"


async def test_claim_tells_the_number_and_the_last_words(core: Core, chat: Staff, customer: Talker, pipeline: Pipeline) -> None:
    await customer.says("你好")
    await customer.says("我叫刘强，电话13912345678")
    name = (await Lead.get()).name
    peer = await staff(core, pipeline, "小陈")
    assert "139****5678" in await peer.says("公海")
    answer = await chat.says(f"领取 {name}")
    assert "电话：13912345678" in answer
    assert "最近留言：我叫刘强，电话13912345678" in answer


async def test_names_with_common_signs_are_kept(core: Core, chat: Staff) -> None:
    for name in ("孟向阳", "李向东", "赵对", "周跟明", "王和平", "马上飞", "高明天"):
        assert f"：{name}" in await chat.says(f"新线索 {name}")


async def test_question_for_a_name_takes_one_that_looks_like_a_time(core: Core, chat: Staff) -> None:
    assert await chat.says("新线索") == "是哪位客户？"
    assert "：高明天" in await chat.says("高明天")


async def test_whose_a_customer_is_stays_untold_in_a_group(core: Core, chat: Staff, pipeline: Pipeline) -> None:
    other = await staff(core, pipeline, "小陈")
    await make_lead(core, "欧阳锋", owner_id=other.employee.id, mobile="13800138000")
    assert await chat.says("领取 欧阳锋") == "线索「欧阳锋」已被小陈领取"
    chat.address = replace(chat.address, conversation="cidGroup")
    assert await chat.says("领取 欧阳锋") == "没有找到，请核对后再试"
    assert "小陈" not in await chat.says("新线索 欧阳 13800138000")


async def test_several_claims_are_not_answered_while_nothing_can_be_kept(core: Core, chat: Staff) -> None:
    for name in ("孔云飞", "李娜"):
        await make_lead(core, name)
    await chat.says("公海")
    chat.pipeline._core = replace(core, db=AwayForClaims(core.db))
    with pytest.raises(Unavailable):
        await chat.says("领取1和2")
    chat.pipeline._core = core
    assert await Lead.filter(owner_id=chat.employee.id).count() == 0


class AwayForClaims:
    """A database that goes away when a claim takes its turn."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def __getattr__(self, name: str) -> object:
        return getattr(self._db, name)

    async def serialize(self, name: str) -> None:
        raise Unavailable


async def test_a_number_with_a_digit_missing_is_no_need(core: Core, chat: Staff) -> None:
    said = await chat.says("新线索 张伟 东风机械厂 1380013800 展会认识")
    assert "1380013800 位数不对" in said
    assert "需求" not in said
    assert (await Lead.get()).need == ""
