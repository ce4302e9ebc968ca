"""Who writes, and which question is open to them: what the work on every message of the house begins with. Plain SQL.

Found in the transaction that begins the work: until it is done nobody works on anything else this person says, so it holds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crm_core import inbox
from crm_core.accounts import AccountRow
from crm_core.employees import Speaker, find_speaker, find_speakers
from crm_core.messages import InboundMessage
from crm_core.ports import Core, Program
from handlers import dialogs
from handlers.dialogs import Dialog


@dataclass(frozen=True, slots=True)
class Speaking:
    """Somebody who writes, and the question that is open where they do."""

    speaker: Speaker
    question: Dialog | None = None


def look(core: Core, message: InboundMessage, account: AccountRow) -> Program[Speaking]:
    """Find who wrote a message."""
    speaker = yield from find_speaker(account)
    if speaker.staff is None:
        return Speaking(speaker)
    place = dialogs.place_of(account.id, message)
    questions = yield from dialogs.read(core, [place])
    return Speaking(speaker, questions.get(place))


def look_all(core: Core, messages: Sequence[InboundMessage]) -> Program[dict[str, Speaking]]:
    """Find who wrote many messages, by their keys; those without an account, or with open work, are left out."""
    speakers: dict[str, Speaker] = {}
    for channel in {message.address.channel for message in messages}:
        spoken = [message for message in messages if message.address.channel == channel]
        found = yield from _free_speakers(channel, {message.address.external_id for message in spoken})
        speakers |= {message.key: found[person] for message in spoken if (person := message.address.external_id) in found}
    places = {
        message.key: dialogs.place_of(speakers[message.key].account.id, message)
        for message in messages
        if message.key in speakers and speakers[message.key].staff
    }
    questions = yield from dialogs.read(core, sorted(set(places.values())))
    return {key: Speaking(speaker, questions.get(places.get(key, ""))) for key, speaker in speakers.items()}


def _free_speakers(channel: str, people: Iterable[str]) -> Program[dict[str, Speaker]]:
    names = sorted(people)
    busy = yield from inbox.busy_among(channel, names)
    found = yield from find_speakers(channel, names)
    return {person: speaker for person, speaker in found.items() if person not in busy}
