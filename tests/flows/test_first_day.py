"""The main job, end to end: follow, lead, claim, follow-up sentence, reminder; over the wire on both sides."""

from crm_core.activities import FollowUp
from crm_core.conversations import Message
from crm_core.leads import Lead
from scheduler.reminders import Reminder
from tests.house import House
from tests.waiting import until


async def test_from_follow_to_reminder(house: House) -> None:
    wechat, dingtalk = house.simulator.wechat, house.simulator.dingtalk
    seller = await house.employee()
    person = wechat.make_openid()
    welcome = await wechat.follow(person, "expo")
    assert welcome.text == house.app.core.settings.answers.welcome
    lead = await Lead.get(source="expo")

    assert lead.name in (await dingtalk.say("staff-小王", "公海")).text
    assert (await dingtalk.say("staff-小王", f"领取 {lead.name}")).text.startswith(f"已领取：{lead.name}")
    await wechat.say(person, "网关多少钱一台")
    notice = await until(lambda: [e for e in dingtalk.received("staff-小王") if "网关多少钱一台" in e.text])
    assert lead.name in notice[0].text

    read_back = (await dingtalk.say("staff-小王", f"刚和{lead.name}通了电话，嫌贵，下周三下午三点再联系，预算20万")).text
    assert read_back.startswith(f"已记：{lead.name}，电话")
    assert await FollowUp.filter(subject_kind="lead", subject_id=lead.id, author_id=seller.id).count() == 1

    assert "提醒" in (await dingtalk.say("staff-小王", "明天上午10点提醒我寄样品")).text
    await Reminder.filter(text="寄样品").update(at=house.app.core.clock.now())
    await until(
        lambda: [e for e in dingtalk.received("staff-小王") if "寄样品" in e.text and "提醒" in e.text][1:] or None, within=8
    )


async def test_stranger_in_dingtalk_is_told_how_to_bind_and_binds(house: House) -> None:
    from crm_core import employees
    from tests.factories import SYSTEM

    dingtalk = house.simulator.dingtalk
    dingtalk.add_staff("new-one", "新人")
    assert "绑定" in (await dingtalk.say("new-one", "公海")).text
    employee = await house.employee("新人")
    from crm_core.accounts import Account

    await Account.filter(external_id="staff-新人").delete()
    code = await employees.make_bind_code(house.app.core, SYSTEM, employee.id)
    assert (await dingtalk.say("new-one", f"绑定 {code}")).text.startswith("绑定成功：新人（销售）")
    assert "绑定码无效" in (await dingtalk.say("new-one", f"绑定 {code}")).text


async def test_five_wrong_bind_codes_and_no_more(house: House) -> None:
    dingtalk = house.simulator.dingtalk
    dingtalk.add_staff("guesser", "陌生人")
    answers = [(await dingtalk.say("guesser", f"绑定 AAAA000{n}")).text for n in range(6)]
    assert all("绑定码无效" in answer for answer in answers[:5])
    assert "一小时后" in answers[5]


async def test_restart_works_on_what_was_left_open(house: House) -> None:
    from crm_core import inbox
    from crm_core.messages import Address, InboundMessage, Kind

    await house.employee()
    core = house.app.core
    message = InboundMessage(Address("dingtalk", "staff-小王"), "crashed:1", Kind.TEXT, core.clock.now(), text="帮助")
    await core.db.run(inbox.record(core, message))
    await house.app.stop()
    # Where several processes serve one database the lease of the dead one must have ended.
    await Message.filter(key=message.key).update(lease_until=core.clock.now())
    await house.restart()
    await until(lambda: [e for e in house.simulator.dingtalk.received("staff-小王") if "直接说一句话就行" in e.text])
