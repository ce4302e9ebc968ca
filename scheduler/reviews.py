"""A manager's remark on a record (批复): it reaches the writer, who says that it was read."""

from crm_core import access, activities
from crm_core.access import Actor
from crm_core.activities import FollowUp, ReviewComment
from crm_core.errors import NotFound, Refused
from crm_core.messages import Button
from crm_core.ports import Core, Program
from scheduler.notices import staff_account, tell, tell_at


async def comment(core: Core, actor: Actor, follow_up_id: int, text: str) -> ReviewComment:
    """Leave a remark on a follow-up and tell its writer, in one transaction. Raises: NotFound; Invalid."""
    async with core.db.transaction():
        remark = await activities.comment(core, actor, follow_up_id, text)
        follow_up = await FollowUp.get(id=follow_up_id)
        if follow_up.author_id is not None and follow_up.author_id != actor.employee_id:
            words = f"【批复】{actor.name}批复了{follow_up.person}的跟进「{follow_up.summary[:30]}」：{remark.text}"
            await core.db.run(_tell_writer(core, follow_up.author_id, remark.id, words))
    return remark


def _tell_writer(core: Core, employee_id: int, remark_id: int, words: str) -> Program[None]:
    found = yield from staff_account(core, employee_id)
    if found is not None:
        buttons = (Button("已读", "read_review", {"review": str(remark_id)}),)
        text = f"{words}\n看过请回复：已读批复"
        yield from tell_at(core, found, text, key=f"review:{remark_id}", topic="review", buttons=buttons)


async def unread(actor: Actor, *, limit: int = 20) -> list[ReviewComment]:
    """List the remarks on the actor's own records that they have not read, newest first."""
    own = FollowUp.filter(author_id=actor.employee_id or 0, undone_at=None).order_by("-id")
    mine = list(await own.limit(500).values_list("id", flat=True))
    rows = ReviewComment.filter(follow_up_id__in=mine, read_at=None, withdrawn_at=None)
    return await rows.exclude(author_id=actor.employee_id).order_by("-id").limit(limit)


async def mark_read(core: Core, actor: Actor, remark_id: int) -> tuple[ReviewComment, bool]:
    """Note that the writer of a record has read a remark on it; its author is told. Tells whether it was new.

    Raises: NotFound for a remark on somebody else's record.
    """
    access.require(actor, "follow-ups:write")
    async with core.db.transaction():
        remark = await ReviewComment.get_or_none(id=remark_id, withdrawn_at=None)
        follow_up = await FollowUp.get_or_none(id=remark.follow_up_id) if remark else None
        if remark is None or follow_up is None or follow_up.author_id != actor.employee_id:
            raise NotFound
        now = core.clock.now()
        new = bool(await ReviewComment.filter(id=remark.id, read_at=None).update(read_at=now, updated_at=now))
        if new:
            await access.record(core, actor, "follow_up.review_read", follow_up)
            words = f"{actor.name}已读批复：{remark.text[:40]}"
            await core.db.run(tell(core, remark.author_id, words, key=f"review_read:{remark.id}", topic="review"))
        return await ReviewComment.get(id=remark.id), new


async def withdraw(core: Core, actor: Actor, remark_id: int) -> ReviewComment:
    """Take an own remark back (撤销); what was not sent yet is not sent. Raises: NotFound; Refused."""
    async with core.db.transaction():
        remark = await ReviewComment.get_or_none(id=remark_id)
        if remark is None:
            raise NotFound
        follow_up = await access.load(FollowUp, actor, remark.follow_up_id)
        if remark.author_id != actor.employee_id:
            raise Refused
        now = core.clock.now()
        await remark.change(core, withdrawn_at=now)
        await core.db.run(_cancel_waiting(core, remark.id))
        await access.record(core, actor, "follow_up.review_withdraw", follow_up)
    return remark


def _cancel_waiting(core: Core, remark_id: int) -> Program[None]:
    yield (
        "UPDATE messages SET status = 'cancelled', reason = 'withdrawn', updated_at = ?"
        " WHERE key = ? AND status IN ('queued', 'kept')",
        (core.clock.now(), f"review:{remark_id}"),
    )
