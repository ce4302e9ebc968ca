"""Whose records whom are shown, by every reader alike: owner, superior, collaborator, peer; and what only owners may."""

import io
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient

from bot.api.customers import CONTACTS, CUSTOMERS
from bot.api.opportunities import OPPORTUNITIES
from bot.cli.sheets import exported
from crm_core import (
    access,
    activities,
    change_sets,
    conversion,
    customers,
    dashboards,
    deletion,
    merging,
    opportunities,
    overwriting,
    profiles,
    searching,
    segments,
    sharing,
    stage_moves,
    timeline,
    tokens,
    transfers,
    win_loss,
)
from crm_core.access import Actor, Role
from crm_core.customers import Contact, Customer
from crm_core.employees import actor_of
from crm_core.errors import CrmError, NotFound, Refused
from crm_core.opportunities import Opportunity
from crm_core.ports import Core
from crm_core.selection import Selection
from handlers.pipeline import Pipeline
from tests.bot.api.conftest import Caller, client
from tests.factories import SYSTEM, make_lead
from tests.handlers.conftest import Staff, pipeline, staff

__all__ = ["client", "pipeline"]
NAME, PERSON, DEAL, WORDS = "云帆科技", "李建国", "网关项目", "谈了报价"


@dataclass
class Person:
    """Somebody who asks, in chat and with a token."""

    talker: Staff
    actor: Actor
    caller: Caller


@dataclass
class World:
    """One owner's customer, and those who stand around it."""

    core: Core
    customer: Customer
    contact: Contact
    deal: Opportunity
    people: dict[str, Person]


@pytest_asyncio.fixture
async def world(core: Core, pipeline: Pipeline, client: TestClient[Any, Any]) -> World:
    boss = await staff(core, pipeline, "陈经理", Role.MANAGER)
    talkers = {
        "owner": await staff(core, pipeline, "小王", manager_id=boss.employee.id),
        "superior": boss,
        "reader": await staff(core, pipeline, "小李"),
        "writer": await staff(core, pipeline, "小赵"),
        "peer": await staff(core, pipeline, "小周"),
        "superior of another": await staff(core, pipeline, "周经理", Role.MANAGER),
    }
    people = {}
    for name, talker in talkers.items():
        token = await tokens.create(core, SYSTEM, name=name, role=None, employee_id=talker.employee.id, scopes=())
        people[name] = Person(talker, await actor_of(talker.employee), Caller(client, token, talker.employee))
    owner = people["owner"].actor
    customer = await customers.add_customer(core, owner, name=NAME, industry="制造业")
    contact = await customers.add_contact(core, owner, name=PERSON, customer_id=customer.id, mobile="13812345678")
    deal = await opportunities.create(core, owner, customer_id=customer.id, name=DEAL)
    await activities.add_follow_up(core, owner, activities.subject_of(contact), summary=WORDS)
    for name, may_write in (("reader", False), ("writer", True)):
        number = talkers[name].employee.id
        await sharing.share(core, owner, customer.id, number, may_write=may_write)
    return World(core, customer, contact, deal, people)


async def _card(world: World, who: Person) -> bool:
    answers = [await who.talker.says(words) for words in (f"客户档案 {NAME}", f"看下{PERSON}的资料")]
    found = [NAME in answers[0] and "行业：制造业" in answers[0], "【" in answers[1] and PERSON in answers[1]]
    assert len(set(found)) == 1, answers
    return found[0]


async def _deal_in_chat(world: World, who: Person) -> bool:
    return "需要" in (said := await who.talker.says(f"{NAME} 到哪了")) or DEAL in said


async def _search(world: World, who: Person) -> bool:
    found = await searching.search(world.core, who.actor, {"query": NAME})
    assert found.total == len(found.hits)
    return found.total == 1


async def _segment(world: World, who: Person) -> bool:
    condition = {"field": "industry", "is": "=", "value": "制造业"}
    segment = await segments.create_segment(world.core, SYSTEM, name="制造业", conditions=condition)
    counted = await segments.count_segment(world.core, who.actor, segment)
    assert counted == len(await segments.list_people(world.core, who.actor, segment, after=0, limit=10))
    return counted == 1


async def _list_api(world: World, who: Person) -> bool:
    found = {
        path: bool((await who.caller.get(path))["items"])
        for path in (
            f"/customers?q={NAME}",
            f"/contacts?customer_id={world.customer.id}",
            f"/opportunities?customer_id={world.customer.id}",
            "/follow-ups",
        )
    }
    assert len(set(found.values())) == 1, found
    return all(found.values())


async def _record_api(world: World, who: Person) -> bool:
    paths = (
        f"/customers/{world.customer.id}",
        f"/contacts/{world.contact.id}",
        f"/opportunities/{world.deal.id}",
        f"/timeline?customer_id={world.customer.id}",
        f"/timeline?person_id={world.contact.person_id}",
    )
    found = {path: (await who.caller.ask("GET", path))[0] == 200 for path in paths}
    assert len(set(found.values())) == 1, found
    return all(found.values())


async def _timeline(world: World, who: Person) -> bool:
    try:
        page = await timeline.page(world.core, who.actor, customer_id=world.customer.id)
    except NotFound:
        return False
    assert any(WORDS in entry.text for entry in page.entries)
    return True


async def _profile(world: World, who: Person) -> bool:
    try:
        found = await profiles.profile(world.core, who.actor, world.contact.person_id)
    except NotFound:
        return False
    return found.name == PERSON


async def _export(world: World, who: Person) -> bool:
    found = []
    for resource in (CUSTOMERS, CONTACTS, OPPORTUNITIES):
        stream = io.BytesIO()
        number = await exported(world.core, who.actor, resource, "csv", stream)
        found.append(number == 1 and any(word in stream.getvalue().decode() for word in (NAME, PERSON, DEAL)))
    assert len(set(found)) == 1, found
    return found[0]


Reader = Callable[[World, Person], Awaitable[bool]]
READERS: dict[str, Reader] = {
    "chat card": _card,
    "deal in chat": _deal_in_chat,
    "search": _search,
    "segment": _segment,
    "list api": _list_api,
    "record api": _record_api,
    "timeline": _timeline,
    "profile": _profile,
    "export": _export,
}
SEES = {"owner": True, "superior": True, "reader": True, "writer": True, "peer": False, "superior of another": False}


@pytest.mark.parametrize("reader", READERS)
async def test_every_reader_tells_the_same_people_of_it(world: World, reader: str) -> None:
    assert {name: await READERS[reader](world, who) for name, who in world.people.items()} == SEES


async def test_a_report_counts_what_is_owned(world: World) -> None:
    """Shared customers stand in their owner's figures alone: nothing is counted twice in the house."""
    found = {}
    for name, who in world.people.items():
        board = await dashboards.dashboard(world.core, who.actor)
        found[name] = (board.totals["customers"], board.totals["opportunities_open"])
    assert found == {name: (1, 1) if name in ("owner", "superior") else (0, 0) for name in SEES}


async def test_numbers_stay_masked_for_a_collaborator(world: World) -> None:
    for name, shown in (
        ("owner", "13812345678"),
        ("superior", "13812345678"),
        ("reader", "138****5678"),
        ("writer", "138****5678"),
    ):
        item = await world.people[name].caller.get(f"/contacts/{world.contact.id}")
        assert item["mobile"] == shown, name
        assert len(await searching.find_phone(world.core, world.people[name].actor, "13812345678")) == (shown[3] != "*")


Tried = Callable[[World, Actor], Awaitable[Any]]
_OF_OWNERS: dict[str, Tried] = {
    "delete": lambda w, a: deletion.delete_customer(w.core, a, w.customer.id),
    "share": lambda w, a: sharing.share(w.core, a, w.customer.id, w.people["peer"].talker.employee.id),
    "unshare": lambda w, a: sharing.unshare(w.core, a, w.customer.id, w.people["writer"].talker.employee.id),
    "hand over": lambda w, a: transfers.hand_over(w.core, a, w.customer.owner_id or 0, w.people["superior"].talker.employee.id),
    "give away": lambda w, a: customers.update_customer(w.core, a, w.customer.id, owner_id=a.employee_id),
}
_OF_WRITERS: dict[str, Tried] = {
    "change": lambda w, a: customers.update_customer(w.core, a, w.customer.id, region="上海"),
    "contact": lambda w, a: customers.add_contact(w.core, a, name="王五", customer_id=w.customer.id),
    "overwrite": lambda w, a: overwriting.overwrite(w.core, a, "contact", w.contact.id, {"title": "经理"}),
    "tag": lambda w, a: segments.add_tags(w.core, a, w.contact.person_id, ["VIP"]),
    "open a deal": lambda w, a: opportunities.create(w.core, a, customer_id=w.customer.id, name="交换机"),
    "change a deal": lambda w, a: opportunities.update(w.core, a, w.deal.id, amount="1000"),
    "advance": lambda w, a: stage_moves.advance(w.core, a, w.deal.id, reason="客户催"),
    "quote": lambda w, a: opportunities.note_quote(w.core, a, w.deal.id),
    "win": lambda w, a: win_loss.win(w.core, a, w.deal.id),
    "convert into it": lambda w, a: _convert(w, a),
}


async def _convert(world: World, actor: Actor) -> Any:
    lead = await make_lead(world.core, "王五", owner_id=actor.employee_id)
    return await conversion.convert_to(world.core, actor, lead.id, customer_id=world.customer.id)


async def _outcome(tried: Tried, world: World, actor: Actor) -> str:
    try:
        await tried(world, actor)
    except Refused:
        return "refused"
    except NotFound:
        return "not found"
    except CrmError as error:
        return error.code
    return "done"


@pytest.mark.parametrize("what", [*_OF_OWNERS, *_OF_WRITERS])
async def test_who_may_change_what(world: World, what: str) -> None:
    tried = {**_OF_OWNERS, **_OF_WRITERS}[what]
    order = ("peer", "reader", "writer", "superior" if what in ("hand over", "give away") else "owner")
    found = [await _outcome(tried, world, world.people[name].actor) for name in order]
    may_write = "done" if what in _OF_WRITERS else "refused"
    unseen = "refused" if what == "hand over" else "not found"
    last = found.pop()
    assert found == [unseen, "refused", may_write]
    assert last == "done" or (may_write == "done" and last == "opportunity.closed")


async def test_a_shared_customer_is_not_merged_by_another_team(world: World) -> None:
    other = world.people["superior of another"]
    await sharing.share(world.core, world.people["owner"].actor, world.customer.id, other.talker.employee.id, may_write=True)
    twin = await customers.add_customer(world.core, other.actor, name="云帆")
    with pytest.raises(NotFound):
        await merging.merge(world.core, other.actor, "customer", twin.id, world.customer.id)
    changes = await merging.merge(world.core, SYSTEM, "customer", twin.id, world.customer.id)
    assert await access.visible(Opportunity, world.people["reader"].actor).count() == 1
    await change_sets.undo(world.core, SYSTEM, changes.id)


async def test_what_is_no_longer_shared_is_gone_everywhere(world: World) -> None:
    reader = world.people["reader"]
    await sharing.unshare(world.core, world.people["owner"].actor, world.customer.id, reader.talker.employee.id)
    for name, read in READERS.items():
        assert not await read(world, reader), name


async def test_nobody_draws_a_colleagues_people(world: World) -> None:
    selection = segments.allowed_to(world.people["peer"].actor, {})
    assert isinstance(selection, Selection)
    assert await segments.count_people(world.core, selection) == 0
