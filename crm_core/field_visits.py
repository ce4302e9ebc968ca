"""Outings (外出登记): the table, and how an outing finds the record that was written about it.

What one does with outings stands in `outings.py`, which knows subjects; this file is below the records.
"""

from datetime import datetime
from typing import Any

from tortoise import fields
from tortoise.queryset import QuerySet

from crm_core.clock import day_bounds, local_day
from crm_core.daily_work_rules import next_visit
from crm_core.db import Entity, UtcDatetimeField
from crm_core.ports import Core, Program

MEETING_METHODS = ("visit", "meeting")
"""Ways of a contact that stand for a visit made."""


class FieldVisit(Entity):
    """One outing, planned or made; about nobody's record when only a name was said."""

    owner_field = "employee_id"

    employee_id = fields.BigIntField()
    subject_kind = fields.CharField(max_length=16, default="")
    subject_id = fields.BigIntField(null=True)
    customer_id = fields.BigIntField(null=True, db_index=True)
    name = fields.CharField(max_length=128)
    planned_at = UtcDatetimeField()
    place = fields.CharField(max_length=200, default="")
    purpose = fields.CharField(max_length=500, default="")
    checked_in_at = UtcDatetimeField(null=True)
    check_in_place = fields.CharField(max_length=200, default="")
    position = fields.CharField(max_length=64, default="")
    """Latitude and longitude of the check-in as the platform told them, in degrees."""
    follow_up_id = fields.BigIntField(null=True, db_index=True)
    """The record written about it; kept by `link_record`."""
    rhythm_days = fields.IntField(default=0)
    """How often this customer is visited, when the plan made it; 0: planned by hand."""
    cancelled_at = UtcDatetimeField(null=True)

    class Meta:
        """Read by employee and day, by day alone each evening, and by subject."""

        table = "visits"
        indexes = (("employee_id", "planned_at"), ("planned_at",), ("subject_kind", "subject_id"))


def standing() -> "QuerySet[FieldVisit]":
    """Select the outings that were not called off."""
    return FieldVisit.filter(cancelled_at=None)


def link_record(
    core: Core, employee_id: int | None, follow_up_id: int, about: tuple[str, int, int | None], at: datetime, method: str
) -> Program[None]:
    """Tie a record to the writer's outing to the same people on the same day; move a recurring visit that was made early.

    `about`: kind and number of the subject, and its customer.
    """
    if employee_id is None:
        return
    kind, number, customer_id = about
    start, end = day_bounds(local_day(at))
    now = core.clock.now()
    same = "(subject_kind = ? AND subject_id = ? OR customer_id = ?)"
    rows = yield (
        f"SELECT id FROM visits WHERE employee_id = ? AND planned_at >= ? AND planned_at < ? AND {same}"  # noqa: S608
        " AND follow_up_id IS NULL AND cancelled_at IS NULL ORDER BY planned_at, id LIMIT 1",
        (employee_id, start, end, kind, number, customer_id if customer_id is not None else -1),
    )
    if rows:
        checked_in = "coalesce(checked_in_at, ?)" if method in MEETING_METHODS else "checked_in_at"
        values: tuple[Any, ...] = (follow_up_id, at, now) if method in MEETING_METHODS else (follow_up_id, now)
        sql = f"UPDATE visits SET follow_up_id = ?, checked_in_at = {checked_in}, updated_at = ? WHERE id = ?"  # noqa: S608
        yield sql, (*values, rows[0][0])
    elif method in MEETING_METHODS and customer_id is not None:
        yield from replan(core, customer_id, at)


def unlink_record(core: Core, follow_up_id: int) -> Program[None]:
    """Let an outing wait for its record again."""
    sql = "UPDATE visits SET follow_up_id = NULL, updated_at = ? WHERE follow_up_id = ?"
    yield sql, (core.clock.now(), follow_up_id)


def replan(core: Core, customer_id: int, made_at: datetime) -> Program[int]:
    """Count the recurring visit of a customer from one made before its day (提前拜访); tells how many were moved."""
    now = core.clock.now()
    rows = yield (
        "SELECT id, rhythm_days FROM visits WHERE customer_id = ? AND rhythm_days > 0 AND planned_at >= ?"
        " AND checked_in_at IS NULL AND follow_up_id IS NULL AND cancelled_at IS NULL",
        (customer_id, day_bounds(local_day(made_at))[1]),
    )
    for number, every_days in rows:
        at = next_visit(core.settings.daily_work, made_at, local_day(now), int(every_days))
        yield "UPDATE visits SET planned_at = ?, updated_at = ? WHERE id = ?", (at, now, number)
    return len(rows)
