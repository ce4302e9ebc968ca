"""How deals end in chat: won, lost to whom, shelved, tried again, opened again; each taken back by 撤销."""

from datetime import date

import pytest

from crm_core.employees import actor_of
from crm_core.opportunities import Opportunity
from crm_core.ports import Core
from handlers.commands.win_loss import competitor_in
from tests.factories import make_deal
from tests.handlers.conftest import Staff


async def a_deal(core: Core, chat: Staff, name: str = "智能网关", **values: object) -> Opportunity:
    return await make_deal(core, await actor_of(chat.employee), name, **values)


async def test_won_in_a_sentence_and_taken_back(core: Core, chat: Staff) -> None:
    await a_deal(core, chat)
    assert await chat.says("云帆科技赢单了 50万") == "赢单：智能网关，¥500,000.00"
    assert (await Opportunity.get()).status == "won"
    assert await chat.says("撤销") == "已撤销：「智能网关」回到初步接触"
    assert (await Opportunity.get()).status == "open"
    assert await chat.says("云帆科技的商机推进到赢单") == "赢单：智能网关。"


async def test_lost_asks_for_the_reason_and_the_competitor(core: Core, chat: Staff) -> None:
    await a_deal(core, chat)
    assert await chat.says("云帆科技丢单了") == "「智能网关」为什么丢的？"
    assert await chat.says("嫌贵") == "输给了谁？没有对手请回复“无”："
    said = await chat.says("华星科技")
    assert said.startswith("已记输单：智能网关，嫌贵，输给华星科技\n2027年2月23日会提醒再试")
    row = await Opportunity.get()
    assert (row.status, row.loss_reason, row.competitor) == ("lost", "嫌贵", "华星科技")
    assert await chat.says("云帆科技 到哪了") == "智能网关：输单，嫌贵，输给华星科技"
    assert await chat.says("撤销") == "已撤销：「智能网关」回到初步接触"


async def test_lost_to_nobody_and_with_a_later_try_in_one_sentence(core: Core, chat: Staff) -> None:
    deal = await a_deal(core, chat)
    assert "输给了谁" in await chat.says("云帆科技丢单了，预算被砍，半年后再试")
    said = await chat.says("没有")
    assert said.splitlines()[0] == "已记输单：智能网关，预算被砍，没有对手"
    assert "2027年5月25日会提醒再试" in said
    assert (await Opportunity.get(id=deal.id)).competitor == "无"


async def test_a_competitor_named_in_the_sentence_is_not_asked_for(core: Core, chat: Staff) -> None:
    await a_deal(core, chat)
    assert "输给华星" in await chat.says("云帆科技丢单了 被华星抢走了")


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("被华星抢走了", "华星"),
        ("客户选了远山科技", "远山科技"),
        ("输给了华星，价格太高", "华星"),
        ("被别人截胡", ""),
        ("选了别家", ""),
        ("嫌贵", ""),
    ],
)
def test_a_competitor_is_read_from_words(words: str, name: str) -> None:
    assert competitor_in(words) == name


async def test_a_later_try_is_planned_in_words(core: Core, chat: Staff) -> None:
    deal = await a_deal(core, chat, status="lost", loss_reason="贵")
    assert await chat.says("再试 云帆科技 三个月后") == "好的，2027年2月25日提醒再试：智能网关"
    assert await chat.says(f"再试 #{deal.id} 半年后") == "好的，2027年5月25日提醒再试：智能网关"
    assert await chat.says("云帆科技 明年3月再试") == "好的，2027年3月1日提醒再试：智能网关"
    assert await chat.says("再试 云帆科技") == "哪天再试？"
    assert await chat.says("一个月后") == "好的，2026年12月25日提醒再试：智能网关"
    assert await chat.says("再试 云帆科技 2月30号") == "日期：没有2月30日这一天，请核对"


async def test_shelved_with_day_and_reason_asked_for_where_missing(core: Core, chat: Staff) -> None:
    await a_deal(core, chat)
    assert await chat.says("搁置 云帆科技 到下个月底 预算没批") == "已搁置：智能网关，2026年12月31日再提醒"
    assert await chat.says("撤销") == "已撤销：「智能网关」回到初步接触"
    assert await chat.says("云帆科技先搁置") == "「智能网关」搁置到哪天？"
    assert await chat.says("下个月底") == "为什么搁置？"
    assert await chat.says("预算没批") == "已搁置：智能网关，2026年12月31日再提醒"
    row = await Opportunity.get()
    assert (row.status, row.shelved_until) == ("shelved", date(2026, 12, 31))


async def test_opened_again_in_words(core: Core, chat: Staff) -> None:
    await a_deal(core, chat, stage="proposal", status="lost", loss_reason="贵")
    assert await chat.says("重启 云帆科技") == "已重启：智能网关，在「方案报价」"
    await chat.says("云帆科技赢单了 50万")
    assert await chat.says("重启云帆科技的商机") == "「智能网关」已赢单，为什么重启？"
    assert await chat.says("合同作废") == "已重启：智能网关，在「方案报价」"
    assert await chat.says("撤销") == "已撤销：「智能网关」回到赢单"


async def test_who_wins_against_us(core: Core, chat: Staff) -> None:
    assert await chat.says("输给谁") == "今年还没有输单。"
    for name in ("一期", "二期"):
        await a_deal(core, chat, name, amount="100")
        await chat.says("云帆科技丢单了 被华星抢走了")
    assert await chat.says("输给谁") == "今年输单2个：\n1. 华星：2单，¥200.00"


async def test_nothing_open_is_said_in_one_sentence(core: Core, chat: Staff) -> None:
    assert await chat.says("云帆科技赢单了 50万") == "没有找到「云帆科技」进行中的商机，可以说：给云帆科技建个商机"
    assert "没有找到「云帆科技」输单、搁置的商机" in await chat.says("再试 云帆科技 三个月后")


async def test_a_number_names_no_rival(core: Core, chat: Staff) -> None:
    await a_deal(core, chat)
    await chat.says("云帆科技丢单了 嫌贵")
    assert "输给了谁" in await chat.says("2")
    assert "输给华星" in await chat.says("华星")
