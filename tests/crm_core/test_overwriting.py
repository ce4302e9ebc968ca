"""Newer information over a record: newest, keep or ask, field by field; what gave way is never lost."""

from dataclasses import replace

import pytest

from crm_core import change_sets, overwriting
from crm_core.access import Actor, Role
from crm_core.customers import Customer
from crm_core.errors import Invalid, NotFound, Refused
from crm_core.leads import Lead
from crm_core.match_rules import ASK, KEEP, NEWEST, IdentitySettings, OverwriteSettings
from crm_core.overwriting import FieldChange, decide, shown
from crm_core.ports import Core
from tests.factories import SYSTEM, make_actor, make_employee, make_lead
from tests.fingerprints import fingerprint

RULES = OverwriteSettings(title=NEWEST, name=KEEP, mobile=ASK)


def test_each_field_by_its_rule() -> None:
    before = {"title": "采购", "name": "张伟", "mobile": "1", "email": ""}
    said = {"title": "经理", "name": "张玮", "mobile": "2", "email": "a@b.cn", "region": "", "birthday": None}
    made = decide(RULES, "lead", before, said)
    assert made.changes == {"title": "经理", "email": "a@b.cn"}
    assert made.told == {"name": "kept", "title": "replaced", "mobile": "pending"}


def test_what_was_said_earlier_does_not_take_the_place_of_the_later() -> None:
    made = decide(RULES, "lead", {"title": "采购", "email": ""}, {"title": "经理", "email": "a@b.cn"}, newer=False)
    assert (made.changes, made.told) == ({"email": "a@b.cn"}, {"title": "kept"})


async def test_the_old_value_stays_in_the_history_and_an_undo_gives_it_back(core: Core) -> None:
    lead = await make_lead(core, title="采购", region="北京", company="东风机械")
    start = await fingerprint(core)
    said = {"title": "经理", "company": "东风汽车", "mobile": "+8613800138000"}
    done = await overwriting.overwrite(core, SYSTEM, "lead", lead.id, said)
    assert (set(done.changed), done.kept, done.pending) == ({"title", "mobile"}, ("company",), ())
    now = await Lead.get(id=lead.id)
    assert (now.title, now.company, now.mobile) == ("经理", "东风机械", "+8613800138000")
    told = {(row.name, row.old, row.new, row.status) for row in await overwriting.history(core, SYSTEM, "lead", lead.id)}
    assert told == {("title", "采购", "经理", "replaced"), ("company", "东风机械", "东风汽车", "kept")}
    await change_sets.undo(core, SYSTEM, done.set_id)
    assert await fingerprint(core) == start


async def test_a_new_name_brings_its_key_along(core: Core) -> None:
    customer: Customer = await Customer.add(core, name="东风机械")
    renaming = replace(
        core, settings=replace(core.settings, identity=IdentitySettings(overwrite=OverwriteSettings(name=NEWEST)))
    )
    done = await overwriting.overwrite(renaming, SYSTEM, "customer", customer.id, {"name": "云帆科技"})
    assert (await Customer.get(id=customer.id)).name_key == "yun fan ke ji"
    await change_sets.undo(core, SYSTEM, done.set_id)
    assert (await Customer.get(id=customer.id)).name_key == "dong feng ji xie"


async def test_two_rounds_are_taken_back_newest_first(core: Core) -> None:
    lead = await make_lead(core, title="一")
    start = await fingerprint(core)
    sets = [(await overwriting.overwrite(core, SYSTEM, "lead", lead.id, {"title": word})).set_id for word in "二三"]
    with pytest.raises(change_sets.LaterChangesFirst):
        await change_sets.undo(core, SYSTEM, sets[0])
    for number in reversed(sets):
        await change_sets.undo(core, SYSTEM, number)
    assert await fingerprint(core) == start


async def test_only_what_one_may_see_and_write(core: Core) -> None:
    actor = await make_actor(core)
    foreign = await make_lead(core, owner_id=(await make_employee(core, "小陈")).id)
    own = await make_lead(core, owner_id=actor.employee_id)
    with pytest.raises(NotFound):
        await overwriting.overwrite(core, actor, "lead", foreign.id, {"title": "x"})
    with pytest.raises(Refused):
        await overwriting.overwrite(core, Actor(role=Role.VIEWER, name="x"), "lead", own.id, {"title": "x"})
    with pytest.raises(Invalid):
        await overwriting.overwrite(core, actor, "employee", own.id, {"title": "x"})
    await overwriting.overwrite(core, actor, "lead", own.id, {"title": "x"})
    assert await FieldChange.all().count() == 0  # an empty field was filled


def test_numbers_of_the_history_are_masked() -> None:
    assert shown("mobile", "+8613812345678", full=False) == "138****5678"
    assert shown("email", "abc@d.cn", full=False) == "a***"
    assert shown("email", "abc@d.cn", full=True) == "abc@d.cn"
    assert shown("title", "采购", full=False) == "采购"
