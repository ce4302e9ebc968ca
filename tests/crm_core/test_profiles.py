"""The card of a person: composed, each line with its source, masked for whom it must be."""

import pytest

from crm_core import conversion, profiles, segments
from crm_core.access import Role
from crm_core.customers import Customer
from crm_core.errors import NotFound
from tests.factories import SYSTEM, make_actor, make_customer_account, make_deal, make_lead


async def test_a_contact_with_its_customer_deals_and_lead(core):
    wang = await make_actor(core)
    lead = await make_lead(core, company="云帆", source="展会", mobile="13800138000", owner_id=wang.employee_id)
    await make_customer_account(core, lead, last_inbound_at=core.clock.now())
    customer, contact = await conversion.convert(core, wang, lead.id)
    await Customer.filter(id=customer.id).update(industry="制造业", region="上海")
    await segments.add_tags(core, wang, contact.person_id, ["VIP"])
    await segments.add_tags(core, SYSTEM, contact.person_id, ["高分"], manual=False)
    await make_deal(core, wang, customer_id=customer.id)
    card = await profiles.profile(core, wang, contact.person_id)
    lines = {line.label: (line.value, line.source) for line in card.lines}
    assert (card.name, card.kind) == ("张伟", "contact")
    assert lines["行业"] == ("制造业", f"客户#{customer.id}")
    assert lines["手机"] == ("13800138000", f"联系人#{contact.id}")
    assert lines["来源"] == ("展会", f"线索#{lead.id}")
    assert lines["标签"] == ("VIP", "手动")
    assert lines["系统标签"] == ("高分", "标签规则")
    assert lines["商机"][0] == "进行中1个"
    assert lines["渠道"][0].startswith("wechat，可主动发消息，最近来消息2026-11-25")
    assert "最近" in lines


async def test_numbers_are_masked_in_groups_and_for_viewers_and_foreign_people_are_missing(core):
    wang, li = await make_actor(core), await make_actor(core, "小李")
    lead = await make_lead(core, mobile="13800138000", owner_id=wang.employee_id)
    viewer = await make_actor(core, "小看", Role.VIEWER)
    for card in (
        await profiles.profile(core, wang, lead.person_id, others_read=True),
        await profiles.profile(core, viewer, lead.person_id),
    ):
        assert next(line.value for line in card.lines if line.label == "手机") == "138****8000"
    with pytest.raises(NotFound):
        await profiles.profile(core, li, lead.person_id)
    with pytest.raises(NotFound):
        await profiles.profile(core, wang, 424242)
