"""A customer in WeCom's customer service, from the code on a poster to a reopened window, with everything going wrong."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from bot.channels.wecom_kf.positions import Positions
from bot.simulator.records import ChatEntry
from crm_core.accounts import Account, PersonKind
from crm_core.conversations import Message
from crm_core.db import Database
from crm_core.leads import Lead
from crm_core.messages import Address, Body
from crm_core.state import DatabaseState
from tests.house import House
from tests.waiting import until

SYNC = "/wecom/cgi-bin/kf/sync_msg"
SEND = "/wecom/cgi-bin/kf/send_msg"
ON_EVENT = "/wecom/cgi-bin/kf/send_msg_on_event"
NAMES = "/wecom/cgi-bin/kf/customer/batchget"


@pytest_asyncio.fixture
async def house(db: Database, tmp_path: Path) -> AsyncIterator[House]:
    made = await House(db, tmp_path, kf=True).start()
    yield made
    await made.stop()


async def received(house: House, person: str, words: str, count: int = 1) -> list[ChatEntry]:
    def look() -> list[ChatEntry]:
        return [entry for entry in house.simulator.kf.received(person) if words in entry.text]

    return await until(lambda: found if len(found := look()) >= count else [], within=15)


def answers(house: House) -> "tuple[str, str]":
    told = house.app.core.settings.answers
    return told.welcome, told.default


async def test_handshake(house: House) -> None:
    assert await house.simulator.kf.handshake()


async def test_from_scene_to_answer_and_the_seller_is_told(house: House) -> None:
    kf, dingtalk = house.simulator.kf, house.simulator.dingtalk
    welcome, default = answers(house)
    seller = await house.employee()
    person = kf.make_person()

    assert (await kf.customer_enters(person, "expo", "stand%3D7")).accepted
    (greeted,) = await received(house, person, welcome)
    assert greeted.via == "event"
    lead = await until(lambda: Lead.get_or_none(source="expo"))
    assert lead.name == kf.state.customer(person).nickname
    account = await Account.get(channel="kf", external_id=person)
    assert (account.person_kind, account.person_id) == (PersonKind.CUSTOMER.value, lead.person_id)

    assert f"已领取：{lead.name}" in (await dingtalk.say("staff-小王", f"领取 {lead.name}")).text
    await kf.customer_sends(person, "网关多少钱一台")
    (answer,) = await received(house, person, default)
    assert answer.via == "custom"
    await until(lambda: [e for e in dingtalk.received("staff-小王") if "网关多少钱一台" in e.text], within=10)

    # Coming again makes nothing new, and no second welcome: the platform gives no code.
    await kf.customer_enters(person, "another")
    await kf.customer_sends(person, "再问一下")
    await received(house, person, default, count=2)
    assert await Lead.all().count() == 1
    assert len([e for e in kf.received(person) if e.text == welcome]) == 1
    assert (await Lead.get(id=lead.id)).owner_id == seller.id
    assert house.simulator.complaints == []


async def test_first_words_without_entering_make_account_and_lead(house: House) -> None:
    kf, person = house.simulator.kf, house.simulator.kf.make_person()
    await kf.customer_sends(person, msgtype="image", image={"media_id": "M1"})
    await received(house, person, answers(house)[1])
    assert await Lead.all().count() == await Account.filter(channel="kf").count() == 1
    (row,) = await Message.filter(channel="kf", direction="in", kind="image")
    assert row.account_id is not None


async def test_window_closes_and_reopens_and_what_was_kept_comes_along(house: House) -> None:
    kf, core = house.simulator.kf, house.app.core
    person = kf.make_person()
    await kf.customer_sends(person, "在吗")
    await received(house, person, answers(house)[1])
    account = await Account.get(channel="kf", external_id=person)
    for number in range(2, 8):
        text = f"第{number}条"
        await core.outbox.put(Address("kf", person), Body(text=text), key=f"test:{number}", account_id=account.id)
    await received(house, person, "第5条")
    await until(lambda: Message.filter(channel="kf", status="kept").count())
    assert len(kf.received(person)) == 5
    assert house.simulator.records.refusals == {}  # we counted ourselves, the platform never had to refuse

    await kf.customer_sends(person, "还在")
    await received(house, person, "第6条")
    await received(house, person, "第7条")
    assert kf.doubles() == {} or list(kf.doubles().values()) == [2]  # the default answer alone may come twice


async def test_window_the_platform_closed_first_is_believed(house: House) -> None:
    kf, core = house.simulator.kf, house.app.core
    person = kf.make_person()
    await kf.customer_sends(person, "在吗")
    await received(house, person, answers(house)[1])
    account = await Account.get(channel="kf", external_id=person)
    kf.state.customer(person).used = 5
    await core.outbox.put(Address("kf", person), Body(text="报价单"), key="test:1", account_id=account.id)
    await until(lambda: Message.filter(key="test:1", status="kept").count())
    await kf.customer_sends(person, "回来了")
    await received(house, person, "报价单")


async def test_send_that_fails_later_is_failed(house: House) -> None:
    kf, person = house.simulator.kf, house.simulator.kf.make_person()
    kf.fail_next_send(10)
    await kf.customer_sends(person, "在吗")
    (row,) = await until(lambda: Message.filter(channel="kf", direction="out", status="failed"))
    assert row.reason == "user_blocked"
    assert kf.received(person) == []


async def test_agent_and_session_events(house: House) -> None:
    kf, person = house.simulator.kf, house.simulator.kf.make_person()
    await kf.customer_sends(person, "在吗")
    await received(house, person, answers(house)[1])
    await kf.agent_takes_over(person)
    await kf.servicer_changes("kefu-li")
    await kf.agent_sends(person, "我来帮您看")
    said = await until(lambda: Message.filter(text="我来帮您看"))
    assert [(row.direction, row.status, row.topic) for row in said] == [("out", "sent", "servicer")]
    await kf.end_session(person)
    await received(house, person, house.app.core.settings.answers.session_end)
    await kf.customer_switches(person, True)
    await until(lambda: Account.filter(external_id=person, unfollowed_at__isnull=False).count())
    await kf.customer_switches(person, False)
    await until(lambda: Account.filter(external_id=person, unfollowed_at=None).count())
    assert await Account.filter(channel="kf").count() == 1


async def test_recalled_message_says_so(house: House) -> None:
    kf, person = house.simulator.kf, house.simulator.kf.make_person()
    await kf.customer_sends(person, "说错了")
    row = await until(lambda: Message.get_or_none(text="说错了"))
    await kf.customer_recalls(person, row.external_id)
    await until(lambda: Message.filter(id=row.id, reason="recalled").count())


async def test_nothing_is_lost_or_doubled_by_a_kill_between_batch_and_cursor(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cursor cannot be written (as if the process had been killed there), and the product starts again."""
    kf, people = house.simulator.kf, [house.simulator.kf.make_person() for _ in range(12)]
    kf.state.page = 5
    died = asyncio.Event()

    async def die(self: Positions, cursor: str) -> None:
        died.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as patched:
        patched.setattr(Positions, "move", die)
        for person in people:
            await kf.customer_sends(person, f"我是{person}", push=False)
        await kf.push_event()
        await asyncio.wait_for(died.wait(), 10)
        await house.app.stop()
    await house.restart()
    for person in people:
        await received(house, person, answers(house)[1])
    assert await Message.filter(channel="kf", direction="in", kind="text").count() == len(people)
    assert await Lead.all().count() == len(people)
    assert kf.doubles() == {}


async def test_faults_of_the_platform_cost_nothing(house: House) -> None:
    sim, kf = house.simulator, house.simulator.kf
    sim.faults.add(SYNC, "html", times=1)
    sim.faults.add(SYNC, "status", times=1)
    sim.faults.add(SEND, "html_after", times=1)
    sim.faults.add(SEND, "reset_after", times=1)
    sim.faults.add_errcode(NAMES, -1, times=None)
    people = [kf.make_person() for _ in range(4)]
    for person in people:
        await kf.customer_sends(person, "有货吗")
    for person in people:
        await received(house, person, answers(house)[1])
    assert kf.doubles() == {}
    await until(lambda: _all_sent(len(people)), within=15)


async def _all_sent(count: int) -> bool:
    return await Message.filter(channel="kf", direction="out", status="sent").count() == count


@pytest.mark.faults  # waits for the time limit of a call
async def test_hanging_platform_is_given_up_and_asked_again(house: House) -> None:
    sim, kf = house.simulator, house.simulator.kf
    sim.faults.add(SYNC, "hang", times=1)
    person = kf.make_person()
    await kf.customer_sends(person, "有货吗")
    await until(lambda: [e for e in kf.received(person) if answers(house)[1] in e.text], within=25)


async def test_lost_event_is_found_by_looking(house: House) -> None:
    kf, person = house.simulator.kf, house.simulator.kf.make_person()
    kf.pushes_events = False
    await kf.customer_sends(person, "有人吗")
    await received(house, person, answers(house)[1])


async def test_pages_without_messages_go_on_and_tokens_run_out(house: House) -> None:
    kf, person = house.simulator.kf, house.simulator.kf.make_person()
    kf.state.empty_pages, kf.state.page = 3, 1
    await kf.customer_sends(person, "一", push=False)
    await kf.customer_sends(person, "二", push=False)
    push = await kf.customer_sends(person, "三")
    kf.state.event_tokens[push.token] = 0.0
    await until(lambda: _count_in(3))
    house.simulator.wecom.state.tokens.expire_all()
    await kf.customer_sends(person, "四")
    await until(lambda: _count_in(4))
    texts = await Message.filter(channel="kf", direction="in", kind="text").order_by("id").values_list("text", flat=True)
    assert list(texts) == ["一", "二", "三", "四"]


async def _count_in(count: int) -> bool:
    return await Message.filter(channel="kf", direction="in", kind="text").count() == count


async def test_what_was_said_before_the_first_start_is_kept_and_not_answered(db: Database, tmp_path: Path) -> None:
    house = House(db, tmp_path, kf=True)
    kf = house.simulator.kf
    await house.simulator.start()
    old, older = kf.make_person(), kf.make_person()
    await kf.customer_enters(old, "poster", ago_seconds=7300)
    await kf.customer_sends(old, "昨天问的", ago_seconds=7200)
    await kf.customer_sends(older, "退订", ago_seconds=2.5 * 86_400)
    await house.restart()
    try:
        await until(lambda: _count_in(2))
        fresh = kf.make_person()
        await kf.customer_sends(fresh, "刚问的")
        await received(house, fresh, answers(house)[1])
        assert kf.received(old) == kf.received(older) == []
        assert await Lead.filter(source="poster").count() == 1
        assert (await Account.get(external_id=older)).opted_out_at is not None
        account = await Account.get(external_id=old)
        assert account.message_window_at is not None  # they may be written to: the window is the platform's
    finally:
        await house.stop()


async def test_name_that_was_not_to_be_had_comes_later(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    kf, person = house.simulator.kf, house.simulator.kf.make_person()
    monkeypatch.setattr("bot.channels.wecom_kf.puller._NAMES_REST_SECONDS", 0.0)
    fault = house.simulator.faults.add(NAMES, "html", times=None)
    await kf.customer_sends(person, "在吗")
    lead = await until(lambda: Lead.get_or_none(channel="kf"))
    assert lead.name.startswith("微信访客")
    house.simulator.faults.clear(fault.path)
    await kf.customer_sends(person, "还在吗")
    await until(lambda: Lead.filter(id=lead.id, name=kf.state.customer(person).nickname).count())


async def test_two_processes_pull_one_account_once(house: House, tmp_path: Path, db: Database) -> None:
    """Two gateways on one database: one pulls at a time, and the other goes on when it is gone."""
    from dataclasses import replace

    from bot.app import App
    from tests.house import settings_for

    kf = house.simulator.kf
    settings = settings_for(house.simulator, tmp_path, kf=True)
    other = App(replace(settings, database=db.settings), db=db, role="gateway")
    await other.start()
    try:
        people = [kf.make_person() for _ in range(10)]
        for number, person in enumerate(people):
            port = (house.app if number % 2 else other).port
            kf.callback_url = f"http://127.0.0.1:{port}/hook/kf"
            await kf.customer_sends(person, "在吗")
        for person in people:
            await received(house, person, answers(house)[1])
    finally:
        await other.stop()
    assert kf.doubles() == {}
    assert await Message.filter(channel="kf", direction="in", kind="text").count() == len(people)


async def test_late_pull_tells_the_owner_and_says_nothing_to_the_customer(house: House) -> None:
    """Fetched after more than 48 h (we were down): the customer may not be written to, the seller has to know."""
    kf, dingtalk = house.simulator.kf, house.simulator.dingtalk
    await house.employee()
    person = kf.make_person()
    await kf.customer_sends(person, "你好")
    await received(house, person, answers(house)[1])
    lead = await Lead.get(channel="kf")
    await dingtalk.say("staff-小王", f"领取 {lead.name}")
    await house.app.stop()
    core, account = house.app.core, f"{kf.corp.corp_id}:{kf.corp.open_kfid}"
    long_ago = (core.clock.now() - timedelta(days=30)).isoformat()
    await DatabaseState(core.db, core.clock).set(f"kf_since:{account}", long_ago, lasts=timedelta(days=1))
    await kf.customer_sends(person, "两天前问的", ago_seconds=50 * 3600, push=False)
    await house.restart()
    await until(lambda: [e for e in dingtalk.received("staff-小王") if "两天前问的" in e.text], within=10)
    assert len(kf.received(person)) == 1
