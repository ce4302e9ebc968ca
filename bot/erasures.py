"""Erasures outlive a restore: an older backup still holds the people who were erased since it was taken.

`erase` writes the person's number into a journal beside the data, `restore` adds what the replaced database's audit trail
knows, and both `restore` and every start erase whom the journal names and the database does not know to be erased. The
journal holds numbers and times alone. Reading order: `note`, `keep_trail`, `settle`.
"""

import os
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from crm_core import employees, personal_data
from crm_core.access import Actor
from crm_core.db import DatabaseSettings
from crm_core.employees import Employee
from crm_core.holdings import HOLDINGS, Holding
from crm_core.identity import Person
from crm_core.ports import Core, Program
from crm_core.rules import as_instant

if TYPE_CHECKING:
    from bot.config import Settings

log = structlog.get_logger(__name__)
NAME = "erasures.jsonl"
ACTOR = Actor.of_system("erasures")
_WAIT_SECONDS = 0.2
_PAGE = 500
_TRAIL = """
SELECT p.id, p.created_at FROM audit_entries e JOIN people p ON p.id = e.object_id WHERE e.action = 'person.erase'
UNION SELECT p.id, p.created_at FROM audit_entries e JOIN people p ON p.merged_into_id = e.object_id
WHERE e.action = 'person.erase'
"""


class Erasure(msgspec.Struct, frozen=True):
    """A person who was erased. After a restore a number may be given out again, hence when it was given out."""

    person_id: int
    since: datetime


def holdings() -> list[Holding]:
    """List what hangs on a person in the tables of every folder."""
    from campaigns import personal_data as of_campaigns
    from scheduler import personal_data as of_scheduler

    return [*of_campaigns.HOLDINGS, *of_scheduler.HOLDINGS, *HOLDINGS]


def read(data_dir: Path) -> set[Erasure]:
    """Read the journal; a line that was cut off is left out. Raises: OSError."""
    path, found = data_dir / NAME, set()
    for line in path.read_bytes().split() if path.exists() else ():
        try:
            found.add(msgspec.json.decode(line, type=Erasure))
        except msgspec.MsgspecError:
            log.warning("erasure_unreadable", path=str(path))
    return found


def write(data_dir: Path, erasures: Iterable[Erasure]) -> None:
    """Add to the journal what it does not hold yet, durably. Raises: OSError."""
    new = sorted(set(erasures) - read(data_dir), key=lambda one: one.person_id)
    if not new:
        return
    # A line of its own also after one that was cut off.
    text = b"".join(b"\n" + msgspec.json.encode(each) for each in new) + b"\n"
    number = os.open(data_dir / NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with open(number, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(number)


async def note(core: Core, person_ids: Sequence[int]) -> None:
    """Write down that these people were erased. Raises: OSError."""
    rows = await Person.filter(id__in=list(person_ids)).values_list("id", "created_at")
    write(core.settings.data_dir, [_erasure(*row) for row in rows])


async def keep_trail(settings: "Settings") -> None:
    """Write down whom the database that is about to be replaced knows to be erased. Raises: OSError; Unavailable."""
    database = settings.database
    rows = _trail_of_file(database.path) if database.embedded else await _trail_of_server(database)
    write(settings.core.data_dir, [_erasure(*row) for row in rows])


def _erasure(number: Any, since: Any) -> Erasure:
    return Erasure(int(number), as_instant(since) or since)


def _trail_of_file(path: Path) -> list[Any]:
    if not path.exists():
        return []
    try:
        with closing(sqlite3.connect(path)) as raw:
            return raw.execute(_TRAIL).fetchall()
    except sqlite3.Error:  # broken, which is why somebody restores: what the journal knows is all there is
        return []


async def _trail_of_server(database: DatabaseSettings) -> list[Any]:
    import asyncpg

    from crm_core.stores import PostgresStore

    store = await PostgresStore.open(database.url)
    try:
        return [tuple(row) for row in await store.connection.fetch(_TRAIL)]
    except asyncpg.UndefinedTableError:
        return []
    finally:
        await store.close()


async def settle(core: Core) -> list[int]:
    """Erase again whom the journal names and this database still holds; gives their numbers."""
    try:
        known = read(core.settings.data_dir)
    except OSError as error:  # no reason not to serve; the log tells who has to look
        log.error("erasures_unreadable", why=error.strerror)  # noqa: TRY400 - no fault of ours
        return []
    while await _pending(core, known):
        # Of several processes one does it, and the others begin nothing before it is done.
        async with core.db.exclusively("erasures") as mine:
            if mine:
                done = [await _erase(core, number) for number in await _pending(core, known)]
                log.warning("erased_again", persons=done)
                return done
        await core.clock.sleep(_WAIT_SECONDS)
    return []


async def _erase(core: Core, person_id: int) -> int:
    for employee in await Employee.filter(person_id=person_id, departed_at=None):
        await employees.depart(core, ACTOR, employee.id)  # they had left when they were erased
    await personal_data.erase(core, ACTOR, person_id, holdings())
    return person_id


async def _pending(core: Core, known: set[Erasure]) -> list[int]:
    ordered = sorted(known, key=lambda one: one.person_id)
    found: list[int] = []
    for first in range(0, len(ordered), _PAGE):
        page = ordered[first : first + _PAGE]
        rows = await core.db.read(_unknown([each.person_id for each in page], core.clock.now()))
        found += [each.person_id for each in page if each in {_erasure(*row) for row in rows}]
    return found


def _unknown(person_ids: Sequence[int], now: datetime) -> Program[list[Any]]:
    """Find those the database does not know to be erased, or whose erasure was cut off."""
    rows = yield (
        "SELECT p.id, p.created_at FROM people p"  # noqa: S608 - question marks
        f" WHERE p.id IN ({', '.join('?' * len(person_ids))}) AND (NOT EXISTS (SELECT 1 FROM audit_entries e"
        " WHERE e.object_kind = 'people' AND e.object_id IN (p.id, p.merged_into_id) AND e.action = 'person.erase')"
        " OR EXISTS (SELECT 1 FROM state_entries s WHERE s.key = 'erase:' || CAST(p.id AS TEXT) AND s.expires_at > ?))",
        (*person_ids, now),
    )
    return list(rows)
