"""Plans of greetings honour the grid of life cycle and value: whom a cell does not greet is left out, with the reason."""

from dataclasses import replace
from datetime import date

from campaigns import audience, engine, greetings, results
from campaigns.broadcasts import Broadcast
from crm_core.customers import Customer, add_contact, add_customer
from crm_core.value_rules import Rhythm, ValueSettings
from tests.campaigns.conftest import make_broadcast, make_followers
from tests.campaigns.test_greetings import MID_AUTUMN, local, make_plan, run_all
from tests.factories import SYSTEM, make_customer_account

EVERYBODY = {"any": [{"kind": "lead"}, {"kind": "customer"}]}


async def grid_people(core) -> dict[str, str]:
    """Contacts of customers in three cells of the grid, and a lead, which is in none; names by openid."""
    names = {}
    for number, (life_cycle, value) in enumerate((("lost", "D"), ("user", "A"), ("dormant", "A"))):
        customer = await add_customer(core, SYSTEM, name=f"公司{number}")
        await customer.change(core, life_cycle=life_cycle, value_grade=value)
        contact = await add_contact(core, SYSTEM, name=f"李{number}", customer_id=customer.id)
        await contact.change(core, birthday="11-26")
        await make_customer_account(core, contact, f"c{number}")
        names[life_cycle] = contact.name
    ((lead, _),) = await make_followers(core, 1)
    await lead.change(core, birthday="11-26")
    return {**names, "lead": lead.name}


def with_rhythms(core, *rhythms: Rhythm):
    return replace(core, settings=replace(core.settings, customer_value=ValueSettings(rhythms=rhythms)))


async def test_a_cell_of_the_grid_without_greetings_is_left_out_with_its_reason(core, marketer, clock):
    names = await grid_people(core)
    core = with_rhythms(core, Rhythm("dormant", "A", 14, "专人唤醒，不群发", ()))
    plan = await make_plan(core, marketer, conditions=EVERYBODY, body="{姓名}，节日快乐")
    seen = await audience.preview_plan(core, marketer, plan.id)
    assert (seen.total, seen.suppressed) == (4, {"no_greeting": 1})
    assert names["dormant"] not in "".join(each.text for each in seen.samples)
    clock.set(local(MID_AUTUMN, 9))
    sent = await run_all(core)
    assert sorted(sent) == sorted(f"{names[who]}，节日快乐" for who in ("lost", "user", "lead"))
    assert await results.reasons(core, (await Broadcast.get()).id) == {"no_greeting": 1}


async def test_the_lost_get_festivals_and_no_birthdays(core, marketer, clock):
    names = await grid_people(core)
    plan = await make_plan(core, marketer, conditions=EVERYBODY, birthday=True, body="{姓名}，生日快乐")
    assert (await audience.preview_plan(core, marketer, plan.id)).suppressed == {"no_greeting": 1}
    clock.set(local(date(2026, 11, 26), 9))
    assert sorted(await run_all(core)) == sorted(f"{names[who]}，生日快乐" for who in ("user", "dormant", "lead"))


async def test_where_somebody_stands_when_it_leaves_decides(core, marketer, clock):
    await grid_people(core)
    await make_plan(core, marketer, conditions={"kind": "customer"}, birthday=True)
    clock.set(local(date(2026, 11, 26), 9))
    await greetings.make_due(core)
    await engine.run(core)
    await Customer.all().update(life_cycle="lost")  # since it was planned
    assert await run_all(core) == []
    assert await results.reasons(core, (await Broadcast.get()).id) == {"no_greeting": 3}


async def test_an_ordinary_broadcast_does_not_ask_the_grid(core, marketer, clock):
    await grid_people(core)
    core = with_rhythms(core, Rhythm(greetings=()))
    draft = await make_broadcast(core, marketer, conditions=EVERYBODY)
    assert (await audience.preview(core, marketer, draft.id)).suppressed == {}
