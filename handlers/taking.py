"""Taking the messages that came together: what `pipeline.take` does for each, in a few statements for all plain ones.

Nearly every message is plain: a known customer wrote words whose answer needs no further look. One look-up, one insert of
the messages, one of everything that leaves; each statement costs a turn between two threads, whatever the number of rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from crm_core import inbox
from crm_core.accounts import AccountRow, open_message_windows
from crm_core.conversations import InboundStatus, Outcome
from crm_core.employees import staff_account_sql
from crm_core.inbox import Answered, Recorded
from crm_core.messages import Address
from crm_core.outbox import insert_rows, wake
from crm_core.ports import Core, Program
from handlers.customer_texts import is_plain, plain_answer
from handlers.members import AtOnce, take_members
from handlers.owner_notices import owner_notice
from handlers.pipeline import LATE_REPLY_LASTS, Arrived, Taken, is_customers, take


@dataclass(frozen=True, slots=True)
class _Known:
    """Whose account it is, and who is told when they write."""

    account: AccountRow
    name: str
    owner: Address | None


@dataclass(frozen=True, slots=True)
class _Plain:
    """A plain message with its place among those that came."""

    index: int
    answered: Answered
    known: _Known


def take_all(core: Core, arrived: Sequence[Arrived], at_once: AtOnce) -> Program[list[Taken]]:
    """Take messages as `take` does, in their order for each person; one result each."""
    plain = yield from _sort_out(core, arrived)
    done = yield from _take_plain(core, plain)
    done |= yield from take_members(core, arrived, at_once)
    taken = []
    for index, each in enumerate(arrived):
        # A plain message that was not new is a repeat: `take` finds its row.
        taken.append(done.get(index) or (yield from take(core, each.message, passive=each.passive)))
    return taken


def _sort_out(core: Core, arrived: Sequence[Arrived]) -> Program[list[_Plain]]:
    known = yield from _look_up(core, {each.message.address for each in arrived})
    plain, others = [], set()
    for index, each in enumerate(arrived):
        message = each.message
        who = known.get(message.address)
        # Nobody's customers take the longer way: those who look after the pool are told.
        if not who or not who.owner or not is_plain(message, who.account) or not is_customers(core, message, who.account):
            others.add(message.address)
            continue
        reply = plain_answer(core, message)
        outcome = Outcome.SILENT if reply is None else Outcome.PASSIVE if each.passive else Outcome.LATE
        plain.append(_Plain(index, Answered(message, who.account.id, reply, outcome), who))
    # Somebody's messages are worked on in the order they came, so one that is not plain takes the others with it.
    return [each for each in plain if each.answered.message.address not in others]


def _look_up(core: Core, addresses: set[Address]) -> Program[dict[Address, _Known]]:
    found: dict[Address, _Known] = {}
    for channel in {address.channel for address in addresses} - core.staff_channels:
        people = [address for address in addresses if address.channel == channel]
        sql, values = _people_sql(core, len(people))
        rows = yield sql, (*values, channel, *(address.external_id for address in people))
        for external_id, number, kind, person_id, waiting, name, staff_channel, staff_id in rows:
            address = Address(channel, external_id)
            if address not in found:
                owner = Address(staff_channel, staff_id) if staff_id else None
                found[address] = _Known(AccountRow(number, kind, person_id, waiting), name or "", owner)
    return found


def _people_sql(core: Core, people: int) -> tuple[str, list[object]]:
    account, channels = staff_account_sql(core, "e")
    sql = (
        "SELECT a.external_id, a.id, a.person_kind, a.person_id, a.waiting_count, coalesce(c.name, l.name), s.channel,"  # noqa: S608
        " s.external_id FROM accounts a LEFT JOIN contacts c ON c.person_id = a.person_id"
        " LEFT JOIN leads l ON l.person_id = a.person_id AND l.contact_id IS NULL"
        " LEFT JOIN employees e ON e.id = coalesce(c.owner_id, l.owner_id) AND e.departed_at IS NULL"
        f" LEFT JOIN accounts s ON s.id = {account}"
        f" WHERE a.channel = ? AND a.external_id IN ({', '.join('?' * people)})"
    )
    return sql, channels


def _take_plain(core: Core, plain: Sequence[_Plain]) -> Program[dict[int, Taken]]:
    if not plain:
        return {}
    now = core.clock.now()
    numbers = yield from inbox.record_answered([each.answered for each in plain], now)
    done: dict[int, Taken] = {}
    leaving: list[tuple[object, ...]] = []
    woken: set[str] = set()
    written = []
    for each in plain:
        answered, message = each.answered, each.answered.message
        number = numbers.pop(message.key, None)
        if number is None:
            continue
        written.append((answered.account_id, message.at))
        if each.known.owner:
            woken.add(each.known.owner.channel)
            leaving.append(owner_notice(now, message, number, name=each.known.name, owner=each.known.owner))
        if answered.reply:
            if answered.outcome is Outcome.LATE:
                woken.add(message.address.channel)
            to, account_id, late_until = message.address, answered.account_id, now + LATE_REPLY_LASTS
            leaving.append(
                inbox.reply_row(
                    now,
                    to,
                    answered.reply,
                    message_id=number,
                    account_id=account_id,
                    outcome=answered.outcome,
                    late_until=late_until,
                )
            )
        status, outcome = InboundStatus.DONE.value, answered.outcome.value
        done[each.index] = Taken(Recorded(number, new=True, status=status, outcome=outcome, reply=answered.reply), done=True)
    yield from open_message_windows(written, now)
    yield from insert_rows(leaving)
    for channel in woken:
        wake(core, channel)
    return done
