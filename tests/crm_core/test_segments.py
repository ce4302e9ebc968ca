"""Tags put on and taken off, hand-set ones kept apart; segments saved by those who may."""

import pytest

from crm_core import conversion, pools, segments
from crm_core.access import Actor, Role
from crm_core.audit import AuditEntry
from crm_core.errors import Invalid, NotFound, Refused
from crm_core.leads import LeadNotOwned
from crm_core.segments import Tag, Tagging
from tests.factories import SYSTEM, make_actor, make_lead


async def test_tags_are_kept_once_in_the_order_they_came(core):
    lead = await make_lead(core)
    assert await segments.add_tags(core, SYSTEM, lead.person_id, ["VIP", " 展会 ", "VIP", ""]) == ["VIP", "展会"]
    assert await segments.add_tags(core, SYSTEM, lead.person_id, ["VIP"]) == ["VIP", "展会"]
    assert await Tag.all().count() == 2
    assert await segments.remove_tags(core, SYSTEM, lead.person_id, ["VIP", "没有"]) == ["展会"]
    assert await AuditEntry.filter(action="tag.add").count() == 2


async def test_a_rule_never_takes_off_what_a_hand_put_on(core):
    lead = await make_lead(core)
    await segments.add_tags(core, SYSTEM, lead.person_id, ["活跃", "VIP"], manual=False)
    await segments.add_tags(core, SYSTEM, lead.person_id, ["VIP"])
    await segments.add_tags(core, SYSTEM, lead.person_id, ["VIP"], manual=False)
    assert await segments.remove_tags(core, SYSTEM, lead.person_id, ["VIP", "活跃"], manual=False) == ["VIP"]
    assert (await Tagging.get()).manual is True
    assert await segments.remove_tags(core, SYSTEM, lead.person_id, ["VIP"]) == []


async def test_only_on_people_one_sees(core):
    mine, other = await make_actor(core), await make_actor(core, "小李")
    lead = await make_lead(core, owner_id=mine.employee_id)
    assert await segments.add_tags(core, mine, lead.person_id, ["VIP"]) == ["VIP"]
    with pytest.raises(NotFound):
        await segments.add_tags(core, other, lead.person_id, ["VIP"])
    with pytest.raises(Refused):
        await segments.remove_tags(core, await make_actor(core, "小看", Role.VIEWER), lead.person_id, ["VIP"])


@pytest.mark.parametrize("names", [[], [" "], ["长" * 65]])
async def test_what_is_no_tag_is_refused(core, names):
    lead = await make_lead(core)
    with pytest.raises(Invalid):
        await segments.add_tags(core, SYSTEM, lead.person_id, names)


async def test_segments_are_saved_checked_and_counted(core):
    marketer = await make_actor(core, "小美", Role.MARKETER)
    await make_lead(core, region="上海")
    await make_lead(core, "李娜")
    made = await segments.create_segment(core, marketer, name="上海", conditions={"region": "上海"})
    assert await segments.count_segment(core, marketer, made) == 1
    with pytest.raises(Invalid):
        await segments.create_segment(core, marketer, name="", conditions={})
    with pytest.raises(Invalid):
        await segments.create_segment(core, marketer, name="城市", conditions={"city": "上海"})
    with pytest.raises(Invalid):
        await segments.create_segment(core, Actor(Role.MARKETER, "erp"), name="我的", conditions={"owner": "me"})
    with pytest.raises(Refused):
        await segments.create_segment(core, await make_actor(core), name="上海", conditions={"region": "上海"})


async def test_a_salesperson_claims_a_pool_lead_before_tagging_it(core):
    seller = await make_actor(core)
    lead = await make_lead(core)
    for change in (segments.add_tags, segments.remove_tags):
        with pytest.raises(LeadNotOwned):
            await change(core, seller, lead.person_id, ["VIP"])
    await pools.claim(core, seller, lead.id)
    assert await segments.add_tags(core, seller, lead.person_id, ["VIP"]) == ["VIP"]


async def test_the_owner_of_the_contact_tags_what_was_a_pool_lead(core):
    seller = await make_actor(core)
    lead = await make_lead(core)
    _, contact = await conversion.convert(core, SYSTEM, lead.id)
    await contact.change(core, owner_id=seller.employee_id)
    assert await segments.add_tags(core, seller, lead.person_id, ["VIP"]) == ["VIP"]
