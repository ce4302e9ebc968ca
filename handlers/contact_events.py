"""External contacts of WeCom (客户联系): added, lost, not transferred; members of the directory that go or change their id.

Everything is plain-SQL programs, run in the transaction that records the event, as for a customer who writes.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from campaigns.templates import Recipient, TemplateKind, render
from crm_core import leads
from crm_core.accounts import AccountRow, PersonKind
from crm_core.contact_follows import ask_again, note_follow, note_unfollow
from crm_core.messages import Body, InboundMessage
from crm_core.ports import Core, Program
from crm_core.welcomes import queue_welcome
from scheduler.notices import tell, tell_admins

DIRECTORY_EVENT = "change_contact"
ADDED = frozenset({"add_external_contact", "add_half_external_contact"})
LOST = {"del_follow_user": "删除了{staff}", "del_external_contact": "被{staff}从企业微信客户中删除"}
TRANSFER_FAILS = {"customer_refused": "客户拒绝", "customer_limit_exceed": "接替成员的客户数已达上限"}
CODE_LASTS = timedelta(seconds=20)
"""How long a welcome code holds. Source: welcome page of WeCom, protocols.md section 3.2."""
DEFAULT_NAME = "企微客户"
"""A contact's name until the platform tells it; the number of the account follows."""


@dataclass(frozen=True, slots=True)
class _Member:
    """The employee behind a member's id."""

    id: int
    name: str
    manager_id: int | None


def take_contact_event(core: Core, message: InboundMessage, message_id: int, account: AccountRow) -> Program[None]:
    """Take an event about an external contact: lead, owner, welcome, notices."""
    change = str(message.data.get("change_type") or "")
    staff_id = str(message.data.get("user_id") or "")
    member = yield from _find_member(message.address.channel, staff_id)
    if change in ADDED:
        yield from _added(core, message, account, staff_id, member)
    elif change in LOST:
        yield from _lost(core, message, account, staff_id, member)
    elif change == "transfer_fail":
        yield from _transfer_failed(core, message, message_id, account, member)
    elif change == "edit_external_contact":
        yield from ask_again(core, message.address.channel, message.address.external_id)
    if message.data.get("welcome_code"):
        yield from _welcome(core, message, message_id, account.id, member)


def _find_member(channel: str, staff_id: str) -> Program[_Member | None]:
    rows = yield (
        "SELECT e.id, e.name, e.manager_id FROM accounts a JOIN employees e ON e.person_id = a.person_id"
        " WHERE a.channel = ? AND a.external_id = ? AND a.person_kind = 'employee' AND e.departed_at IS NULL",
        (channel, staff_id),
    )
    return _Member(*rows[0]) if rows else None


def _added(core: Core, message: InboundMessage, account: AccountRow, staff_id: str, member: _Member | None) -> Program[None]:
    now = core.clock.now()
    channel = message.address.channel
    yield from note_follow(core, channel, message.address.external_id, staff_id, message.at)
    # Event time decides: an addition that arrives after a newer end changes nothing.
    yield (
        "UPDATE accounts SET followed_at = ?, unfollowed_at = NULL, updated_at = ?"
        " WHERE id = ? AND (unfollowed_at IS NULL OR unfollowed_at < ?) AND (followed_at IS NULL OR followed_at < ?)",
        (message.at, now, account.id, message.at, message.at),
    )
    if account.person_id is not None:
        return
    name, source = message.nickname or f"{DEFAULT_NAME}{account.id}", str(message.data.get("state") or "")
    lead_id, person_id = yield from leads.insert_from_channel(
        core, channel=channel, name=name, source=source, raw_text="", is_news=member is None
    )
    yield (
        "UPDATE accounts SET person_kind = ?, person_id = ?, updated_at = ? WHERE id = ?",
        (PersonKind.CUSTOMER.value, person_id, now, account.id),
    )
    if member is None:
        return
    # Who added them has them: not counted against the claim cap, which is about taking from the pool.
    yield "UPDATE leads SET owner_id = ?, claimed_at = ? WHERE id = ?", (member.id, now, lead_id)
    origin = f"（来源：{source}）" if source else ""
    yield from tell(core, member.id, f"【新客户】{name}{origin}已添加企业微信，已记为你的线索", key=f"contact_added:{lead_id}")


def _lost(core: Core, message: InboundMessage, account: AccountRow, staff_id: str, member: _Member | None) -> Program[None]:
    address = message.address
    is_last = yield from note_unfollow(core, address.channel, address.external_id, staff_id, message.at)
    if is_last:
        yield (
            "UPDATE accounts SET unfollowed_at = ?, updated_at = ? WHERE id = ? AND (followed_at IS NULL OR followed_at <= ?)",
            (message.at, core.clock.now(), account.id, message.at),
        )
    name, owner_id = yield from _customer(account)
    if not name:
        return
    words = LOST[str(message.data["change_type"])].format(staff=member.name if member else "成员")
    if message.data.get("source") == "DELETE_BY_TRANSFER":
        words = "已转接给其他成员"
    told = owner_id if owner_id is not None else member.id if member else None
    yield from tell(core, told, f"【客户流失】{name}{words}", key=f"contact_lost:{message.key}")


def _transfer_failed(
    core: Core, message: InboundMessage, message_id: int, account: AccountRow, member: _Member | None
) -> Program[None]:
    """Tell the manager of the member who was to take the customer over; the member where there is no manager."""
    name, owner_id = yield from _customer(account)
    reason = str(message.data.get("fail_reason") or "")
    why, to = TRANSFER_FAILS.get(reason, reason or "原因未知"), member.name if member else "接替成员"
    text = f"【转接失败】{name or '客户'}未能转给{to}：{why}"
    manager_id = member.manager_id if member else None
    if manager_id is None and owner_id is not None:
        rows = yield "SELECT manager_id FROM employees WHERE id = ?", (owner_id,)
        manager_id = rows[0][0] if rows else None
    for number in (manager_id, member.id if member else None, owner_id):
        if number is not None and (yield from tell(core, number, text, key=f"transfer_fail:{message_id}")):
            return


def _customer(account: AccountRow) -> Program[tuple[str, int | None]]:
    """Give the name and owner of whoever is behind an account."""
    rows = yield (
        "SELECT coalesce(c.name, l.name, ''), coalesce(c.owner_id, l.owner_id) FROM accounts a"
        " LEFT JOIN contacts c ON c.person_id = a.person_id LEFT JOIN leads l ON l.person_id = a.person_id WHERE a.id = ?",
        (account.id,),
    )
    return (str(rows[0][0]), rows[0][1]) if rows else ("", None)


def _welcome(core: Core, message: InboundMessage, message_id: int, account_id: int, member: _Member | None) -> Program[None]:
    deadline = datetime.fromtimestamp(float(str(message.data.get("welcome_deadline") or 0)), UTC)
    # A platform whose clock is ahead of ours must not make the code last longer than it does.
    until = min(deadline, core.clock.now() + CODE_LASTS)
    text = yield from _welcome_text(core, message, member)
    if text:
        yield from queue_welcome(
            core, message.address, Body(text=text), message_id=message_id, account_id=account_id, until=until
        )


def _welcome_text(core: Core, message: InboundMessage, member: _Member | None) -> Program[str]:
    """Give the newest welcome template filled in, or the text of the settings."""
    rows = yield "SELECT body FROM templates WHERE kind = ? ORDER BY id DESC LIMIT 1", (TemplateKind.WELCOME.value,)
    if not rows:
        return core.settings.answers.welcome
    person = Recipient(name=message.nickname, owner=member.name if member else "")
    return render(str(rows[0][0]), person, core.clock.now())


def take_directory_event(core: Core, message: InboundMessage) -> Program[None]:
    """Take a change of the directory: who is deleted there has no rights here, who gets a new id keeps them.

    An id may be given to somebody else later, who must not find a bound account.
    """
    if message.event != DIRECTORY_EVENT:
        return
    channel, change = message.address.channel, str(message.data.get("change_type") or "")
    user_id, new_id = str(message.data.get("user_id") or ""), str(message.data.get("new_user_id") or "")
    now = core.clock.now()
    if change == "delete_user" and user_id:
        member = yield from _find_member(channel, user_id)
        if member is not None:
            label = core.channel_labels.get(channel, channel)
            text = f"【{label}】{member.name}已离开组织，账号已解绑。若已离职，请运行 guanxi employee depart {member.id}"
            yield from tell_admins(core, text, key=f"left:{message.key[-200:]}")
        yield (
            "UPDATE accounts SET person_kind = 'stranger', person_id = NULL, waiting_count = 0, updated_at = ?"
            " WHERE channel = ? AND external_id = ? AND person_kind = 'employee'",
            (now, channel, user_id),
        )
    if change == "update_user" and new_id and new_id != user_id:
        yield (
            "UPDATE accounts SET external_id = ?, updated_at = ? WHERE channel = ? AND external_id = ?"
            " AND NOT EXISTS (SELECT 1 FROM accounts o WHERE o.channel = ? AND o.external_id = ?)",
            (new_id, now, channel, user_id, channel, new_id),
        )
        yield (
            "UPDATE contact_follows SET staff_id = ?, updated_at = ? WHERE channel = ? AND staff_id = ?"
            " AND NOT EXISTS (SELECT 1 FROM contact_follows o WHERE o.channel = contact_follows.channel"
            " AND o.external_id = contact_follows.external_id AND o.staff_id = ?)",
            (new_id, now, channel, user_id, new_id),
        )
