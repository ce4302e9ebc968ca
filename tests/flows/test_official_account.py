"""An Official Account beside its messages: code, menu, mass broadcast with faults, its report, the list of followers."""

from typing import Any

import pytest_asyncio

from bot.channels.wechat_oa.followers import sync
from campaigns import broadcasts, results, templates
from campaigns.broadcasts import Broadcast, Recipient
from campaigns.mass import MassSend
from crm_core import segments
from crm_core.access import Role
from crm_core.accounts import Account
from crm_core.leads import Lead
from tests.factories import SYSTEM
from tests.house import House
from tests.waiting import until

SEND = "/cgi-bin/message/mass/send"
MENU = [
    {"name": "产品", "sub_button": [{"name": "价格", "key": "价格"}, {"name": "官网", "type": "view", "url": "https://e.cn"}]},
    {"name": "联系", "key": "联系"},
]
ANSWERS = {"keywords": [{"words": ["价格"], "answer": "网关每台1200元起。"}]}
QUIET_NEVER = {"quiet_from": "03:00", "quiet_until": "03:00", "frequency_cap": 100}


@pytest_asyncio.fixture
async def house(db: Any, tmp_path: Any) -> Any:
    made = House(db, tmp_path, answers=ANSWERS, campaigns=QUIET_NEVER, wechat={"menu": MENU, "mass_chunk": 24})
    await made.start()
    yield made
    await made.stop()


async def mass_to_all(house: House, text: str = "新品上线，欢迎来看") -> Broadcast:
    core = house.app.core
    segment = await segments.create_segment(core, SYSTEM, name="全部线索", conditions={"kind": "lead"})
    template = await templates.create_template(core, SYSTEM, name="新品", kind="mass", body=text)
    draft = await broadcasts.create(core, SYSTEM, name="新品", segment_id=segment.id, template_id=template.id, channel="wechat")
    return await broadcasts.approve(core, SYSTEM, draft.id)


async def counts(house: House, broadcast: Broadcast) -> dict[str, int]:
    return await results.counts(house.app.core, broadcast.id)


async def test_a_code_is_asked_for_in_chat_and_gives_the_source(house: House) -> None:
    wechat, dingtalk = house.simulator.wechat, house.simulator.dingtalk
    await house.employee("小美", Role.MARKETER)
    assert "正在生成" in (await dingtalk.say("staff-小美", "生成二维码 展会A")).text
    told = await until(lambda: [e.text for e in dingtalk.received("staff-小美") if "已生成" in e.text])
    (ticket,) = wechat.account_api.scenes
    assert told[0].startswith("二维码「展会A」已生成：https://mp.weixin.qq.com/cgi-bin/showqrcode?ticket=gQSim")
    assert wechat.account_api.scenes[ticket] == "展会A"
    await wechat.scan(wechat.make_openid(), "展会A")
    assert await Lead.filter(source="展会A").count() == 1
    again = (await dingtalk.say("staff-小美", "生成二维码 展会A")).text
    assert told[0].partition("：")[2] in again
    assert house.simulator.records.count_calls("/cgi-bin/qrcode/create") == 1
    assert "展会A" in (await dingtalk.say("staff-小美", "我的二维码")).text


async def test_a_tap_on_the_menu_is_answered_by_its_keyword(house: House) -> None:
    wechat = house.simulator.wechat
    account = house.app.channels["wechat"]
    from bot.channels.wechat_oa.menu import menu_tree

    await (await account.api()).create_menu(menu_tree(account.settings.menu))
    person = wechat.make_openid()
    await wechat.follow(person)
    assert (await wechat.tap(person, "价格")).text == "网关每台1200元起。"
    assert (await wechat.tap(person, "联系")).reply.is_empty
    assert (await wechat.tap(person, "官网")).reply.is_empty


async def test_25_people_in_two_chunks_through_a_lost_answer_and_a_restart(house: House) -> None:
    wechat = house.simulator.wechat
    people = [wechat.make_openid() for _ in range(25)]
    for person in people:
        await wechat.follow(person)
    wechat.mass.hold_results = True
    house.simulator.faults.add(SEND, "hang_after")
    broadcast = await mass_to_all(house)
    # The first chunk was carried out and nobody knows: the product ends in the middle of it.
    await until(lambda: wechat.count_received(people[0]) == 2 or None, within=15)
    await house.app.stop()
    await house.restart()

    async def handed_over() -> bool:
        return (await counts(house, broadcast)) == {"handed_over": 25}

    await until(handed_over, within=20)
    got = {person: [e for e in wechat.received(person) if e.via == "mass"] for person in people}
    assert [len(each) for each in got.values()] == [1] * 25
    sizes = [len(call.json["touser"]) for call in house.simulator.records.calls(SEND)]
    assert sorted(set(sizes)) == [2, 23]
    keys = {call.json["clientmsgid"] for call in house.simulator.records.calls(SEND)}
    assert len(keys) == 2
    assert all(len(key.encode()) <= 64 for key in keys)
    assert house.simulator.records.refusals[SEND, "45065"] == 1

    wechat.mass.release_results()
    await house.simulator.settle()

    async def done() -> bool:
        return (await counts(house, broadcast)) == {"sent": 25}

    await until(done, within=15)
    assert {row.status for row in await MassSend.all()} == {"finished"}
    # The platform's helper is nobody's account.
    assert await Account.filter(channel="wechat").count() == 25
    assert house.simulator.complaints == []


async def test_a_report_with_failures_corrects_the_counts(house: House) -> None:
    wechat = house.simulator.wechat
    people = [wechat.make_openid() for _ in range(4)]
    for person in people:
        await wechat.follow(person)
    wechat.state.followers.ensure(people[3]).blocked = True
    broadcast = await mass_to_all(house)

    async def done() -> bool:
        return (await counts(house, broadcast)) == {"sent": 3, "failed": 1}

    await until(done, within=15)
    (failed,) = await Recipient.filter(status="failed")
    assert failed.reason == "failed_at_platform"
    sent = await MassSend.get()
    assert (sent.total_count, sent.sent_count, sent.error_count) == (4, 3, 1)


async def test_one_person_alone_is_reached_by_a_tag_of_the_calls_own(house: House) -> None:
    wechat = house.simulator.wechat
    person = wechat.make_openid()
    await wechat.follow(person)
    broadcast = await mass_to_all(house)

    async def done() -> bool:
        return (await counts(house, broadcast)) == {"sent": 1}

    await until(done, within=15)
    assert [e.text for e in wechat.received(person) if e.via == "mass"] == ["新品上线，欢迎来看"]


async def test_unknown_followers_get_account_and_lead_and_a_second_list_changes_nothing(house: House) -> None:
    wechat, core = house.simulator.wechat, house.app.core
    known = wechat.make_openid()
    await wechat.follow(known, "展会A")
    for number in range(250):
        person = wechat.state.followers.ensure(f"oOld{number:03}")
        person.scene = "门店" if number == 7 else ""
    gone = wechat.make_openid()
    await wechat.follow(gone)
    wechat.state.followers.ensure(gone).subscribed = False
    await Account.filter(external_id=gone).update(
        created_at=core.clock.now().replace(year=2020), followed_at=core.clock.now().replace(year=2020)
    )

    api = await house.app.channels["wechat"].api()
    first = await sync(core, "wechat", api)
    assert (first.seen, first.taken.new_accounts, first.taken.new_leads, first.left) == (251, 250, 250, 1)
    assert await Lead.filter(source="门店").count() == 1
    assert (await Account.get(external_id=gone)).unfollowed_at is not None
    assert wechat.count_received("oOld007") == 0
    second = await sync(core, "wechat", api)
    assert (second.seen, second.taken.new_accounts, second.taken.changed, second.left) == (251, 0, 0, 0)
    assert await Lead.all().count() == 252
