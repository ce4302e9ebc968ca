"""WeCom, end to end: members work in chat, customers are added, greeted, sent to by their members, and leave."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from campaigns import broadcasts, templates
from campaigns.broadcasts import Recipient
from campaigns.group_sends import GroupSend
from crm_core import employees, segments
from crm_core.access import Role
from crm_core.accounts import Account
from crm_core.activities import FollowUp
from crm_core.conversations import Message
from crm_core.db import Database
from crm_core.employees import Employee
from crm_core.leads import Lead
from scheduler.reminders import Reminder
from tests.factories import SYSTEM
from tests.flows.wecom_house import WeComHouse
from tests.waiting import until

QUIET_NEVER = {"campaigns": {"quiet_from": "03:00", "quiet_until": "03:00", "frequency_cap": 100}}


@pytest_asyncio.fixture
async def house(db: Database, tmp_path: Path) -> AsyncIterator[WeComHouse]:
    made = await WeComHouse(db, tmp_path, **QUIET_NEVER).start()
    yield made  # type: ignore[misc]
    await made.stop()
    assert not made.simulator.wecom.doubles("welcome")
    assert not made.simulator.wecom.doubles("group_send")


async def test_the_callback_address_is_verified(house: WeComHouse) -> None:
    assert await house.simulator.wecom.handshake()


async def test_a_member_binds_and_works_in_chat(house: WeComHouse) -> None:
    wecom = house.simulator.wecom
    wecom.add_member("zhangsan", "张三")
    assert "绑定" in (await wecom.member_says("zhangsan", "公海")).text
    employee = await house.employee("张三")
    await Account.filter(person_id=employee.person_id).delete()
    code = await employees.make_bind_code(house.app.core, SYSTEM, employee.id)
    assert (await wecom.member_says("zhangsan", f"绑定 {code}")).text.startswith("绑定成功：张三（销售）")

    assert (await wecom.member_says("zhangsan", "录入线索 李强 13900001111 买网关")).text
    lead = await Lead.get(name="李强")
    assert lead.owner_id == employee.id
    read_back = (await wecom.member_says("zhangsan", "刚和李强通了电话，嫌贵，下周三下午三点再联系")).text
    assert read_back.startswith("已记：李强，电话")
    assert await FollowUp.filter(subject_id=lead.id).count() == 1

    assert "提醒" in (await wecom.member_says("zhangsan", "明天上午10点提醒我寄样品")).text
    await Reminder.filter(text="寄样品").update(at=house.app.core.clock.now())
    await until(lambda: [e for e in wecom.received("zhangsan") if e.via == "application" and "寄样品" in e.text], within=10)


async def test_a_repeat_is_answered_and_worked_on_once(house: WeComHouse) -> None:
    await house.member("zhangsan", "张三")
    await house.simulator.wecom.deliver("zhangsan", "录入线索 王芳 13900002222", copies=3)
    await until(lambda: Lead.filter(name="王芳").count())
    assert await Lead.filter(name="王芳").count() == 1


async def test_members_messages_of_every_kind_are_taken(house: WeComHouse) -> None:
    await house.member("zhangsan", "张三")
    wecom = house.simulator.wecom
    assert "归到哪位客户" in (await wecom.member_sends_image("zhangsan")).text
    assert "文字" in (await wecom.member_sends_voice("zhangsan")).text
    assert (await wecom.member_enters("zhangsan")).text == ""
    assert (await wecom.member_clicks("zhangsan", "MENU")).text == ""
    kinds = await Message.filter(direction="in").order_by("id").values_list("kind", flat=True)
    assert kinds == ["image", "voice", "event", "event"]


async def test_an_added_contact_is_the_members_lead_and_is_welcomed_once(house: WeComHouse) -> None:
    seller = await house.member("zhangsan", "张三")
    wecom = house.simulator.wecom
    person = await wecom.add_external("zhangsan", "赵六", "store_88")
    account = await Account.get(channel="wecom", external_id=person)
    lead = await Lead.get(person_id=account.person_id)
    assert (account.person_kind, lead.source, lead.owner_id, lead.channel) == ("customer", "store_88", seller.id, "wecom")
    greeting = await until(lambda: wecom.received(person))
    assert [entry.text for entry in greeting] == [house.app.core.settings.answers.welcome]
    await until(lambda: [e for e in wecom.received("zhangsan") if "新客户" in e.text])
    # The name comes with the details, asked for afterwards.
    await until(lambda: Lead.filter(id=lead.id, name="赵六").exists(), within=10)

    await wecom.add_external("zhangsan", "赵六", "other")
    await wecom.customers.add("zhangsan", "赵六", external_userid=person)
    assert await Lead.filter(channel="wecom").count() == 2
    assert await Account.filter(external_id=person).count() == 1


async def test_a_contact_of_nobody_bound_goes_to_the_pool_and_the_manager_is_told(house: WeComHouse) -> None:
    await house.member("boss", "老板", Role.MANAGER)
    person = await house.simulator.wecom.add_external("lisi", "钱七", half=True)
    account = await Account.get(external_id=person)
    assert (await Lead.get(person_id=account.person_id)).owner_id is None
    await until(lambda: [e for e in house.simulator.wecom.received("boss") if "公海" in e.text])


async def test_the_welcome_template_wins_and_a_race_is_tried_again(house: WeComHouse) -> None:
    await house.member("zhangsan", "张三")
    await templates.create_template(house.app.core, SYSTEM, name="欢迎", kind="welcome", body="我是{负责人}，幸会")
    house.simulator.wecom.welcomes.races = 2
    person = await house.simulator.wecom.add_external("zhangsan", "赵六")
    assert [e.text for e in await until(lambda: house.simulator.wecom.received(person), within=10)] == ["我是张三，幸会"]


async def test_a_welcome_never_leaves_after_its_code_ended(house: WeComHouse) -> None:
    await house.member("zhangsan", "张三")
    house.simulator.wecom.welcomes.races = 10_000
    person = await house.simulator.wecom.add_external("zhangsan", "赵六")
    calls = house.simulator.wecom.calls
    path = "/wecom/cgi-bin/externalcontact/send_welcome_msg"
    await until(lambda: calls(path))
    await Message.filter(topic="welcome").update(expires_at=house.app.core.clock.now(), not_before=house.app.core.clock.now())
    await until(lambda: Message.filter(topic="welcome", status="expired").exists(), within=10)
    assert house.simulator.wecom.received(person) == []


async def test_leaving_and_deleting_are_noted_and_the_owner_told(house: WeComHouse) -> None:
    await house.member("zhangsan", "张三")
    wecom = house.simulator.wecom
    person = await wecom.add_external("zhangsan", "赵六")
    await wecom.customers.add("lisi", "赵六", external_userid=person)
    await wecom.external_leaves("lisi", person)
    assert (await Account.get(external_id=person)).unfollowed_at is None  # the other member still has them
    await wecom.remove_external("zhangsan", person)
    assert (await Account.get(external_id=person)).unfollowed_at is not None
    assert len(await until(lambda: [e for e in wecom.received("zhangsan") if "客户流失" in e.text][1:])) == 1
    before = (await Account.get(external_id=person)).followed_at
    await Account.filter(external_id=person).update(unfollowed_at=before)
    assert await Lead.filter(channel="wecom").count() == 1


async def test_a_failed_transfer_is_told_to_the_manager(house: WeComHouse) -> None:
    boss = await house.member("boss", "老板", Role.MANAGER)
    await house.member("zhangsan", "张三")
    await house.member("lisi", "李四", manager_id=boss.id)
    person = await house.simulator.wecom.add_external("zhangsan", "赵六")
    await house.simulator.wecom.customers.fail_transfer("lisi", person)
    told = await until(lambda: [e for e in house.simulator.wecom.received("boss") if "转接失败" in e.text])
    assert "李四" in told[0].text
    assert "客户拒绝" in told[0].text


async def test_a_member_who_leaves_the_corporation_has_no_rights(house: WeComHouse) -> None:
    await house.member("zhangsan", "张三")
    await house.member("admin", "管理员", Role.ADMIN)
    assert "公海" in (await house.simulator.wecom.member_says("zhangsan", "公海")).text
    await house.simulator.wecom.quit("zhangsan")
    assert (await Account.get(external_id="zhangsan")).person_kind == "stranger"
    await until(lambda: [e for e in house.simulator.wecom.received("admin") if "张三已离开组织" in e.text])


async def broadcast_to_everybody(house: WeComHouse, body: str) -> int:
    core = house.app.core
    segment = await segments.create_segment(core, SYSTEM, name="线索", conditions={"kind": "lead"})
    template = await templates.create_template(core, SYSTEM, name="t", kind="text", body=body)
    made = await broadcasts.create(core, SYSTEM, name="群发", segment_id=segment.id, template_id=template.id, channel="wecom")
    return int((await broadcasts.approve(core, SYSTEM, made.id)).id)


async def statuses(broadcast_id: int) -> list[str]:
    return sorted(await Recipient.filter(broadcast_id=broadcast_id).values_list("status", flat=True))


async def test_a_broadcast_is_one_task_a_sender_and_its_results_come_back(house: WeComHouse) -> None:
    for user_id, name in (("zhangsan", "张三"), ("lisi", "李四")):
        await house.member(user_id, name)
    wecom = house.simulator.wecom
    hers = [await wecom.add_external("zhangsan", f"客户{n}") for n in range(3)]
    his = [await wecom.add_external("lisi", f"顾客{n}") for n in range(2)]
    wecom.state.relations.disconnect("zhangsan", hers[0])  # the platform knows better than we do: fail_list
    number = await broadcast_to_everybody(house, "新品到货")
    await until(lambda: _all_in(number, "failed", "handed_over"), within=15)
    assert await statuses(number) == ["failed"] + ["handed_over"] * 4
    tasks = {task.sender: task.external_id for task in await GroupSend.filter(broadcast_id=number)}
    assert set(tasks) == {"zhangsan", "lisi"}
    assert not [e for e in wecom.received(his[0]) if e.via == "group_send"]

    wecom.state.relations.disconnect("lisi", his[1])
    assert wecom.member_confirms(tasks["lisi"]) == 1
    await GroupSend.all().update(next_check_at=house.app.core.clock.now())
    await until(lambda: _all_in(number, "failed", "handed_over", "sent"), within=15)
    both_told = Recipient.filter(broadcast_id=number, reason="not_friend")  # what a result says comes person by person
    await until(both_told.exists, within=15)
    await until(Recipient.filter(broadcast_id=number, status="sent").exists, within=15)
    assert await statuses(number) == ["failed", "failed", "handed_over", "handed_over", "sent"]
    assert (await Recipient.get(broadcast_id=number, reason="not_friend")).status == "failed"
    assert await house.channel.group_sends.remind(house.app.core, number) == 1


async def _all_in(number: int, *allowed: str) -> bool:
    found = await statuses(number)
    return bool(found) and set(found) <= set(allowed)


async def test_personal_texts_are_tasks_of_their_own(house: WeComHouse) -> None:
    await house.member("zhangsan", "张三")
    people = [await house.simulator.wecom.add_external("zhangsan", f"客户{n}") for n in range(2)]
    await Lead.filter(channel="wecom").update(name="王芳")
    await Lead.filter(id=(await Lead.first()).id).update(name="李强")
    number = await broadcast_to_everybody(house, "{姓名}您好")
    await until(lambda: _all_in(number, "handed_over"), within=15)
    assert await GroupSend.filter(broadcast_id=number).count() == len(people)


async def test_an_unanswered_task_is_unknown_and_never_made_again(house: WeComHouse) -> None:
    from bot.simulator.faults import FaultKind

    await house.member("zhangsan", "张三")
    await house.simulator.wecom.add_external("zhangsan", "赵六")
    path = "/wecom/cgi-bin/externalcontact/add_msg_template"
    house.simulator.faults.add(path, FaultKind.RESET_AFTER)
    number = await broadcast_to_everybody(house, "新品到货")
    await until(lambda: _all_in(number, "unknown"), within=15)
    assert len(house.simulator.wecom.calls(path)) == 1


async def test_a_cancelled_broadcast_takes_its_tasks_back(house: WeComHouse) -> None:
    await house.member("zhangsan", "张三")
    await house.simulator.wecom.add_external("zhangsan", "赵六")
    number = await broadcast_to_everybody(house, "新品到货")
    await until(lambda: _all_in(number, "handed_over"), within=15)
    async with house.app.core.db.transaction():  # else the engine may finish it again in between
        await broadcasts.Broadcast.filter(id=number).update(status="running")
        await broadcasts.cancel(house.app.core, SYSTEM, number)
    await until(lambda: _all_in(number, "cancelled"), within=15)
    (task,) = await GroupSend.filter(broadcast_id=number)
    assert house.simulator.wecom.group_sends.sends.find(task.external_id).cancelled  # type: ignore[union-attr]


async def test_the_directory_binds_by_mobile_and_names_who_is_not_bound(house: WeComHouse) -> None:
    wecom = house.simulator.wecom
    await until(lambda: wecom.calls("/wecom/cgi-bin/department/list"))  # the first run of the periodic
    wecom.add_member("zhangsan", "张三", "13900003333")
    wecom.add_member("wangwu", "王五", "13900004444")
    employee = await house.employee("张三")
    await Employee.filter(id=employee.id).update(mobile="+8613900003333")
    synced = await house.channel.directory.sync(house.app.core)
    assert synced.bound == 1
    assert "wangwu" in {member.user_id for member in synced.unbound}
    assert (await Account.get(channel="wecom", external_id="zhangsan")).person_id == employee.person_id
    assert await Employee.all().count() == 1
    assert (await house.channel.directory.sync(house.app.core)).bound == 0


async def test_contacts_from_before_are_listed_once(house: WeComHouse) -> None:
    seller = await house.member("zhangsan", "张三")
    wecom = house.simulator.wecom
    wecom.callback_url = ""
    for number in range(3):
        await wecom.add_external("zhangsan", f"老客户{number}", "old")
    for _ in range(2):
        assert await house.channel.contacts.sync(house.app.core) == 3
    leads = await Lead.filter(channel="wecom")
    assert sorted(lead.name for lead in leads) == ["老客户0", "老客户1", "老客户2"]
    assert {(lead.owner_id, lead.source) for lead in leads} == {(seller.id, "old")}


async def test_a_contact_way_is_kept_and_its_state_becomes_the_source(house: WeComHouse) -> None:
    await house.member("zhangsan", "张三")
    core, ways = house.app.core, house.channel.ways
    way = await ways.add(core, SYSTEM, state="展会A", user_ids=["zhangsan"])
    person = await house.simulator.wecom.customers.scan(way.config_id, "扫码客户")
    account = await Account.get(external_id=person)
    assert (await Lead.get(person_id=account.person_id)).source == "展会A"
    await ways.change(core, SYSTEM, way.id, state="展会B")
    assert (await house.channel.contact_api.load_contact_way(way.config_id))["state"] == "展会B"
    await ways.remove(core, SYSTEM, way.id)


async def test_nothing_is_over_a_members_limit_and_nothing_is_lost(db: Database, tmp_path: Path) -> None:
    house = await WeComHouse(db, tmp_path, wecom={"member_per_minute": 5}).start()
    try:
        house.simulator.options.wecom_member_per_minute = 5
        await house.member("zhangsan", "张三")
        core = house.app.core
        from crm_core.messages import Address, Body, Guarantee

        for number in range(7):
            await core.outbox.put(
                Address("wecom", "zhangsan"), Body(text=f"通知{number}"), key=f"n{number}", guarantee=Guarantee.AT_LEAST_ONCE
            )
        await until(lambda: _sent(5))
        await until(lambda: _limited(2))
        waiting = await Message.filter(reason="member_limit")
        assert len(waiting) == 2
        assert all(row.not_before >= core.clock.now() + timedelta(seconds=50) for row in waiting)
        assert house.simulator.wecom.count_dropped() == 0
    finally:
        await house.stop()


async def _limited(count: int) -> bool:
    return await Message.filter(reason="member_limit", status="queued").count() == count


async def _sent(count: int) -> bool:
    return await Message.filter(status="sent", direction="out").count() == count


@pytest.mark.parametrize("said", ["好的", "收到"])
async def test_equal_messages_both_arrive(house: WeComHouse, said: str) -> None:
    from crm_core.messages import Address, Body, Guarantee

    await house.member("zhangsan", "张三")
    for number in range(2):
        await house.app.core.outbox.put(
            Address("wecom", "zhangsan"), Body(text=said), key=f"{said}{number}", guarantee=Guarantee.AT_LEAST_ONCE
        )
    await until(lambda: len(house.simulator.wecom.received("zhangsan")) == 2)


async def test_a_reminder_is_a_card_whose_buttons_work_once(house: WeComHouse) -> None:
    await house.member("zhangsan", "张三")
    wecom = house.simulator.wecom
    await wecom.member_says("zhangsan", "明天上午10点提醒我寄样品")
    await Reminder.filter(text="寄样品").update(at=house.app.core.clock.now())
    cards = await until(lambda: [e for e in wecom.received("zhangsan") if e.kind == "template_card"], within=10)
    assert "寄样品" in cards[0].text
    pressed = await wecom.member_presses_card("zhangsan", "1")
    assert pressed.reply is not None
    assert pressed.reply.kind in ("update_button", "text")
    assert (await Reminder.get(text="寄样品")).status == "done"
    again = await wecom.member_presses_card("zhangsan", "1")
    assert again.reply is not None
    # In the same second it is the same event, answered as before; later the buttons are used up.
    assert again.text in ("已处理", pressed.text)
