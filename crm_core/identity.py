"""The people table: one sequence of person_id for leads, contacts and employees, never reused.

Nouns declare what hangs on a person; identity knows no noun.
"""

from tortoise import fields

from crm_core.db import Entity
from crm_core.ports import Core, Program


class Person(Entity):
    """Somebody, whatever the house calls them. A merged one goes on answering with the surviving one."""

    merged_into_id = fields.BigIntField(null=True, db_index=True)

    class Meta:
        """Never deleted, so that numbers are never given twice."""

        table = "people"


async def new_person(core: Core) -> int:
    """Give out the next person number, in the open transaction."""
    person = await Person.add(core)
    return int(person.id)


def insert_person(core: Core) -> Program[int]:
    """Give out the next person number, as a plain-SQL program."""
    now = core.clock.now()
    rows = yield "INSERT INTO people (created_at, updated_at) VALUES (?, ?) RETURNING id", (now, now)
    return int(rows[0][0])
