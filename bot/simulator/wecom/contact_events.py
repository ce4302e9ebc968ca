"""The vocabulary of customer contact (客户联系): events whose sender is always `sys`, without an AgentID.

Source: protocols.md section 3.2.
"""

from bot.simulator.documents import Fields
from bot.simulator.wecom.messages import event

FAIL_REASONS = frozenset({"customer_refused", "customer_limit_exceed"})


def contact(change_type: str, userid: str, external_userid: str, **more: object) -> Fields:
    """Make a change between a member and a customer; fields that are None are left out."""
    given = {name: value for name, value in more.items() if value is not None}
    return event("change_external_contact", ChangeType=change_type, UserID=userid, ExternalUserID=external_userid, **given)


def added(userid: str, external_userid: str, state: str | None, welcome_code: str | None, *, half: bool = False) -> Fields:
    """Make a new customer; half: added without the member's own consent."""
    change_type = "add_half_external_contact" if half else "add_external_contact"
    return contact(change_type, userid, external_userid, State=state, WelcomeCode=welcome_code)


def edited(userid: str, external_userid: str) -> Fields:
    """Make a change of remark or tags by the member."""
    return contact("edit_external_contact", userid, external_userid)


def deleted(userid: str, external_userid: str, source: str | None = None) -> Fields:
    """Make the end by the member; `source` DELETE_BY_TRANSFER after a handover."""
    return contact("del_external_contact", userid, external_userid, Source=source)


def left(userid: str, external_userid: str) -> Fields:
    """Make the end by the customer."""
    return contact("del_follow_user", userid, external_userid)


def transfer_failed(userid: str, external_userid: str, reason: str = "customer_refused") -> Fields:
    """Make a handover that did not happen."""
    if reason not in FAIL_REASONS:
        raise ValueError(reason)
    return event(
        "change_external_contact",
        ChangeType="transfer_fail",
        FailReason=reason,
        UserID=userid,
        ExternalUserID=external_userid,
    )


def audit_approved(userid: str, external_userid: str, welcome_code: str | None) -> Fields:
    """Make a customer's consent to the archive of chats."""
    return contact("msg_audit_approved", userid, external_userid, WelcomeCode=welcome_code)


def chat_changed(chat_id: str, change_type: str, update_detail: str | None = None, **more: object) -> Fields:
    """Make a change of a group: create, update with its detail, dismiss."""
    fields = event("change_external_chat", ChatId=chat_id, ChangeType=change_type)
    if update_detail is not None:
        fields["UpdateDetail"] = update_detail
    return fields | {name: value for name, value in more.items() if value is not None}


def tag_changed(change_type: str, tag_id: str, tag_type: str = "tag", strategy_id: int | None = None) -> Fields:
    """Make a change of the corporation's tags: create, update, delete, shuffle."""
    fields = event("change_external_tag", Id=tag_id, TagType=tag_type, ChangeType=change_type)
    return fields if strategy_id is None else {**fields, "StrategyId": strategy_id}
