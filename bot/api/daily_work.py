"""Reports of work, the staff centre, announcements, knowledge and mail addresses over the API."""

from datetime import date
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from bot.api.bodies import Empty, Id, Instant, Line, Long, given
from bot.api.listing import list_rows, show_row
from bot.api.resources import ID, STAMPS, Form, Resource, Shown, counts, texts, times
from bot.api.routes import Call, Routes
from crm_core import access, knowledge, mails, work_reports, work_summaries
from crm_core.errors import Invalid
from crm_core.knowledge import Article
from crm_core.mails import MailAddress
from crm_core.work_reports import ReportKind, WorkReport
from scheduler import announcements
from scheduler.announcements import Announcement

REPORTS = Resource(
    "work-reports",
    WorkReport,
    (
        *ID,
        *counts("employee_id"),
        *texts("kind"),
        Shown("period_on", Form.TIME),
        *texts("text", "figures"),
        *times("submitted_at"),
        *STAMPS,
    ),
    owner="employee_id",
    search=("text",),
)
ANNOUNCEMENTS = Resource(
    "announcements",
    Announcement,
    (*ID, *counts("author_id"), *texts("kind", "audience", "text"), *times("withdrawn_at"), *STAMPS),
    owner="",
    search=("text",),
)
ARTICLES = Resource(
    "articles",
    Article,
    (*ID, *texts("title", "words", "text", "source"), *counts("author_id"), *times("ended_at"), *STAMPS),
    owner="",
    search=("title", "words", "text"),
)
ADDRESSES = Resource(
    "mail-addresses", MailAddress, (*ID, *counts("employee_id"), *texts("address"), *STAMPS), owner="employee_id"
)
routes = Routes()


class NewReport(Struct):
    """A report of today or this week, or of the time `period_on` falls into."""

    kind: ReportKind
    text: Long
    period_on: date | None = None


class NewAnnouncement(Struct):
    """What is told to whom: names, roles, units, or 全体."""

    audience: list[Line]
    text: Long


class NewArticle(Struct):
    """What the house knows; without a source its author is one."""

    title: Line
    text: Long
    source: Line = ""
    words: Line = ""


class ArticleChanges(Struct):
    """The fields to change."""

    title: Line | UnsetType = UNSET
    text: Long | UnsetType = UNSET
    source: Line | UnsetType = UNSET
    words: Line | UnsetType = UNSET


class NewAddress(Struct):
    """From which address whom; oneself without an employee."""

    address: Line
    employee_id: Id | None = None


@routes.lists(
    "/work-reports",
    scope="work-reports:read",
    filters={"employee_id": int, "kind": ReportKind, "period_on": date},
    shows=REPORTS,
)
async def list_reports(call: Call) -> Any:
    """List the reports of oneself, or of the team."""
    query = access.visible(WorkReport, call.actor).filter(withdrawn_at=None)
    return await list_rows(call, REPORTS, query=query)


@routes.creates("/work-reports", scope="work-reports:write", shows=REPORTS)
async def add_report(call: Call, body: NewReport) -> Any:
    """Hand in a report; the same one again replaces its text."""
    row, _ = await work_reports.submit(call.core, call.actor, body.kind, body.text, day=body.period_on)
    return await show_row(call, REPORTS, row)


@routes.get("/work-reports/draft", scope="work-reports:read")
async def show_draft(call: Call) -> Any:
    """Show what the records say of this week, and what they call for."""
    found, words = await work_reports.prefill(call.core, call.actor, ReportKind.WEEKLY)
    return {"kind": "weekly", "figures": words, "advice": work_summaries.advice_of(found)}


@routes.post("/work-reports/{id}/withdraw", scope="work-reports:write", shows=REPORTS)
async def withdraw_report(call: Call, body: Empty) -> Any:
    """Take an own report back."""
    return await show_row(call, REPORTS, await work_reports.withdraw(call.core, call.actor, call.number))


@routes.lists("/reports/work-summary", scope="employees:read", filters={"employee_id": int, "from": Instant, "until": Instant})
async def show_summary(call: Call) -> Any:
    """Sum an employee's work up between two instants: visits, follow-ups, deals moved, what is overdue."""
    values = call.query
    missing = [name for name in ("employee_id", "from", "until") if name not in values]
    if missing:
        raise Invalid(field=missing[0], reason="缺少这个字段")
    found = await work_summaries.summarise(call.core, call.actor, values["employee_id"], values["from"], values["until"])
    return {
        "employee_id": found.employee_id,
        "name": found.name,
        "visits": found.visits,
        "visits_made": found.visits_made,
        "unrecorded": found.unrecorded,
        "follow_ups": found.follow_ups,
        "customers": found.customers,
        "new_leads": found.new_leads,
        "moved": [{"name": each.name, "kind": each.kind, "stage": each.stage} for each in found.moved],
        "won": found.won,
        "won_amount": str(found.won_amount),
        "overdue": list(found.overdue),
        "overdue_count": found.overdue_count,
    }


@routes.lists("/announcements", scope="announcements:read")
async def list_announcements(call: Call) -> Any:
    """List the newest announcements to oneself or by oneself."""
    rows = await announcements.list_mine(call.actor, limit=call.limit)
    items = [{**await show_row(call, ANNOUNCEMENTS, row), "unread": unread} for row, unread in rows]
    return {"items": items, "next": None}


@routes.creates("/announcements", scope="announcements:write", shows=ANNOUNCEMENTS)
async def add_announcement(call: Call, body: NewAnnouncement) -> Any:
    """Tell chosen people something."""
    people = await announcements.choose(call.actor, body.audience[:50])
    made = await announcements.publish(call.core, call.actor, people, body.text, audience="、".join(body.audience[:50]))
    return await show_row(call, ANNOUNCEMENTS, made)


@routes.get("/announcements/{id}", scope="announcements:read")
async def show_announcement(call: Call) -> Any:
    """Show an announcement; to its author with who has read it."""
    row = await announcements.load(call.actor, call.number)
    item = await show_row(call, ANNOUNCEMENTS, row)
    if not (call.actor.sees_all or row.author_id == call.actor.employee_id):
        return item
    state = await announcements.read_state(call.actor, row.id)
    return {**item, "read": list(state.read), "unread": list(state.unread)}


@routes.post("/announcements/{id}/read", scope="announcements:write", shows=ANNOUNCEMENTS)
async def read_announcement(call: Call, body: Empty) -> Any:
    """Say that one has read an announcement."""
    row, _ = await announcements.mark_read(call.core, call.actor, call.number)
    return await show_row(call, ANNOUNCEMENTS, row)


@routes.post("/announcements/{id}/withdraw", scope="announcements:write", shows=ANNOUNCEMENTS)
async def withdraw_announcement(call: Call, body: Empty) -> Any:
    """Take an own announcement back."""
    return await show_row(call, ANNOUNCEMENTS, await announcements.withdraw(call.core, call.actor, call.number))


@routes.lists("/articles", scope="articles:read", shows=ARTICLES)
async def list_articles(call: Call) -> Any:
    """List what the house knows."""
    return await list_rows(call, ARTICLES, query=Article.filter(ended_at=None))


@routes.lists("/articles/answers", scope="articles:read")
async def answer_question(call: Call) -> Any:
    """Find the articles that answer a question (`q`), the best first; none when nothing is sure."""
    found = await knowledge.ask(call.core, call.actor, str(call.query.get("q", "")))
    items = [{**await show_row(call, ARTICLES, each.article), "share": each.share} for each in found]
    return {"items": items, "next": None}


@routes.creates("/articles", scope="articles:write", shows=ARTICLES)
async def add_article(call: Call, body: NewArticle) -> Any:
    """Store an article."""
    return await show_row(call, ARTICLES, await knowledge.add(call.core, call.actor, **given(body)))


@routes.get("/articles/{id}", scope="articles:read", shows=ARTICLES)
async def show_article(call: Call) -> Any:
    """Show an article."""
    return await show_row(call, ARTICLES, await access.load(Article, call.actor, call.number))


@routes.patch("/articles/{id}", scope="articles:write", shows=ARTICLES)
async def change_article(call: Call, body: ArticleChanges) -> Any:
    """Change an article."""
    return await show_row(call, ARTICLES, await knowledge.change(call.core, call.actor, call.number, **given(body)))


@routes.post("/articles/{id}/end", scope="articles:write", shows=ARTICLES)
async def end_article(call: Call, body: Empty) -> Any:
    """Answer with an article no more."""
    return await show_row(call, ARTICLES, await knowledge.end(call.core, call.actor, call.number))


@routes.lists("/mail-addresses", scope="follow-ups:read", filters={"employee_id": int}, shows=ADDRESSES)
async def list_addresses(call: Call) -> Any:
    """List from which addresses colleagues write."""
    return await list_rows(call, ADDRESSES)


@routes.creates("/mail-addresses", scope="follow-ups:write", shows=ADDRESSES)
async def add_address(call: Call, body: NewAddress) -> Any:
    """Say from which address one writes, as admin anybody."""
    employee_id = body.employee_id if body.employee_id is not None else call.actor.employee_id
    if employee_id is None:
        raise Invalid(field="employee_id", reason="请填写是谁的邮箱")
    return await show_row(call, ADDRESSES, await mails.set_address(call.core, call.actor, employee_id, body.address))


@routes.delete("/mail-addresses/{id}", scope="follow-ups:write")
async def drop_address(call: Call) -> Any:
    """Forget an address."""
    await mails.drop_address(call.core, call.actor, call.number)
    return {}
