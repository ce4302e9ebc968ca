"""Any order of merge, overwrite and undo gives the start back, and no child is ever lost."""

import random
from typing import Any

import hypothesis
from hypothesis import strategies as st

from crm_core import activities, change_sets, conversion, deletion, merging, overwriting, segments
from crm_core.activities import subject_of
from crm_core.change_sets import ChangeSet, ChangeSetUndone, LaterChangesFirst
from crm_core.customers import Contact, Customer
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.identity import new_person
from crm_core.leads import Lead
from crm_core.ports import Core
from scheduler import reminders
from tests.factories import SYSTEM, make_customer_account, make_employee, make_lead
from tests.fingerprints import counts, fingerprint

NOUNS = ("lead", "contact", "customer")
MODELS: dict[str, Any] = {"lead": Lead, "contact": Contact, "customer": Customer}
PEOPLE = 4
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("merge"), st.sampled_from(NOUNS), st.integers(0, 3), st.integers(0, 3), st.booleans()),
        st.tuples(st.just("overwrite"), st.sampled_from(NOUNS), st.integers(0, 3), st.integers(0, 9), st.booleans()),
        st.tuples(st.just("absorb"), st.just("lead"), st.integers(0, 3), st.integers(0, 3), st.booleans()),
        st.tuples(st.just("convert"), st.just("lead"), st.integers(0, 3), st.integers(0, 3), st.booleans()),
        st.tuples(st.just("delete"), st.just("customer"), st.integers(0, 3), st.integers(0, 0), st.booleans()),
        st.tuples(st.just("undo"), st.just(""), st.integers(0, 9), st.integers(0, 0), st.booleans()),
    ),
    max_size=9,
)
OWN = {"leads", "contacts", "customers", "people", "accounts", "taggings", "follow_ups", "reminders"}


async def build(core: Core) -> dict[str, list[int]]:
    """A small world: four of each noun, everything hanging on them, some of it on several."""
    made: dict[str, list[int]] = {noun: [] for noun in NOUNS}
    owner = await make_employee(core)
    for number in range(PEOPLE):
        lead = await make_lead(
            core, f"线索{number}", need=f"需求{number}", mobile=f"1380013800{number}" if number % 2 else None
        )
        customer: Customer = await Customer.add(core, name=f"公司{number}", parent_id=(made["customer"] or [None])[-1])
        contact: Contact = await Contact.add(
            core,
            person_id=await new_person(core),
            name=f"联系人{number}",
            customer_id=customer.id,
            reports_to_id=(made["contact"] or [None])[-1],
        )
        made["lead"].append(lead.id)
        made["contact"].append(contact.id)
        made["customer"].append(customer.id)
        await make_customer_account(core, lead, external_id=f"oLead{number}")
        await segments.add_tags(core, SYSTEM, lead.person_id, ["都有", f"标签{number}"], manual=number % 2 == 0)
        await segments.add_tags(core, SYSTEM, contact.person_id, ["都有"])
        for row in (lead, contact, customer):
            await activities.add_follow_up(core, SYSTEM, subject_of(row), summary=row.name)
        at = core.clock.now()
        await reminders.create(core, SYSTEM, text="联系", at=at, owner_id=owner.id, about_kind="lead", about_id=lead.id)
    return made


async def take(core: Core, made: dict[str, list[int]], step: tuple[Any, ...], sets: list[int]) -> None:
    """Do one step; what the rules refuse is no step."""
    what, noun, first, second, flag = step
    try:
        if what == "undo":
            if sets:
                number = sets[first % len(sets)]
                await change_sets.undo(core, SYSTEM, number)
                sets.remove(number)
            return
        done: ChangeSet | None = None
        if what == "merge":
            pair = (made[noun][first], made[noun][second])
            done = await merging.merge(core, SYSTEM, noun, *pair, by_hand=flag)
        elif what == "convert":
            into = made["customer"][second] if flag else None
            converted = await conversion.convert_to(core, SYSTEM, made["lead"][first], customer_id=into, anew=not flag)
            sets.append(converted.set_id)
        elif what == "delete":
            done = (await deletion.delete_customer(core, SYSTEM, made["customer"][first]))[1]
        elif what == "absorb":
            done = await merging.absorb(core, SYSTEM, made["lead"][first], made["contact"][second], by_hand=flag)
        else:
            said = {
                "name": f"新名{second}",
                "region": f"地区{second}",
                "need": f"新需求{second}",
                "mobile": f"+861390000000{second}",
            }
            over = await overwriting.overwrite(core, SYSTEM, noun, made[noun][first], said, newer=flag)
            sets.append(over.set_id)
        if done is not None:
            sets.append(done.id)
    except (Conflict, LaterChangesFirst, ChangeSetUndone):
        return
    except (Invalid, NotFound):
        return


async def undo_all(core: Core, sets: list[int]) -> None:
    """Newest first, which is always possible."""
    for number in sorted(sets, reverse=True):
        await change_sets.undo(core, SYSTEM, number)


async def no_child_is_lost(core: Core, before: dict[str, int]) -> None:
    now = await counts()
    # A conversion adds a contact, and maybe a customer; nothing ever goes.
    grown = {"contacts", "customers"}
    assert {table: now[table] for table in OWN - grown} == {table: before[table] for table in OWN - grown}
    assert all(now[table] >= before[table] for table in grown)
    # And each hangs on a record that stands.
    for noun, model in MODELS.items():
        merged = set(await model.exclude(merged_into_id=None).values_list("id", flat=True))
        for row in await activities.FollowUp.filter(subject_kind=noun):
            assert row.subject_id not in merged
        for reminder in await reminders.Reminder.filter(about_kind=noun):
            assert reminder.about_id not in merged
    standing = set(await merging.Person.filter(merged_into_id=None).values_list("id", flat=True))
    for account in await merging_accounts():
        assert account in standing
    for row in await Customer.exclude(parent_id=None):
        assert row.parent_id != row.id


async def merging_accounts() -> list[int]:
    from crm_core.accounts import Account

    return [int(number) for number in await Account.filter(person_kind="customer").values_list("person_id", flat=True)]


def drawn(count: int) -> list[list[tuple[Any, ...]]]:
    """Draw the same sequences each time."""
    found: list[list[tuple[Any, ...]]] = []

    @hypothesis.settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(STEPS)
    def keep(steps: list[tuple[Any, ...]]) -> None:
        found.append(steps)

    keep()
    return found


async def test_any_order_of_merge_overwrite_and_undo_gives_the_start_back(core: Core) -> None:
    made = await build(core)
    start, children = await fingerprint(core), await counts()
    merged = 0
    for steps in drawn(60):
        sets: list[int] = []
        for step in steps:
            await take(core, made, step, sets)
            await no_child_is_lost(core, children)
        merged += len(sets)
        await undo_all(core, sets)
        assert await fingerprint(core) == start, steps
    assert merged > 60


async def test_long_stories_too(core: Core) -> None:
    made = await build(core)
    start, children = await fingerprint(core), await counts()
    chance = random.Random(7)
    for _ in range(4):
        sets: list[int] = []
        for _ in range(25):
            nouns = {"convert": "lead", "delete": "customer"}
            kind = chance.choices(("merge", "overwrite", "absorb", "convert", "delete", "undo"), (4, 3, 1, 1, 1, 2))[0]
            span = 9 if kind == "undo" else 3
            noun = nouns.get(kind) or chance.choice(NOUNS)
            step = (kind, noun, chance.randint(0, span), chance.randint(0, 3), chance.random() < 0.5)
            await take(core, made, step, sets)
        await no_child_is_lost(core, children)
        await undo_all(core, sets)
        assert await fingerprint(core) == start
