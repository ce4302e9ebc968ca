"""One unbroken history, page by page, under the rights of its people."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from crm_core import activities, conversion, customers, life_cycles, merging, pools, profiles, stage_moves, timeline
from crm_core.access import Role
from crm_core.activities import subject_of
from crm_core.change_sets import ChangeSet
from crm_core.conversations import Message
from crm_core.errors import Invalid, NotFound, Refused
from crm_core.leads import Lead
from crm_core.life_cycle_rules import LifeCycle
from crm_core.pipeline_rules import PipelineSettings, StageSettings
from crm_core.pool_claims import ViewCapReached
from tests.factories import SYSTEM, make_actor, make_customer_account, make_deal, make_lead


async def say(core, account, text, *, days=0, kind="text", payload="", direction="in"):
    number = await Message.all().count()
    await Message.add(
        core,
        channel="wechat",
        external_account="o",
        account_id=account.id,
        direction=direction,
        kind=kind,
        text=text,
        payload=payload,
        at=core.clock.now() - timedelta(days=days),
        status="done",
        key=f"say{number}",
    )


async def everything(core, limit, **whose):
    found, before = [], None
    while True:
        page = await timeline.page(core, SYSTEM, before=before, limit=limit, **whose)
        found += page.entries
        if page.next is None:
            return found
        before = page.next


async def test_all_that_happened_newest_first(core, clock):
    lead = await make_lead(core, source="展会", need="20台网关")
    account = await make_customer_account(core, lead)
    clock.advance(timedelta(days=1))
    await say(core, account, "", kind="event", payload='{"event":"subscribe"}')
    clock.advance(60)
    await say(core, account, "多少钱")
    await say(core, account, "稍后回复", direction="out")
    clock.advance(60)
    wang = await make_actor(core, "小王")
    await Lead.filter(id=lead.id).update(owner_id=wang.employee_id)
    lead = await Lead.get(id=lead.id)
    await activities.add_follow_up(core, wang, subject_of(lead), method="phone", summary="聊了报价", stage="proposal")
    clock.advance(60)
    customer, contact = await conversion.convert(core, wang, lead.id)
    clock.advance(60)
    await make_deal(core, wang, customer_id=customer.id)
    found = await everything(core, 50, person_id=contact.person_id)
    assert [(entry.kind, entry.text, entry.who) for entry in found] == [
        ("change", "转客户：张伟", "小王"),
        ("follow_up", "电话，聊了报价，方案报价", "小王"),
        ("message", "我方：稍后回复", ""),
        ("message", "客户：多少钱", ""),
        ("event", "关注", ""),
        ("lead", "录入线索（展会），20台网关", ""),
    ]
    whole = await everything(core, 50, customer_id=customer.id)
    assert [entry.kind for entry in whole][:2] == ["stage", "change"]
    assert len(whole) >= len(found)
    assert whole[0].text.startswith("新建")


async def test_pages_meet_without_a_gap_or_a_double_whatever_happens_at_one_instant(core):
    lead = await make_lead(core)
    account = await make_customer_account(core, lead)
    for number in range(7):
        await say(core, account, f"话{number}", days=number // 4)
    for _ in range(5):
        await activities.add_follow_up(core, SYSTEM, subject_of(await Lead.get(id=lead.id)), summary="记")
    whole = await everything(core, 100, person_id=lead.person_id)
    assert len(whole) == 7 + 5 + 1
    for limit in (1, 2, 3, 5):
        assert await everything(core, limit, person_id=lead.person_id) == whole


async def test_the_merged_one_is_asked_for_and_the_surviving_one_answers(core):
    keep, drop = await make_lead(core, "张伟", mobile="13800138000"), await make_lead(core, "张伟")
    await activities.add_follow_up(core, SYSTEM, subject_of(drop), summary="另一条")
    await merging.merge(core, SYSTEM, "lead", keep.id, drop.id)
    found = await everything(core, 50, person_id=drop.person_id)
    assert found == await everything(core, 50, person_id=keep.person_id)
    assert "follow_up" in {entry.kind for entry in found}
    assert any("合并" in entry.text for entry in found)


async def test_only_of_those_one_sees(core):
    wang, li = await make_actor(core, "小王"), await make_actor(core, "小李")
    lead = await make_lead(core, owner_id=wang.employee_id)
    customer = await customers.add_customer(core, wang, name="云帆")
    assert (await timeline.page(core, wang, person_id=lead.person_id)).entries
    for whose in ({"person_id": lead.person_id}, {"customer_id": customer.id}, {"person_id": 424242}):
        with pytest.raises(NotFound):
            await timeline.page(core, li, **whose)
    with pytest.raises(Invalid):
        await timeline.page(core, wang)
    assert (await timeline.page(core, wang, customer_id=customer.id)).entries == ()


async def test_what_happened_is_told_in_words_of_people(core):
    wang = await make_actor(core, "小王")
    rules = replace(
        core.settings.opportunities,
        pipelines=(
            PipelineSettings("kits", "套件", (StageSettings("initial", "摸底", 10), StageSettings("proof", "试用", 50))),
        ),
    )
    core = replace(core, settings=replace(core.settings, opportunities=rules))
    customer, _contact = await conversion.convert(core, wang, (await make_lead(core, owner_id=wang.employee_id)).id)
    deal = await make_deal(core, wang, customer_id=customer.id, pipeline="kits")
    await stage_moves.advance(core, wang, deal.id, reason="试试")
    await life_cycles.set_by_hand(core, wang, customer.id, LifeCycle.LOST, reason="搬走了")
    account = await make_customer_account(core, await Lead.get(customer_id=customer.id))
    await say(core, account, "", kind="event", payload='{"event":"odd_event"}')
    told = {(entry.kind, entry.text) for entry in await everything(core, 50, customer_id=customer.id)}
    assert {("stage", "新建摸底"), ("stage", "推进到试用，试试"), ("event", "事件")} <= told
    assert any(kind == "life_cycle" and text.endswith("→ 流失，搬走了") for kind, text in told)
    assert not [text for _, text in told if re.search("[a-z]{3,}", text)]
    assert not [each.summary for each in await ChangeSet.all() if re.search("[a-z]{3,}", each.summary)]


async def test_what_is_told_of_the_pool_reaches_nobody_before_it_is_claimed(core):
    core = replace(core, settings=replace(core.settings, pools=replace(core.settings.pools, views_a_day=4)))
    wang, boss = await make_actor(core, "小王"), await make_actor(core, "陈经理", Role.MANAGER)
    lead = await make_lead(core, need="电话13800138000，微信zw123，座机010-66668888，a.b@example.cn", wechat_id="weixin_of_z")
    await activities.add_follow_up(
        core, SYSTEM, subject_of(lead), summary="加了weixin_of_z", at=core.clock.now() + timedelta(seconds=1)
    )
    for who in (wang, boss):
        page = await timeline.page(core, who, person_id=lead.person_id, limit=1)
        page = await timeline.page(core, who, person_id=lead.person_id, before=page.next)
        assert page.entries[0].text.endswith("电话138****8000，微信z***，座机010****88，a***")
        card = await profiles.profile(core, who, lead.person_id)
        assert "138****8000" in next(line.value for line in card.lines if line.label == "需求")
        assert not [line for line in card.lines if "weixin_of_z" in line.value]
    await profiles.profile(core, wang, lead.person_id)
    await timeline.page(core, wang, person_id=lead.person_id)
    for verb in (timeline.page, profiles.profile):
        with pytest.raises(ViewCapReached):
            await verb(core, wang, person_id=lead.person_id)
    await pools.claim(core, wang, lead.id)
    assert "13800138000" in (await timeline.page(core, wang, person_id=lead.person_id)).entries[-1].text


async def test_a_token_needs_the_right_to_each_thing_told(core):
    wang = await make_actor(core, "小王")
    lead = await make_lead(core, owner_id=wang.employee_id)
    whole = frozenset(f"{noun}:read" for noun in timeline.TOLD)
    for missing in whole:
        with pytest.raises(Refused):
            await timeline.page(core, wang.narrowed(whole - {missing}), person_id=lead.person_id)
    assert (await timeline.page(core, wang.narrowed(whole), person_id=lead.person_id)).entries
