"""Lost and shelved deals whose day has come return to their owner as a todo (再试)."""

from datetime import timedelta

from crm_core import access
from crm_core.access import Actor
from crm_core.clock import today
from crm_core.opportunities import Opportunity, OpportunityStatus
from crm_core.ports import Core, Program
from scheduler import reminders
from scheduler.opportunity_todos import morning_of
from scheduler.queue import Periodic

PAGE = 200
SYSTEM = Actor.of_system("opportunity_retries")


async def run(core: Core) -> int:
    """Make the todos that are due; tells how many."""
    made = 0
    while page := await core.db.read(_due(core)):
        for number in page:
            made += await _bring_back(core, number)
        if len(page) < PAGE:
            break
    return made


def _due(core: Core) -> Program[list[int]]:
    rows = yield (
        "SELECT o.id FROM opportunities o JOIN employees e ON e.id = o.owner_id AND e.departed_at IS NULL"  # noqa: S608 - a constant
        " WHERE o.retried_at IS NULL AND o.retry_on IS NOT NULL AND o.retry_on <= ? AND o.status IN ('lost', 'shelved')"
        f" ORDER BY o.retry_on, o.id LIMIT {PAGE}",
        (today(core.clock),),
    )
    return [int(number) for (number,) in rows]


async def _bring_back(core: Core, number: int) -> bool:
    async with core.db.transaction():
        now = core.clock.now()
        # The condition is in the update: of two at once, or of an owner who was faster, one makes the todo.
        waiting = Opportunity.filter(id=number, retried_at=None, retry_on__lte=today(core.clock))
        if not await waiting.update(retried_at=now, updated_at=now):
            return False
        row = await Opportunity.get(id=number)
        if row.owner_id is None or row.retry_on is None:
            return False
        await reminders.create(
            core,
            SYSTEM,
            text=todo_text(row),
            at=max(now, morning_of(row.retry_on)),
            owner_id=row.owner_id,
            about_kind="customer",
            about_id=row.customer_id,
            about=row.name,
        )
        await access.record(core, SYSTEM, "opportunity.retry", row)
    return True


def todo_text(row: Opportunity) -> str:
    """Say why a deal comes back."""
    if row.status == OpportunityStatus.SHELVED:
        return f"商机「{row.name}」搁置到期，请再联系；继续跟请说：重启 {row.name}"
    to_whom = f"，输给{row.competitor}" if row.competitor not in ("", "无") else ""
    return f"商机「{row.name}」可以再试了（上次：{row.loss_reason}{to_whom}）；继续跟请说：重启 {row.name}"


PERIODIC = Periodic(name="opportunity_retries", every=timedelta(minutes=5), run=run)
