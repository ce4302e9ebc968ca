"""What stands around a customer, as far as the asker sees it."""

import pytest

from crm_core import contacts, customers
from crm_core.errors import NotFound
from crm_core.ports import Core
from tests.factories import make_actor, make_deal


async def test_tree_contacts_and_open_deals(core: Core) -> None:
    actor, peer = await make_actor(core), await make_actor(core, "小李")
    hidden = await customers.add_customer(core, peer, name="别人的集团")
    row = await customers.add_customer(core, actor, name="云帆科技")
    await row.change(core, parent_id=hidden.id)
    await customers.add_customer(core, actor, name="云帆上海", parent_id=row.id)
    boss = await customers.add_contact(core, actor, name="王五", customer_id=row.id, role="决策人", decision_weight=90)
    await customers.add_contact(core, actor, name="李四", customer_id=row.id, reports_to_id=boss.id)
    await make_deal(core, actor, customer_id=row.id)
    seen = await contacts.around(core, actor, row.id)
    assert ([unit.name for unit in seen.above], [unit.name for unit in seen.below]) == ([], ["云帆上海"])
    superiors = await contacts.superiors_of(seen.contacts)
    assert [contacts.label(each, superiors) for each in seen.contacts] == ["王五（决策人，权重90）", "李四（上级王五）"]
    assert (seen.contact_count, len(seen.deals)) == (2, 1)
    with pytest.raises(NotFound):
        await contacts.around(core, peer, row.id)
    await contacts.undo_add(core, actor, boss.id)
    assert (await contacts.around(core, actor, row.id)).contact_count == 1
