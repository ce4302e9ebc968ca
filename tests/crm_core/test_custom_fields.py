"""Own fields of records: set, emptied, taken back, used in segments and refused."""

from dataclasses import replace

import pytest

from crm_core import change_sets, custom_fields, customers
from crm_core.custom_fields import OwnFieldValue, UnknownField
from crm_core.errors import Invalid, NotFound
from crm_core.field_rules import FieldSettings, OwnFields
from crm_core.ports import Core
from tests.factories import make_actor, make_lead

FIELDS = OwnFields(
    (
        FieldSettings("customer", "budget_level", "预算等级", "choice", ("高", "低")),
        FieldSettings("customer", "machines", "设备数", "number"),
        FieldSettings("lead", "machines", "设备数", "number"),
    )
)


def with_fields(core: Core) -> Core:
    return replace(core, settings=replace(core.settings, fields=FIELDS))


async def test_set_changed_emptied_and_taken_back(core: Core) -> None:
    core, actor = with_fields(core), await make_actor(core)
    row = await customers.add_customer(core, actor, name="云帆科技")
    await custom_fields.set_fields(core, actor, "customer", row.id, {"预算等级": "高", "machines": "1.5万"})
    assert await custom_fields.shown_of(core, "customer", row.id) == [("预算等级", "高"), ("设备数", "15000")]
    set_id = await custom_fields.set_fields(core, actor, "customer", row.id, {"预算等级": "", "设备数": 3})
    assert (await custom_fields.fields_of(core, "customer", [row.id]))[row.id] == {"machines": 3}
    await change_sets.undo(core, actor, set_id)
    assert (await custom_fields.fields_of(core, "customer", [row.id]))[row.id] == {"budget_level": "高", "machines": 15000}
    numbers = await core.db.read(custom_fields.numbers_of([row.id], ["machines"]))
    assert int(numbers[row.id]["machines"]) == 15000


async def test_one_clear_error_and_nothing_half_written(core: Core) -> None:
    core, actor, peer = with_fields(core), await make_actor(core), await make_actor(core, "小李")
    row = await customers.add_customer(core, actor, name="云帆科技")
    with pytest.raises(UnknownField):
        await custom_fields.set_fields(core, actor, "customer", row.id, {"预算等级": "高", "颜色": "红"})
    with pytest.raises(Invalid):
        await custom_fields.set_fields(core, actor, "customer", row.id, {"预算等级": "高", "设备数": "许多"})
    with pytest.raises(NotFound):
        await custom_fields.set_fields(core, peer, "customer", row.id, {"预算等级": "高"})
    assert await OwnFieldValue.all().count() == 0


async def test_leads_have_their_own(core: Core) -> None:
    core, actor = with_fields(core), await make_actor(core)
    lead = await make_lead(core, owner_id=actor.employee_id)
    await custom_fields.set_fields(core, actor, "lead", lead.id, {"设备数": "20台"})
    assert (await custom_fields.fields_of(core, "lead", [lead.id]))[lead.id] == {"machines": 20}
