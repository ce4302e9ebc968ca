"""Tell whether a sentence names more than one record, person or reminder, of which the slots take only the first."""

import re

from handlers.understanding.mentions import COMPANY, PERSON, PHONE, REF, TIME, Mention, Sentence

# Commands in which names stand in a row; in a told sentence a comma may begin a new thought.
IN_A_ROW = frozenset(
    {
        "claim_lead",
        "release_lead",
        "transfer_lead",
        "complete_task",
        "snooze_task",
        "show_contact",
        "tag_contact",
        "handover",
    }
)
JOINT = r"(?:、|和|与|及|以及|还有|&)"
LOOSE_JOINT = r"(?:[、,，\s]|和|与|及|以及|还有|跟|&)+"
CALLS = re.compile(r"提醒|(?:叫|喊|通知)(?:一下|下)?我|闹钟|记得|别忘")


def _joined(skeleton: str, sign: str, joint: str) -> bool:
    return bool(re.search(rf"{sign}(?:的?线索|的?客户|老师|经理)?\s?{joint}\s?{sign}", skeleton))


def _several_people(sentence: Sentence, intent: str) -> bool:
    joint = LOOSE_JOINT if intent in IN_A_ROW else JOINT
    for kind in (PERSON, COMPANY):
        different = {str(mention.value) for mention in sentence.of(kind)}
        if len(different) > 1 and _joined(sentence.skeleton, kind, joint):
            return True
    return False


def _several_reminders(sentence: Sentence, intent: str) -> bool:
    if intent not in {"set_reminder", "schedule_broadcast"}:
        return False
    coming: list[Mention] = [mention for mention in sentence.of(TIME) if mention.value.tense != "past"]
    calls = CALLS.findall(sentence.skeleton)
    return len(coming) > 1 and (len(calls) > 1 or _joined(sentence.skeleton, TIME, JOINT))


def names_more(sentence: Sentence, intent: str) -> bool:
    """Tell whether more is named than the slots of an intent take."""
    if len({str(mention.value) for mention in sentence.of(REF)}) > 1:
        return intent not in {"submit_report", "comment", "unknown"}
    if intent == "create_lead" and len({str(mention.value) for mention in sentence.of(PHONE)}) > 1:
        return True
    if intent in {"unknown", "submit_report", "comment", "help"}:
        return False
    return _several_people(sentence, intent) or _several_reminders(sentence, intent)
