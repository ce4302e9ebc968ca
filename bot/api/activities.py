"""Follow-ups with the remarks on them, over the API."""

from dataclasses import replace
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from bot.api.bodies import Empty, Id, Instant, Long, Money, Short, given
from bot.api.listing import list_rows, open_row, show_row
from bot.api.resources import ID, STAMPS, Form, Resource, Shown, counts, texts, times
from bot.api.routes import Call, Routes
from crm_core import access, activities
from crm_core.activities import STAGE_LABELS, FollowUp, Method, ReviewComment
from crm_core.errors import Invalid
from crm_core.values import to_money
from scheduler import reviews

FOLLOW_UPS = Resource(
    "follow-ups",
    FollowUp,
    (
        *ID,
        *texts("subject_kind"),
        *counts("subject_id"),
        *texts("person", "method"),
        *times("at"),
        *texts("summary"),
        *times("next_follow_up_at"),
        *texts("next_action"),
        Shown("amount", Form.MONEY),
        *texts("stage"),
        *counts("author_id"),
        *times("undone_at"),
        Shown("comments", Form.MADE),
        *STAMPS,
    ),
    owner="author_id",
    search=("person", "summary", "next_action"),
)
COMMENTS = Resource(
    "comments",
    ReviewComment,
    (*ID, *counts("follow_up_id", "author_id"), *texts("text"), *times("read_at", "withdrawn_at"), *STAMPS),
    owner="",
)
FILTERS: dict[str, Any] = {
    "subject_kind": str,
    "subject_id": int,
    "person": str,
    "method": Method,
    "stage": str,
    "author_id": int,
}
SubjectKind = Literal["lead", "customer", "contact", "opportunity"]
routes = Routes()


class NewFollowUp(Struct):
    """One contact with a lead, customer or contact, or about an opportunity."""

    subject_kind: SubjectKind
    subject_id: Id
    method: Method = Method.OTHER
    at: Instant | UnsetType = UNSET
    summary: Long = ""
    next_follow_up_at: Instant | None = None
    next_action: Long = ""
    amount: Money | None = None
    stage: Short | None = None


class FollowUpChanges(Struct):
    """The fields to change."""

    method: Method | UnsetType = UNSET
    at: Instant | UnsetType = UNSET
    summary: Long | UnsetType = UNSET
    next_follow_up_at: Instant | UnsetType | None = UNSET
    next_action: Long | UnsetType = UNSET
    amount: Money | UnsetType | None = UNSET
    stage: Short | UnsetType | None = UNSET


class NewComment(Struct):
    """A remark."""

    text: Long


def _values(body: Struct) -> dict[str, Any]:
    values = given(body)
    if values.get("stage") not in (None, *STAGE_LABELS):
        raise Invalid(field="stage", reason=f"只能是 {'、'.join(STAGE_LABELS)}")
    if values.get("amount") is not None:
        values["amount"] = to_money(values["amount"])
    return values


async def _add_comments(call: Call, rows: list[dict[str, Any]], items: list[dict[str, Any]]) -> None:
    remarks: dict[int, list[dict[str, Any]]] = {row["id"]: [] for row in rows}
    for remark in await ReviewComment.filter(follow_up_id__in=list(remarks), withdrawn_at=None).order_by("id"):
        remarks[remark.follow_up_id].append(await show_row(call, COMMENTS, remark))
    for row, item in zip(rows, items, strict=True):
        item["comments"] = remarks[row["id"]]


@routes.lists("/follow-ups", scope="follow-ups:read", filters=FILTERS, shows=FOLLOW_UPS)
async def list_follow_ups(call: Call) -> Any:
    """List follow-ups that were not taken back, newest first; a converted lead's number finds its contact's too."""
    query = access.visible(FollowUp, call.actor).filter(undone_at=None)
    filters = dict(call.query)
    if "subject_id" in filters:
        query = query.filter(activities.of_subject(filters.pop("subject_id"), filters.pop("subject_kind", None)))
    return await list_rows(replace(call, query=filters), FOLLOW_UPS, query=query, complete=_add_comments)


@routes.creates("/follow-ups", scope="follow-ups:write", shows=FOLLOW_UPS)
async def add_follow_up(call: Call, body: NewFollowUp) -> Any:
    """Write down one contact; about a converted lead it is written about its contact."""
    values = _values(body)
    subject = await activities.load_subject(call.actor, values.pop("subject_kind"), values.pop("subject_id"))
    made = await activities.add_follow_up(call.core, call.actor, subject, **values)
    return await show_row(call, FOLLOW_UPS, made, complete=_add_comments)


@routes.get("/follow-ups/{id}", scope="follow-ups:read", shows=FOLLOW_UPS)
async def show_follow_up(call: Call) -> Any:
    """Show a follow-up with its remarks."""
    row = await access.load(FollowUp, call.actor, call.number)
    return await open_row(call, FOLLOW_UPS, row, complete=_add_comments)


@routes.patch("/follow-ups/{id}", scope="follow-ups:write", shows=FOLLOW_UPS)
async def change_follow_up(call: Call, body: FollowUpChanges) -> Any:
    """Correct an own follow-up."""
    made = await activities.update_follow_up(call.core, call.actor, call.number, **_values(body))
    return await show_row(call, FOLLOW_UPS, made, complete=_add_comments)


@routes.post("/follow-ups/{id}/undo", scope="follow-ups:write", shows=FOLLOW_UPS)
async def undo_follow_up(call: Call, body: Empty) -> Any:
    """Take back an own follow-up within a day."""
    made = await activities.undo_follow_up(call.core, call.actor, call.number)
    return await show_row(call, FOLLOW_UPS, made, complete=_add_comments)


@routes.lists("/follow-ups/{id}/comments", scope="follow-ups:read", shows=COMMENTS)
async def list_comments(call: Call) -> Any:
    """List the remarks on a follow-up."""
    await access.load(FollowUp, call.actor, call.number)
    return await list_rows(call, COMMENTS, query=ReviewComment.filter(follow_up_id=call.number, withdrawn_at=None))


@routes.creates("/follow-ups/{id}/comments", scope="follow-ups:write", shows=COMMENTS)
async def add_comment(call: Call, body: NewComment) -> Any:
    """Leave a remark on a follow-up."""
    return await show_row(call, COMMENTS, await reviews.comment(call.core, call.actor, call.number, body.text))


@routes.post("/follow-ups/comments/{id}/read", scope="follow-ups:write", shows=COMMENTS)
async def read_comment(call: Call, body: Empty) -> Any:
    """Say that one has read a remark on an own record."""
    remark, _ = await reviews.mark_read(call.core, call.actor, call.number)
    return await show_row(call, COMMENTS, remark)


@routes.post("/follow-ups/comments/{id}/withdraw", scope="follow-ups:write", shows=COMMENTS)
async def withdraw_comment(call: Call, body: Empty) -> Any:
    """Take an own remark back."""
    return await show_row(call, COMMENTS, await reviews.withdraw(call.core, call.actor, call.number))
