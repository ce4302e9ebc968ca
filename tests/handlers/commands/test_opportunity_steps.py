"""What is next in chat: stuck deals, the next step a manager leaves, and one-word answers to proposals."""

from datetime import timedelta

from crm_core.access import Role
from crm_core.conversations import Message
from crm_core.employees import Employee, actor_of
from crm_core.opportunities import Opportunity
from crm_core.ports import Core
from crm_core.repeat_purchases import PurchaseProposal
from handlers.pipeline import Pipeline
from scheduler.reminders import Reminder
from tests.factories import make_deal
from tests.fakes import FakeClock
from tests.handlers.conftest import Staff, staff


async def a_team(core: Core, pipeline: Pipeline, chat: Staff) -> Staff:
    boss = await staff(core, pipeline, "老周", Role.MANAGER)
    await Employee.filter(id=chat.employee.id).update(manager_id=boss.employee.id)
    return boss


async def a_deal(core: Core, chat: Staff, name: str = "智能网关", **values: object) -> Opportunity:
    return await make_deal(core, await actor_of(chat.employee), name, **values)


async def a_proposal(core: Core, chat: Staff, deal: Opportunity, product: str = "网关") -> PurchaseProposal:
    made: PurchaseProposal = await PurchaseProposal.add(
        core,
        opportunity_id=deal.id,
        customer_id=deal.customer_id,
        owner_id=chat.employee.id,
        kind="repeat",
        product=product,
        customer="云帆科技",
    )
    return made


async def test_the_manager_leaves_the_next_step_of_a_stuck_deal(
    core: Core, pipeline: Pipeline, chat: Staff, clock: FakeClock
) -> None:
    boss = await a_team(core, pipeline, chat)
    assert await boss.says("卡住的商机") == "没有卡住的商机。"
    deal = await a_deal(core, chat)
    clock.advance(timedelta(days=15))
    listed = await boss.says("卡住的商机")
    assert f"1. #{deal.id} 智能网关，初步接触，15天没动" in listed
    said = await boss.says("下一步 1 约客户高层见面 明天下午3点")
    assert said == "已留下一步（明天 15:00）：智能网关：约客户高层见面"
    todo = await Reminder.get()
    assert (todo.owner_id, todo.about_kind, todo.about_id) == (chat.employee.id, "customer", deal.customer_id)
    told = await Message.filter(direction="out", key=f"next_step:{todo.id}").first()
    assert told is not None
    assert told.text == "老周给商机「智能网关」留了下一步：约客户高层见面（12月11日 15:00）。已记入待办"
    assert "智能网关：约客户高层见面" in await chat.says("待办")
    assert (await boss.says("撤销")).startswith("已撤销：智能网关：约客户高层见面")
    assert (await Reminder.get()).status == "cancelled"


async def test_a_next_step_is_named_by_the_deal_and_due_tomorrow_without_a_time(core: Core, chat: Staff) -> None:
    await a_deal(core, chat)
    assert await chat.says("下一步 云帆科技 寄样品") == "已留下一步（明天 09:00）：智能网关：寄样品"
    assert await Message.filter(direction="out", key__startswith="next_step").count() == 0
    assert await chat.says("下一步") == "下一步：请写成：下一步 商机名 做什么 什么时候"


async def test_a_peer_leaves_nothing(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    peer = await staff(core, pipeline, "小李")
    deal = await a_deal(core, chat)
    assert await peer.says(f"下一步 #{deal.id} 寄样品") == "没有找到，请核对后再试"
    assert await chat.says(f"下一步 #{deal.id} 寄样品") == "已留下一步（明天 09:00）：智能网关：寄样品"


async def test_a_proposal_is_taken_up_by_one_word(core: Core, chat: Staff) -> None:
    assert await chat.says("约回访") == "没有找到等答复的复购建议，请核对后再试"
    row = await a_proposal(core, chat, await a_deal(core, chat, status="won"))
    assert await chat.says("复购") == "复购建议1条：\n1. 云帆科技，复购「网关」\n回复“约回访 1”或“先不约 1”"
    assert await chat.says("约回访") == "好的，明天 09:00提醒：联系云帆科技，复购「网关」"
    assert (await PurchaseProposal.get(id=row.id)).status == "accepted"
    assert (await Reminder.get()).about_id == row.customer_id
    assert await chat.says("撤销") == "已撤销：云帆科技，复购「网关」，等待答复"
    assert (await PurchaseProposal.get(id=row.id)).status == "open"
    assert (await Reminder.get()).status == "cancelled"


async def test_of_two_proposals_the_one_meant_is_asked_for(core: Core, chat: Staff) -> None:
    deal = await a_deal(core, chat, status="won")
    await a_proposal(core, chat, deal, "网关")
    second = await a_proposal(core, chat, deal, "平台")
    assert "是哪一条？请回复序号" in await chat.says("先不约")
    assert await chat.says("2") == "好的，先不约：云帆科技，复购「平台」"
    assert (await PurchaseProposal.get(id=second.id)).status == "declined"
    assert await chat.says("撤销") == "已撤销：云帆科技，复购「平台」，等待答复"
    await chat.says("复购建议")
    assert await chat.says("先不约 2") == "好的，先不约：云帆科技，复购「平台」"
    assert await chat.says("约回访 7") == "没有第7条，请先看列表（复购建议）再回复序号"


async def test_a_peer_sees_no_proposals_of_others(core: Core, pipeline: Pipeline, chat: Staff) -> None:
    peer = await staff(core, pipeline, "小李")
    await a_proposal(core, chat, await a_deal(core, chat, status="won"))
    assert await peer.says("复购") == "没有等着答复的复购建议。"
    assert await peer.says("约回访") == "没有找到等答复的复购建议，请核对后再试"
    assert "复购建议1条" in await chat.says("复购")
