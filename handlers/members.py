"""What people of the house wrote at the same time: looked up, recorded and begun in a few statements for all of them.

What follows from the words and the speaker alone is answered in the transaction that records it, like a customer's words;
the work on anything else is begun there. Only where one process serves the database: elsewhere another one may be at an
earlier message of the same person, and `Pipeline.work` begins when that is done.
"""

from collections.abc import Callable, Mapping, Sequence

from crm_core import inbox
from crm_core.conversations import InboundStatus, Outcome
from crm_core.inbox import Answered, Recorded
from crm_core.messages import Body, Guarantee, InboundMessage, Kind
from crm_core.outbox import insert_rows, wake
from crm_core.ports import Core, Program
from handlers import speaking
from handlers.pipeline import LATE_REPLY_LASTS, Arrived, Taken
from handlers.speaking import Speaking

AtOnce = Callable[[InboundMessage, Speaking], Body | None]
"""Gives the answer that follows from the words and the speaker alone; None for anything else."""


def take_members(core: Core, arrived: Sequence[Arrived], at_once: AtOnce) -> Program[dict[int, Taken]]:
    """Take what people of the house said, in each one's order; gives by index what was taken, the rest is left to `take`."""
    people = _by_person(core, arrived)
    if not people:
        return {}
    said = [arrived[index].message for indexes in people.values() for index in indexes]
    known = yield from speaking.look_all(core, said)
    answered: dict[int, Answered] = {}
    begun: dict[int, Speaking] = {}
    for indexes in people.values():
        who = known.get(arrived[indexes[0]].message.key)
        if who is None:
            continue
        answers = {index: _answer(arrived[index], known[arrived[index].message.key], at_once) for index in indexes}
        if all(answers.values()):
            answered |= {index: answer for index, answer in answers.items() if answer}
        else:  # what they say next waits until this is done
            begun[indexes[0]] = who
    taken = yield from _record_answered(core, answered)
    taken |= yield from _record_begun(core, arrived, begun)
    yield from _note_inbound(core, {known[arrived[index].message.key].speaker.account.id for index in taken})
    return taken


def _by_person(core: Core, arrived: Sequence[Arrived]) -> dict[tuple[str, str], list[int]]:
    """Sort by person what members said; of somebody of whom something else came too, nothing."""
    people: dict[tuple[str, str], list[int]] = {}
    others = set()
    for index, each in enumerate(arrived if core.db.alone else ()):
        address = each.message.address
        if address.channel not in core.staff_channels:
            continue
        person = (address.channel, address.external_id)
        people.setdefault(person, []).append(index)
        if not _is_said(each.message):
            others.add(person)
    return {person: indexes for person, indexes in people.items() if person not in others}


def _is_said(message: InboundMessage) -> bool:
    is_members = bool(message.address.external_id) and not message.about_customer
    return is_members and message.kind is not Kind.EVENT and not message.history


def _answer(arrived: Arrived, who: Speaking, at_once: AtOnce) -> Answered | None:
    reply = at_once(arrived.message, who)
    if reply is None:
        return None
    return Answered(arrived.message, who.speaker.account.id, reply, Outcome.PASSIVE if arrived.passive else Outcome.LATE)


def _record_answered(core: Core, answered: Mapping[int, Answered]) -> Program[dict[int, Taken]]:
    now = core.clock.now()
    numbers = yield from inbox.record_answered(list(answered.values()), now)
    taken: dict[int, Taken] = {}
    leaving = []
    for index, each in answered.items():
        number = numbers.pop(each.message.key, None)
        if number is None:  # a repeat: `take` finds its row
            continue
        to, outcome = each.message.address, each.outcome
        leaving.append(
            inbox.reply_row(
                now,
                to,
                each.reply or Body(),
                message_id=number,
                account_id=each.account_id,
                outcome=outcome,
                late_until=now + LATE_REPLY_LASTS,
                guarantee=Guarantee.AT_LEAST_ONCE,
            )
        )
        recorded = Recorded(number, new=True, status=InboundStatus.DONE.value, outcome=outcome.value, reply=each.reply)
        taken[index] = Taken(recorded, done=True)
    yield from insert_rows(leaving)
    for channel in {answered[index].message.address.channel for index in taken if answered[index].outcome is Outcome.LATE}:
        wake(core, channel)
    return taken


def _record_begun(core: Core, arrived: Sequence[Arrived], begun: Mapping[int, Speaking]) -> Program[dict[int, Taken]]:
    numbers = yield from inbox.record_begun(core, [arrived[index].message for index in begun])
    found = {index: numbers.get(arrived[index].message.key) for index in begun}
    return {
        index: Taken(Recorded(number, new=True), done=False, begun=begun[index])
        for index, number in found.items()
        if number is not None
    }


def _note_inbound(core: Core, accounts: set[int]) -> Program[None]:
    if accounts:
        now, marks = core.clock.now(), ", ".join("?" * len(accounts))
        sql = f"UPDATE accounts SET last_inbound_at = ?, updated_at = ? WHERE id IN ({marks})"  # noqa: S608 - question marks
        yield sql, (now, now, *sorted(accounts))
