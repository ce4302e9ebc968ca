"""What is still missing from a sentence, and how it is asked for (只问缺的)."""

from collections.abc import Mapping
from datetime import datetime

from crm_core.calendar import festivals
from handlers.dialogs import OCCASION
from handlers.understanding.intents import INTENTS
from handlers.understanding.times import unusable_time

QUESTIONS = {
    OCCASION: f"哪天发？可以说节日（{'、'.join(each.label for each in festivals().values())}）、生日，或几月几号",
    "person": "是哪位客户？",
    "at": "什么时候？",
    "action": "要提醒什么？",
    "ref": "是第几条？",
    "text": "内容是什么？",
}
_OF_WHAT_WAS_TOLD = ("complete_task", "snooze_task")
"""Without a number these are about the reminder that was told last; the command looks for it."""


def first_missing(intent: str, slots: Mapping[str, object], said: str, now: datetime) -> tuple[str, str] | None:
    """Tell the question for the first must-have that is missing, and the slot its answer fills; None when nothing is."""
    declared = INTENTS.get(intent)
    if declared is None or "subject" in slots:
        return None
    for names in declared.missing(dict(slots)):
        if intent in _OF_WHAT_WAS_TOLD and "ref" in names:
            continue
        slot = OCCASION if "holiday" in names else names[0]
        return why_no_time(slot, said, now) + QUESTIONS.get(slot, "请补充完整："), slot
    return None


def why_no_time(slot: str, said: str, now: datetime) -> str:
    """Say why a time that was said is none."""
    found = unusable_time(said, now) if slot == "at" else None
    if found is None:
        return ""
    problem, words = found
    return f"时间已过（{words}），请换一个以后的时间。\n" if problem == "past" else f"没有{words}，请换个时间。\n"
