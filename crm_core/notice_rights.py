"""Rights to send a subscription notice (订阅通知): a person's yes to a template is good for one notice.

The yes comes as an event; a send uses one up; the platform's no (43101) says that there is none, whatever we counted.
"""

from collections.abc import Mapping
from datetime import datetime

from tortoise import fields

from crm_core import access
from crm_core.access import Actor
from crm_core.accounts import Account
from crm_core.db import Entity, UtcDatetimeField
from crm_core.errors import Conflict, Invalid
from crm_core.messages import Body, Kind
from crm_core.outbox import queue
from crm_core.ports import Core, Program


class NoNoticeRight(Conflict):
    """The person has not agreed to this notice, or their yes is used up."""

    code = "notice.no_right"
    text = "客户没有同意接收这个通知，或同意的次数已用完"


class NoticeRight(Entity):
    """How many notices of one template an account may still be sent."""

    owner_field = None

    account_id = fields.BigIntField()
    template_id = fields.CharField(max_length=64)
    left_count = fields.IntField(default=0)
    accepted_at = UtcDatetimeField(null=True)
    refused_at = UtcDatetimeField(null=True)

    class Meta:
        """One row an account and template."""

        table = "notice_rights"
        unique_together = (("account_id", "template_id"),)


def note_answer(account_id: int, template_id: str, *, accepted: bool, for_good: bool, at: datetime) -> Program[None]:
    """Note a yes or no; a no in the settings (`for_good`) ends what was left, one in the popup only gives nothing."""
    if not template_id:
        return
    left = 1 if accepted else 0
    kept = "notice_rights.left_count + 1" if accepted else "0" if for_good else "notice_rights.left_count"
    word = "accepted_at" if accepted else "refused_at"
    yield (
        f"INSERT INTO notice_rights (account_id, template_id, left_count, {word}, created_at, updated_at)"  # noqa: S608
        f" VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (account_id, template_id) DO UPDATE SET left_count = {kept},"
        f" {word} = excluded.{word}, updated_at = excluded.updated_at",
        (account_id, template_id[:64], left, at, at, at),
    )


def end_right(account_id: int, template_id: str, at: datetime) -> Program[None]:
    """Believe the platform: no notice of this template may be sent any more."""
    yield (
        "UPDATE notice_rights SET left_count = 0, refused_at = ?, updated_at = ? WHERE account_id = ? AND template_id = ?",
        (at, at, account_id, template_id),
    )


def spend_right(account_id: int, template_id: str, now: datetime) -> Program[bool]:
    """Use one right up; the condition is in the update itself."""
    taken = yield (
        "UPDATE notice_rights SET left_count = left_count - 1, updated_at = ?"
        " WHERE account_id = ? AND template_id = ? AND left_count > 0",
        (now, account_id, template_id),
    )
    return bool(taken)


async def send_notice(
    core: Core, actor: Actor, account_id: int, *, template_id: str, data: Mapping[str, str], page: str = "", key: str
) -> int | None:
    """Send a subscription notice (订阅通知): uses one right up and puts the message into the outbox, in one transaction.

    `key` makes it once. Raises: NotFound; Invalid; NoNoticeRight.
    """
    access.require(actor, "broadcasts:write")
    if not template_id.strip() or not data:
        raise Invalid(field="template_id", reason="请填写模板编号和内容")
    account = await access.load(Account, actor, account_id)
    now = core.clock.now()
    body = Body(
        kind=Kind.NOTICE, text="\n".join(data.values()), template_id=template_id.strip(), url=page, template_data=dict(data)
    )

    async with core.db.transaction():
        made = await core.db.run(queue(core, account.address, body, key=f"notice:{key}", account_id=account.id, topic="notice"))
        if made is not None and not await core.db.run(spend_right(account.id, body.template_id, now)):
            raise NoNoticeRight
        return made
