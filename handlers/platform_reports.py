"""What an Official Account reports of its own accord: results of sends, and people's word on subscription notices. Plain SQL.

Everything here runs in the transaction that records the event. After a broadcast there are very many of them, so nothing
is read or written that need not be.
"""

from collections.abc import Mapping
from typing import Any

from campaigns.platform_results import Report, note_mass, note_template
from crm_core import notice_rights
from crm_core.accounts import AccountRow
from crm_core.messages import InboundMessage, Kind
from crm_core.ports import Core, Program

NO_CONSENT = 43101
"""The person has taken back or used up their yes. Source: protocols.md section 2.2."""


def is_nobodys(message: InboundMessage) -> bool:
    """Whether it concerns no person: its sender is the platform's own helper, not a follower."""
    return message.kind is Kind.EVENT and message.event in ("masssendjobfinish", "freepublishjobfinish")


def take_nobodys(core: Core, message: InboundMessage) -> Program[None]:
    """Take the report of a mass call."""
    if message.event != "masssendjobfinish":
        return
    data = message.data
    report = Report(
        str(data.get("job_msg_id") or ""),
        str(data.get("raw_status") or ""),
        total=_number(data, "total"),
        filtered=_number(data, "filtered"),
        sent=_number(data, "sent"),
        errors=_number(data, "errors"),
    )
    yield from note_mass(core, message.address.channel, report, message.at)


def take_report(core: Core, message: InboundMessage, account: AccountRow) -> Program[None]:
    """Take what is reported of one person."""
    data = message.data
    if message.event == "templatesendjobfinish":
        yield from note_template(
            core,
            message.address.channel,
            account.id,
            external_id=str(data.get("job_msg_id") or ""),
            delivered=bool(data.get("delivered")),
            raw_status=str(data.get("raw_status") or ""),
            at=message.at,
        )
    elif message.event in ("subscribe_msg_popup_event", "subscribe_msg_change_event"):
        for item in _items(data):
            yield from notice_rights.note_answer(
                account.id,
                str(item.get("template_id") or ""),
                accepted=item.get("status") == "accept",
                for_good=message.event == "subscribe_msg_change_event",
                at=message.at,
            )
    elif message.event == "subscribe_msg_sent_event":
        for item in _items(data):
            yield from _note_notice(core, message, account, item)


def _note_notice(core: Core, message: InboundMessage, account: AccountRow, item: Mapping[str, Any]) -> Program[None]:
    error = _number(item, "error_code")
    if not error:
        return
    if error == NO_CONSENT:
        yield from notice_rights.end_right(account.id, str(item.get("template_id") or ""), message.at)
    yield from note_template(
        core,
        message.address.channel,
        account.id,
        external_id=str(item.get("job_msg_id") or ""),
        delivered=False,
        raw_status=str(item.get("error_status") or f"errcode_{error}"),
        at=message.at,
    )


def _items(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = data.get("items")
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def _number(data: Mapping[str, Any], name: str) -> int:
    value = data.get(name)
    return value if isinstance(value, int) else 0
