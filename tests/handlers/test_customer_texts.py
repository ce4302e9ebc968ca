"""Customers: follow makes lead and welcome, a text is answered, consent words come first, the owner is told."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crm_core.accounts import Account
from crm_core.conversations import Message
from crm_core.leads import Lead
from crm_core.messages import Body, Kind
from crm_core.ports import AnswerRule, AnswerSettings, Core
from handlers.pipeline import Pipeline
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
