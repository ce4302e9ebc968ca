"""A message made sense of, and what it means for the question that is open."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from crm_core.access import Actor
from crm_core.accounts import AccountRow
from crm_core.messages import InboundMessage
from handlers.dialogs import Dialog
from handlers.presses import Press
from handlers.replies import Reply
from handlers.understanding.parse import Meaning

SURE = 0.6
_CERTAIN = 0.8
_TELLING = frozenset({"log_follow_up", "log_visit", "create_lead", "win_opportunity", "lose_opportunity", "log_payment"})
"""What tells of a matter of its own, whatever is asked at the time."""


@dataclass(frozen=True, slots=True)
class Understood:
    """A message made sense of, before anything is written."""

    message: InboundMessage
    account: AccountRow
    actor: Actor | None
    intent: str
    slots: dict[str, object]
    dialog: Dialog | None = None
    sure: bool = True
    more: bool = False
    """Whether the sentence names more than was taken from it."""
    press: Press | None = None
    settled: bool = False
    """Whether the open question is answered, closed or asked again by it; else it is put aside."""


def closed(understood: Understood, dialog: Dialog) -> Understood:
    """Close the question; where a no means more than that, do it."""
    slots = {**dialog.no_slots, "open": dialog.question}
    return replace(understood, intent=dialog.no_intent or "cancel", slots=slots, settled=True)


def said_outright(understood: Understood, dialog: Dialog) -> Understood | None:
    """Take 取消 for no answer, and the very words of a choice for the choice; None for anything else."""
    if understood.intent in ("cancel", "undo"):
        return closed(understood, dialog)
    chosen = dialog.labelled(understood.message.text)
    return None if chosen is None else replace(understood, intent=dialog.intent, slots=chosen, settled=True)


def with_put_aside(reply: Reply, understood: Understood) -> Reply:
    """Say that the open question was left without an answer."""
    dialog = understood.dialog
    if dialog is None or understood.settled:
        return reply
    if dialog.approval:
        return reply.with_note(f"（刚才的问题已放下，草稿还在，批准请回复：{dialog.approval}）")
    return reply.with_note("（刚才的问题已放下，需要时请再说一遍）")


def settle(understood: Understood, meaning: Meaning, now: datetime, known: Sequence[str]) -> Understood:
    """Decide whether a sentence answers the open question, closes it, is no answer to it, or is a matter of its own."""
    dialog = understood.dialog
    if dialog is None:
        return replace(understood, sure=meaning.confidence >= SURE)
    words = understood.message.text
    if meaning.intent == "cancel" or dialog.refused(words, meaning.intent):
        return closed(understood, dialog)
    # A bare name looks somebody up too, but is not as certain as the asking for it.
    another = meaning.intent not in ("unknown", "confirm", "deny") and meaning.confidence >= _CERTAIN
    if another and not dialog.options and meaning.intent in _TELLING and meaning.intent != dialog.intent:
        return understood  # it tells of somebody; a day in it is the day of that
    if another and not dialog.yes_no and not dialog.options and dialog.slot not in ("at", "ref"):
        return understood  # a whole new sentence, where anything at all could be the answer
    answered = dialog.answer(words, meaning.intent, now, known)
    if answered is not None:
        return replace(understood, intent=dialog.intent, slots=answered, settled=True)
    return understood if another else replace(understood, intent="dialog_repeat", slots={}, settled=True)
