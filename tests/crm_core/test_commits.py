"""What is told after a commit: never before, never when it was undone, at once where nothing is open."""

import asyncio

import pytest

from crm_core.conversations import Message
from crm_core.db import Database
from crm_core.messages import Address, Body
from crm_core.outbox import DatabaseOutbox, queue
from crm_core.ports import Core, Program
from tests.conftest import on_postgres

TO = Address("wechat", "somebody")


class Told:
    """Notes, when it is told, whether another connection sees the message already."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.looks: list[asyncio.Task[int]] = []

    def __call__(self, _: str | None) -> None:
        self.looks.append(asyncio.get_running_loop().create_task(self._seen()))

    async def _seen(self) -> int:
        return await self.core.db.read(_count())

    async def seen(self) -> list[int]:
        return await asyncio.gather(*self.looks)


def _count() -> Program[int]:
    rows = yield "SELECT count(*) FROM messages", ()
    return int(rows[0][0])


@pytest.fixture
def told(core: Core) -> Told:
    if not on_postgres():
        pytest.skip("with one writer a claim queues behind the commit")
    made = Told(core)
    assert isinstance(core.outbox, DatabaseOutbox)
    core.outbox.on_put = made
    return made


async def put(core: Core, key: str) -> None:
    await core.outbox.put(TO, Body(text="好"), key=key)


async def test_program_of_its_own_tells_after_its_commit(core: Core, told: Told) -> None:
    await asyncio.gather(*(put(core, f"k{number}") for number in range(5)))  # they share one
    await core.db.run(lambda: queue(core, TO, Body(text="好"), key="k5"))
    # How many share a commit is the machine's matter; whoever is told sees their own and all told of before.
    assert all(count > index for index, count in enumerate(await told.seen()))


async def test_transaction_tells_after_its_commit_and_an_undone_part_of_it_never(core: Core, told: Told) -> None:
    async with core.db.transaction():
        await put(core, "a")
        await Message.filter(key="a").update(text="还好")
        async with core.db.transaction():
            await put(core, "b")
        with pytest.raises(ValueError, match="undone"):
            async with core.db.transaction():
                await put(core, "c")
                raise ValueError("undone")
        await asyncio.sleep(0.05)  # nothing is to happen, so there is nothing to wait for
        assert told.looks == []
    assert await told.seen() == [2, 2]
    with pytest.raises(ValueError, match="undone"):
        async with core.db.transaction():
            await put(core, "d")
            raise ValueError("undone")
    await put(core, "e")
    assert await told.seen() == [2, 2, 3]


async def test_program_that_fails_tells_nothing_and_one_that_is_repeated_tells_once(core: Core, told: Told) -> None:
    def fails() -> Program[None]:
        yield from queue(core, TO, Body(text="好"), key="a")
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await core.db.run(fails)
    assert told.looks == []
    tries = 0

    def contended() -> Program[None]:
        nonlocal tries
        tries += 1
        yield from queue(core, TO, Body(text="好"), key="b")
        if tries == 1:
            yield "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'serialization_failure'; END $$", ()

    await core.db.run(contended)
    assert (tries, await told.seen()) == (2, [1])


async def test_outside_it_is_told_at_once(db: Database) -> None:
    heard: list[int] = []
    db.after_commit(lambda: heard.append(1))
    assert heard == [1]
