"""Customers: follow makes lead and welcome, a text is answered, consent words come first, the owner is told."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crm_core import assignment, departments, pools
from crm_core.access import Role
from crm_core.accounts import Account
from crm_core.audit import AuditEntry, AuditValues
from crm_core.conversations import Message
from crm_core.distribution_rules import AssignmentRule, AssignmentSettings, DistributionRule, DistributionSettings
from crm_core.leads import Lead
from crm_core.messages import Address, Body, Kind
from crm_core.ports import AnswerRule, AnswerSettings, Core
from handlers.pipeline import Pipeline
from scheduler.jobs import lead_chain
from tests.factories import SYSTEM, make_actor
from tests.fakes import FakeClock
from tests.handlers.conftest import Talker, staff


async def test_follow_makes_one_account_one_lead_and_a_welcome(core: Core, customer: Talker) -> None:
    answer = await customer.says("", kind=Kind.EVENT, event="subscribe", data={"scene": "expo2026"})
    assert answer == core.settings.answers.welcome
    account = await Account.get(channel="wechat", external_id="oCustomer1")
    lead = await Lead.get(person_id=account.person_id)
    assert (account.person_kind, lead.source, lead.channel, lead.owner_id) == ("customer", "expo2026", "wechat", None)
    await customer.says("", kind=Kind.EVENT, event="subscribe", data={"scene": "other"})
    assert await Account.all().count() == await Lead.all().count() == 1


async def test_text_of_somebody_new_makes_a_lead_too(core: Core, customer: Talker) -> None:
    assert await customer.says("你好，想咨询") == core.settings.answers.default
    assert await Lead.all().count() == 1


async def test_keyword_gives_its_answer(core: Core, pipeline: Pipeline, customer: Talker) -> None:
    rules = AnswerSettings(keywords=(AnswerRule(("价格", "多少钱"), "报价单已为您准备"),))
    customer.core = replace(core, settings=replace(core.settings, answers=rules))
    assert await customer.says("这个 多少 钱？") == "报价单已为您准备"
    assert await customer.says("在吗") == rules.default


async def test_owner_is_told_in_dingtalk(core: Core, pipeline: Pipeline, customer: Talker) -> None:
    owner = await staff(core, pipeline, "小王")
    await customer.says("你好")
    await Lead.all().update(owner_id=owner.employee.id, name="张伟")
    await customer.says("什么时候发货")
    notice = await Message.get(direction="out", channel="dingtalk")
    assert (notice.external_account, notice.text, notice.guarantee) == (
        "staff-小王",
        "【客户消息】张伟：什么时候发货",
        "at_least_once",
    )


@pytest.mark.parametrize("word", ["退订", "TD", "td", "ＴＤ", " T D "])
async def test_opt_out_words_are_confirmed_and_come_first(core: Core, customer: Talker, word: str) -> None:
    assert await customer.says(word) == core.settings.answers.opt_out
    assert (await Account.get(external_id="oCustomer1")).opted_out_at is not None


async def test_single_t_opts_out_only_after_a_broadcast(core: Core, clock: FakeClock, customer: Talker) -> None:
    assert await customer.says("T") == core.settings.answers.default
    await Account.all().update(last_broadcast_at=clock.now())
    clock.advance(timedelta(hours=49))
    assert await customer.says("T") == core.settings.answers.default
    await Account.all().update(last_broadcast_at=clock.now() - timedelta(hours=47))
    assert await customer.says("t") == core.settings.answers.opt_out


async def test_older_follow_cannot_undo_a_newer_unfollow(core: Core, clock: FakeClock, customer: Talker) -> None:
    await customer.says("你好")
    old = customer.message("", kind=Kind.EVENT, event="subscribe")
    clock.advance(60)
    await customer.says("", kind=Kind.EVENT, event="unsubscribe")
    await customer.sends(old)
    account = await Account.get(external_id="oCustomer1")
    assert account.unfollowed_at is not None
    assert account.followed_at is None


async def test_event_kinds_nobody_knows_are_kept_and_silent(core: Core, customer: Talker) -> None:
    assert await customer.says("", kind=Kind.EVENT, event="brand_new_event") == ""
    assert await Message.filter(kind="event", status="done", outcome="silent").count() == 1


async def test_kept_answers_are_given_with_the_next_message(core: Core, customer: Talker) -> None:
    await customer.says("你好")
    account = await Account.get(external_id="oCustomer1")
    for number, status in enumerate(("kept", "unknown")):
        await core.outbox.put(
            account.address, Body(text=f"迟到的回复{number}"), key=f"late{number}", account_id=account.id, topic="reply"
        )
        await Message.filter(key=f"late{number}").update(status=status)
    await Account.all().update(waiting_count=2)
    assert await customer.says("在吗") == f"迟到的回复0\n迟到的回复1\n{core.settings.answers.default}"
    assert await customer.says("在吗") == core.settings.answers.default
    assert (await Message.get(key="late0")).status == "answered"
    assert (await Message.get(key="late1")).status == "unknown"


@pytest.mark.parametrize("wish", ["退订吧，别再发了", "怎么退订", "TD 退订", "不要再发了", "我要取消退订"])
async def test_a_sentence_about_opting_out_tells_the_word_and_changes_nothing(core: Core, customer: Talker, wish: str) -> None:
    assert await customer.says("你好")
    assert await customer.says(wish) == core.settings.answers.opt_out_hint
    assert (await Account.get(external_id="oCustomer1")).opted_out_at is None


@pytest.mark.parametrize("word", ["订阅", "重新订阅", "取消退订。", " 恢复订阅 "])
async def test_who_opted_out_opts_in_by_a_word_which_is_kept(core: Core, clock: FakeClock, customer: Talker, word: str) -> None:
    await customer.says("退订")
    await customer.says("", kind=Kind.EVENT, event="unsubscribe")
    await customer.says("", kind=Kind.EVENT, event="subscribe")
    assert (await Account.get(external_id="oCustomer1")).opted_out_at is not None
    assert await customer.says(word) == core.settings.answers.opt_in
    account = await Account.get(external_id="oCustomer1")
    assert (account.opted_out_at, account.consent_changed_at) == (None, clock.now())
    entry = await AuditEntry.get(action="consent.opt_in", object_kind="accounts", object_id=account.id)
    kept = (await AuditValues.get(entry_id=entry.id)).after
    assert "wechat" in kept
    assert word.strip(" 。") in kept
    assert clock.now().isoformat() in kept


async def test_an_older_opt_in_cannot_undo_a_newer_opt_out(core: Core, clock: FakeClock, customer: Talker) -> None:
    await customer.says("你好")
    old = customer.message("重新订阅")
    clock.advance(60)
    await customer.says("退订")
    await customer.sends(old)
    assert (await Account.get(external_id="oCustomer1")).opted_out_at is not None


async def test_follow_in_the_second_of_the_unfollow_counts(core: Core, customer: Talker) -> None:
    for event in ("subscribe", "unsubscribe", "subscribe"):
        await customer.says("", kind=Kind.EVENT, event=event)
    account = await Account.get(external_id="oCustomer1")
    assert (account.unfollowed_at, account.followed_at) == (None, core.clock.now())
    await customer.says("", kind=Kind.EVENT, event="unsubscribe")
    assert (await Account.get(external_id="oCustomer1")).unfollowed_at is not None


async def test_who_writes_is_not_unfollowed(core: Core, clock: FakeClock, customer: Talker) -> None:
    await customer.says("", kind=Kind.EVENT, event="subscribe")
    old = customer.message("在吗")
    clock.advance(1)
    await customer.says("", kind=Kind.EVENT, event="unsubscribe")
    await customer.sends(old)
    assert (await Account.get(external_id="oCustomer1")).unfollowed_at is not None
    clock.advance(1)
    await customer.says("在吗")
    assert (await Account.get(external_id="oCustomer1")).unfollowed_at is None


@pytest.mark.parametrize(
    "words", ["13912345678", "我的电话：139-1234-5678，谢谢", "打 +86 139 1234 5678 找我", "１３９１２３４５６７８"]
)
async def test_a_number_said_is_kept_on_the_lead(core: Core, customer: Talker, words: str) -> None:
    await customer.says("你好")
    await customer.says(words)
    lead = await Lead.get()
    assert lead.mobile == "+8613912345678"
    entry = await AuditEntry.get(action="lead.update", object_kind="leads", object_id=lead.id)
    assert (entry.actor, entry.employee_id) == ("chat", None)
    assert '"source": "chat"' in (await AuditValues.get(entry_id=entry.id)).after
    await customer.says("换成13800138000")
    assert (await Lead.get()).mobile == "+8613912345678"


@pytest.mark.parametrize("words", ["订单号139123456789012", "12912345678", "数量 139"])
async def test_other_digits_are_no_number(core: Core, customer: Talker, words: str) -> None:
    await customer.says(words)
    assert (await Lead.get()).mobile is None


async def test_those_who_look_after_the_pool_are_told_of_later_messages_without_a_flood(
    core: Core, clock: FakeClock, pipeline: Pipeline, customer: Talker
) -> None:
    await staff(core, pipeline, "老周", Role.MANAGER)
    await customer.says("", kind=Kind.EVENT, event="subscribe")
    await lead_chain.run(core)
    await Message.filter(direction="out").delete()
    for words in ("你好", "在吗", "我的电话13912345678"):
        await customer.says(words)
        clock.advance(5)
    first, later = await Message.filter(direction="out", channel="dingtalk").order_by("id")
    assert "：你好" in first.text
    assert "我的电话139****5678" in later.text
    assert (first.not_before <= clock.now(), later.not_before > clock.now()) == (True, True)
    clock.advance(timedelta(minutes=11))
    await Message.filter(direction="out").update(status="sent")
    for words in ("还有人吗", "算了", "那明天再说"):
        await customer.says(words)
        clock.advance(5)
    texts = [row.text.partition("\n")[0] for row in await Message.filter(direction="out", channel="dingtalk").order_by("id")]
    assert len(texts) == 4
    assert texts[2].endswith("还有人吗")
    assert texts[3].endswith("那明天再说")


async def test_who_asks_for_a_human_is_told_of_at_once(core: Core, pipeline: Pipeline, customer: Talker) -> None:
    await staff(core, pipeline, "老周", Role.MANAGER)
    await customer.says("你好")
    await Message.filter(direction="out").delete()
    for words in ("人工", "我要投诉", "转人工"):
        await customer.says(words)
    rows = await Message.filter(direction="out", channel="dingtalk").order_by("id")
    assert rows[0].text.startswith("【公海客户】")
    assert "：人工" in rows[0].text
    assert rows[0].not_before <= core.clock.now()
    assert len(rows) == 2
    assert "：转人工" in rows[1].text


async def test_no_number_reaches_those_who_look_after_the_pool(core: Core, pipeline: Pipeline, customer: Talker) -> None:
    settings = replace(core.settings.pools, notices_to="dingtalk/robot")
    customer.core = replace(core, settings=replace(core.settings, pools=settings))
    boss = await staff(core, pipeline, "老周", Role.MANAGER)
    words = "我" * 197 + "13800138000"
    await customer.sends(replace(customer.message(words), nickname="李姐13700137000"))
    await lead_chain.run(customer.core)
    await customer.says(words)
    rows = await Message.filter(direction="out", channel="dingtalk").order_by("id")
    texts = [row.text for row in rows]
    assert [text[:5] for text in texts if text.startswith("【新线索】")]
    assert [text for text in texts if text.startswith("【公海客户】李姐137****7000：我")]
    texts.append(await boss.says("公海"))
    for text in texts:
        assert "李姐137****7000" in text
        assert "13700137000" not in text
        assert "13800" not in text
        assert "领取 李姐" not in text
    assert "回复“公海”" in texts[0]
    assert "已领取：李姐13700137000" in await boss.says("领取 1")


async def test_a_waiting_notice_ends_with_the_claim(core: Core, clock: FakeClock, pipeline: Pipeline, customer: Talker) -> None:
    await staff(core, pipeline, "老周", Role.MANAGER)
    other = Talker(core, pipeline, Address("wechat", "oCustomer2"))
    for words in ("你好", "急不急", "预算三百万"):
        await customer.says(words)
        await other.says(words)
        await lead_chain.run(core)
        clock.advance(20)
    lead, kept = await Lead.all().order_by("id")
    actor = await make_actor(core, "小李")
    await pools.claim(core, actor, lead.id)
    later = Message.filter(direction="out", not_before__gt=clock.now()).order_by("id")
    assert await later.values_list("status", "reason") == [("cancelled", "lead_owned"), ("queued", "")]
    await assignment.assign(core, SYSTEM, [kept.id], actor.employee_id or 0)
    assert await later.values_list("status", flat=True) == ["cancelled", "cancelled"]


async def test_of_somebody_new_there_is_one_notice_with_what_they_said_by_then(
    core: Core, clock: FakeClock, pipeline: Pipeline, customer: Talker
) -> None:
    await staff(core, pipeline, "老周", Role.MANAGER)
    for words in ("你好", "想要20台网关"):
        await customer.says(words)
    assert not await Message.filter(direction="out", channel="dingtalk").exists()
    assert await lead_chain.run(core) == 1
    name = (await Lead.get()).name
    (told,) = await Message.filter(direction="out", channel="dingtalk")
    assert told.text == f"【新线索】{name}（来源：wechat）已进入公海：想要20台网关\n回复“领取 {name}”即可领取"
    await Lead.all().update(chained_at=None)
    assert await lead_chain.run(core) == 1  # a killed run begins anew, and nobody is told twice
    assert await Message.filter(direction="out", channel="dingtalk").count() == 1


async def test_whoever_is_asked_is_told_and_nobody_else(core: Core, pipeline: Pipeline, customer: Talker) -> None:
    rule = AssignmentSettings(rules=(AssignmentRule("轮流"),))
    asking = replace(core, settings=replace(core.settings, assignment=rule))
    await staff(core, pipeline, "老周", Role.MANAGER)
    seller = await staff(core, pipeline, "小王")
    await customer.says("想要20台网关")
    await lead_chain.run(asking)
    await customer.says("有人吗")
    number = (await Lead.get()).id
    rows = await Message.filter(direction="out", channel="dingtalk").order_by("id")
    assert [row.external_account for row in rows] == ["staff-小王", "staff-小王"]
    assert rows[0].text.startswith(f"新线索 #{number}：")
    assert rows[1].text.endswith(f"：有人吗\n回复“接受 #{number}”或“拒绝 #{number}”")
    assert "已接受" in await seller.says("接受")
    assert (await Lead.get()).owner_id == seller.employee.id


async def test_managers_are_told_of_what_nobody_took_and_of_their_own_unit_alone(
    core: Core, pipeline: Pipeline, customer: Talker
) -> None:
    rules = DistributionSettings(rules=(DistributionRule("全部", "华东部"),))
    placing = replace(core, settings=replace(core.settings, distribution=rules))
    east, south = [await departments.add(core, SYSTEM, name=name) for name in ("华东部", "华南部")]
    await staff(core, pipeline, "林东", Role.MANAGER, department_id=east.id)
    await staff(core, pipeline, "林南", Role.MANAGER, department_id=south.id)
    await customer.says("想要20台网关")
    await lead_chain.run(placing)
    await customer.says("有人吗")
    told = await Message.filter(direction="out", channel="dingtalk").order_by("id")
    assert [(row.external_account, row.text[:6]) for row in told] == [
        ("staff-林东", "【新线索】微"),
        ("staff-林东", "【公海客户】"),
    ]
    rule = AssignmentSettings(rules=(AssignmentRule("轮流"),))
    other = Talker(core, pipeline, Address("wechat", "oCustomer2"))
    await other.says("要报价")
    await lead_chain.run(replace(placing, settings=replace(placing.settings, assignment=rule)))
    (row,) = await Message.filter(direction="out", channel="dingtalk", id__gt=told[-1].id)
    assert row.external_account == "staff-林东"
    assert "没有人接：单位里没有可分配的在职销售" in row.text
