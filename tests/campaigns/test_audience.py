"""The preview: everybody counted, each left-out one with its reason, and what the real run then does."""

from datetime import timedelta

import pytest

from campaigns import audience, broadcasts, engine, results
from campaigns.audience import Sample
from campaigns.broadcasts import Recipient
from crm_core import conversion
from crm_core.access import Role
from crm_core.accounts import Account
from crm_core.customers import add_contact, add_customer
from crm_core.errors import Refused
from tests.campaigns.conftest import make_broadcast, make_followers, windowed
from tests.factories import SYSTEM, make_actor, make_customer_account, make_lead


async def test_the_preview_tells_reach_reasons_and_samples_and_the_run_does_the_same(core, marketer, clock):
    core = windowed(core)
    now = clock.now()
    made = await make_followers(core, 10, message_window_at=now)
    for (_, account), values in zip(
        made[:4],
        [
            {"opted_out_at": now},
            {"unfollowed_at": now},
            {"message_window_at": now - timedelta(hours=49)},
            {"message_window_used": 5},
        ],
        strict=True,
    ):
        await account.change(core, **values)
    await make_lead(core, "没有账号")
    await make_lead(core, "另一渠道", wechat_id="zhangwei_88")
    draft = await make_broadcast(core, marketer)
    seen = await audience.preview(core, marketer, draft.id)
    assert seen.total == 12
    assert seen.suppressed == {"no_account": 2, "opted_out": 1, "unfollowed": 1, "window_closed": 2}
    assert [each.text for each in seen.samples] == [f"{lead.name}，新品到了" for lead, _ in made[4:7]]
    assert seen.samples[0] == Sample(made[4][0].person_id, f"{made[4][0].name}，新品到了")
    await broadcasts.approve(core, marketer, draft.id)
    await engine.run(core)
    assert await results.counts(core, draft.id) == {"planned": 6, "suppressed": 6}
    assert await results.reasons(core, draft.id) == seen.suppressed


async def test_rich_conditions_preview_whom_the_run_draws(core, marketer, clock):
    made = await make_followers(core, 6)
    for number, (lead, _) in enumerate(made):
        await lead.change(core, score=number * 20, region="上海" if number % 2 else "北京")
    condition = {"any": [{"field": "score", "is": ">=", "value": 80}, {"not": {"region": "上海"}}], "kind": "lead"}
    draft = await make_broadcast(core, marketer, conditions=condition)
    assert (await audience.preview(core, marketer, draft.id)).total == 4
    await broadcasts.approve(core, marketer, draft.id)
    await engine.run(core)
    drawn = await Recipient.filter(broadcast_id=draft.id).order_by("person_id").values_list("person_id", flat=True)
    assert list(drawn) == [made[number][0].person_id for number in (0, 2, 4, 5)]


async def test_nobody_selected_is_an_empty_preview(core, marketer):
    draft = await make_broadcast(core, marketer)
    seen = await audience.preview(core, marketer, draft.id)
    assert (seen.total, seen.samples, dict(seen.suppressed)) == (0, (), {})


async def test_an_event_window_lets_through_as_well(core, marketer, clock):
    core = windowed(core)
    await make_followers(core, 1, event_window_at=clock.now())
    draft = await make_broadcast(core, marketer)
    assert not (await audience.preview(core, marketer, draft.id)).suppressed
    clock.advance(61)
    assert (await audience.preview(core, marketer, draft.id)).suppressed == {"window_closed": 1}


async def test_contacts_are_addressed_by_their_own_record(core, marketer):
    sales = await make_actor(core, "小王")
    customer = await add_customer(core, sales, name="东风机械厂")
    contact = await add_contact(core, sales, name="王建国", title="总经理", customer_id=customer.id)
    lead = await make_lead(core, "李娜", company="甲公司", owner_id=sales.employee_id)
    person = await make_lead(core, "赵敏", owner_id=sales.employee_id)
    await conversion.convert(core, SYSTEM, person.id)
    for number, person_id in enumerate((contact.person_id, lead.person_id, person.person_id)):
        await Account.add(core, channel="wechat", external_id=f"o{number}", person_kind="customer", person_id=person_id)
    everyone = await make_broadcast(core, marketer, body="{称呼}｜{公司}｜{负责人}", conditions={"inactive_days": 1})
    core.clock.advance(timedelta(days=2))
    texts = [each.text for each in (await audience.preview(core, marketer, everyone.id)).samples]
    assert texts == ["王总｜东风机械厂｜小王", "李娜｜甲公司｜小王", "赵敏｜贵公司｜小王"]


async def test_one_of_two_accounts_opted_out_means_the_person_opted_out(core, marketer, clock):
    lead = await make_lead(core)
    await make_customer_account(core, lead, "old", opted_out_at=clock.now())
    await make_customer_account(core, lead, "new")
    draft = await make_broadcast(core, marketer)
    assert (await audience.preview(core, marketer, draft.id)).suppressed == {"opted_out": 1}
    await Account.filter(external_id="old").update(opted_out_at=None, unfollowed_at=clock.now())
    seen = await audience.preview(core, marketer, draft.id)
    assert (seen.total, dict(seen.suppressed)) == (1, {})


async def test_somebody_who_followed_again_is_reached(core, marketer, clock):
    await make_followers(core, 1, unfollowed_at=clock.now(), followed_at=clock.now() + timedelta(seconds=1))
    draft = await make_broadcast(core, marketer)
    assert not (await audience.preview(core, marketer, draft.id)).suppressed


async def test_salespeople_may_not_look(core, marketer):
    draft = await make_broadcast(core, marketer)
    with pytest.raises(Refused):
        await audience.preview(core, await make_actor(core, "小李", Role.SALES), draft.id)
