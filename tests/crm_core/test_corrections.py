"""One field corrected by a word and put back, names with their keys."""

import pytest

from crm_core import corrections, customers, keying
from crm_core.customers import Contact, Customer
from crm_core.errors import Invalid, NotFound
from crm_core.ports import Core
from tests.factories import make_actor, make_lead


async def test_columns_of_each_kind_and_back(core: Core) -> None:
    actor, peer = await make_actor(core), await make_actor(core, "小李")
    row = await customers.add_customer(core, actor, name="云帆科技", industry="软件")
    person = await customers.add_contact(core, actor, name="李总", customer_id=row.id)
    lead = await make_lead(core, owner_id=actor.employee_id)
    set_id = await corrections.correct(core, actor, "customer", row.id, "行业", "制造业")
    assert (await Customer.get(id=row.id)).industry == "制造业"
    await corrections.undo(core, actor, set_id)
    assert (await Customer.get(id=row.id)).industry == "软件"
    await corrections.correct(core, actor, "contact", person.id, "电话", "13800138000")
    await corrections.correct(core, actor, "contact", person.id, "决策权重", "80")
    changed = await Contact.get(id=person.id)
    assert (changed.mobile, changed.decision_weight) == ("+8613800138000", 80)
    await corrections.correct(core, actor, "lead", lead.id, "来源", "展会")
    await keying.fill(core)
    key = (await Customer.get(id=row.id)).name_key
    set_id = await corrections.correct(core, actor, "customer", row.id, "名称", "南湖学校")
    assert (await Customer.get(id=row.id)).name_key != key
    await corrections.undo(core, actor, set_id)
    await keying.fill(core)
    assert (await Customer.get(id=row.id)).name_key == key
    for name, value in (("电话", "12"), ("决策权重", "很高"), ("决策权重", "101"), ("职务", " ")):
        with pytest.raises(Invalid):
            await corrections.correct(core, actor, "contact", person.id, name, value)
    with pytest.raises(NotFound):
        await corrections.correct(core, peer, "customer", row.id, "行业", "金融")
