"""Counts of the dashboard: equal to the rows after whatever was done to them, counted again or not."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from crm_core import rollups
from crm_core.activities import FollowUp
from crm_core.change_sets import ChangeSet
from crm_core.conversations import Message
from crm_core.customers import Customer
from crm_core.leads import Lead
from crm_core.opportunities import Opportunity
from crm_core.rollups import TOPICS

START = datetime(2026, 11, 1, 15, 30, tzinfo=UTC)


def _when(chance: random.Random) -> datetime:
    return START + timedelta(hours=chance.randrange(24 * 20), seconds=chance.randrange(3600))


def _lead(chance: random.Random) -> dict[str, object]:
    return {
        "source": chance.choice(["展会", "官网", ""]),
        "status": chance.choice(["new", "following", "converted"]),
        "owner_id": chance.choice([None, 1, 2]),
        "department_id": chance.choice([None, 5]),
        "merged_into_id": chance.choice([None, None, None, 9]),
    }


def _customer(chance: random.Random) -> dict[str, object]:
    return {
        "status": chance.choice(["potential", "active"]),
        "industry": chance.choice(["制造", "零售"]),
        "region": chance.choice(["北京", "上海"]),
        "owner_id": chance.choice([None, 1]),
        "merged_into_id": chance.choice([None, None, 3]),
    }


def _follow_up(chance: random.Random) -> dict[str, object]:
    return {
        "method": chance.choice(["phone", "visit"]),
        "at": _when(chance),
        "author_id": chance.choice([None, 1, 2]),
        "undone_at": chance.choice([None, None, START]),
    }


def _set(chance: random.Random) -> dict[str, object]:
    return {"undone_at": chance.choice([None, START]), "employee_id": chance.choice([None, 1])}


def _deal(chance: random.Random) -> dict[str, object]:
    return {"status": chance.choice(["open", "won"]), "stage": chance.choice(["initial", "won"]), "owner_id": 1}


MADE = {Lead: _lead, Customer: _customer, FollowUp: _follow_up, ChangeSet: _set, Opportunity: _deal}
FIXED = {
    Lead: {"name": "张伟"},
    Customer: {"name": "云帆"},
    FollowUp: {"subject_kind": "lead", "subject_id": 1, "person": "张伟"},
    ChangeSet: {"kind": "conversion", "actor": "小王"},
    Opportunity: {"customer_id": 1, "name": "网关", "stage_since": START},
}


async def _one_step(core, chance: random.Random, number: int) -> None:
    if chance.random() < 0.3:
        if chance.random() < 0.2:
            await Message.filter(id__in=await Message.all().limit(2).values_list("id", flat=True)).delete()
        await Message.add(
            core,
            channel=chance.choice(["wechat", "wecom"]),
            external_account="o1",
            direction=chance.choice(["in", "out"]),
            kind=chance.choice(["text", "event"]),
            at=_when(chance),
            status="done",
            key=f"k{number}",
        )
        return
    model = chance.choice(list(MADE))
    values = MADE[model](chance)
    rows = await model.all().values_list("id", flat=True)
    what = chance.random()
    if rows and what < 0.35:
        await model.filter(id__in=chance.sample(rows, min(len(rows), 3))).update(**values)
    elif rows and what < 0.5:
        await model.filter(id=chance.choice(rows)).delete()
    else:
        made = dict(FIXED[model], **values)
        if model is Lead:
            made["person_id"] = 1000 + number
        await model.add(core, created_at=_when(chance), **made)


@pytest.mark.parametrize("seed", range(4))
async def test_after_whatever_is_done_the_counts_are_those_of_the_rows(core, seed):
    chance = random.Random(seed)
    for number in range(120):
        await _one_step(core, chance, number)
        if chance.random() < 0.05:
            await rollups.catch_up(core)
            assert await rollups.differences(core) == {}
    assert await rollups.differences(core) == {}
    await rollups.catch_up(core)
    assert await rollups.differences(core) == {}
    assert {"leads", "customers", "messages"} <= {one.topic for one in await core.db.read(rollups.counted(core, list(TOPICS)))}


async def test_what_is_undone_with_its_transaction_is_not_counted(core):
    with pytest.raises(RuntimeError):
        async with core.db.transaction():
            await Customer.add(core, name="云帆")
            raise RuntimeError
    assert await core.db.read(rollups.counted(core, ["customers"])) == []


async def test_a_count_of_nothing_keeps_no_words(core):
    lead = await Lead.add(core, name="张伟", person_id=77, source="张伟的表哥介绍")
    await rollups.catch_up(core)
    await Lead.filter(id=lead.id).delete()
    await rollups.catch_up(core)

    def words():
        rows = yield "SELECT one FROM rollups WHERE topic = 'leads'", ()
        return rows

    assert await core.db.read(words()) == []


async def test_only_newer_days_when_asked(core, clock):
    await Customer.add(core, name="旧", created_at=clock.now() - timedelta(days=40))
    await Customer.add(core, name="新")
    since = (clock.now() - timedelta(days=7)).date()
    found = await core.db.read(rollups.counted(core, ["customers_by_day"], since=since))
    assert [(one.day, one.number) for one in found] == [("2026-11-25", 1)]


async def test_few_messages_may_wait_and_are_counted_all_the_same(core):
    for number in range(3):
        await Message.add(
            core, channel="w", external_account="o", direction="in", kind="text", at=START, status="done", key=f"k{number}"
        )
    if core.db.alone:
        assert await rollups.catch_up(core, at_least=10) == 0
    [count] = await core.db.read(rollups.counted(core, ["messages"], since=START.date()))
    assert (count.day, count.one, count.two, count.number) == ("2026-11-01", "w", "in", 3)
    assert await core.db.read(rollups.counted(core, ["messages"], since=START.date() + timedelta(days=2))) == []
