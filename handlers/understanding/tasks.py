"""The slots of reminders and tasks: when, what, how often, which one."""

import re
from datetime import datetime

from handlers.understanding.clauses import trim
from handlers.understanding.durations import add_length, find_length
from handlers.understanding.followups import who
from handlers.understanding.mentions import PERSON, REF, TIME, Mention, Sentence
from handlers.understanding.moments import When, ahead
from handlers.understanding.task_rules import PUT_OFF
from handlers.understanding.times import span_of

ASKING = re.compile(
    r"^(?:[\s,，:：]|请|麻烦(?:你)?|帮我|帮忙|给我|我想|我要|你|到时候?|到点|那个|"
    r"嗯|然后)*(?:(?:设|建|加|新建|新增|创建|添加|定|弄|来|设置|记)(?:一?个|一条|"
    r"条|下|一下)?(?:新的?|重要)?(?:提醒|待办|任务|闹钟|日程|备忘|todo)(?:事项)?[\s:：,，]*)?"
)
FOR_WHOM = re.compile(
    r"^[\s,，]*(?:给|为|帮)(?P<name>(?![我自])[一-鿿]{2,4}?)(?:设|建|加|新建|创建|添加|定|设置)(?:一?个|一条|条|下|一下)?"
    r"(?:提醒|待办|任务|闹钟|日程)"
)
"""给孙权设个提醒: whom it is about, which stays in the words."""
CALL = re.compile(
    r"(?:到时候?|到点|准时|按时|务必|一定|要|再|就|都|请|记得)*(?:提醒(?:一下|"
    r"下)?(?:我|自己|大家)?(?:一下|下)?|(?:叫|喊|催|通知)(?:一下|下)?我(?:一?下|"
    r"一声)?|记得|别忘(?:了|记)?|不要忘(?:了|记)?|(?<![a-z])remind me(?: to)?)(?:我)?(?:要|"
    r"得|该|去(?=给|拜访|见|找))?"
)
LEAD_TIME = re.compile(r"提前(?P<length>[^,，。提]{1,8}?)(?=提醒|叫|喊|通知|告诉|[\s,，。]|$)")
OVERDUE = re.compile(r"逾期|过期|超期|拖(?:了|着|延)|到期(?:了|没|未)|没按时|超时")


def _useful(sentence: Sentence) -> list[Mention]:
    return [mention for mention in sentence.of(TIME) if mention.value.tense != "past" and not mention.value.only_span]


def coming_time(
    sentence: Sentence, now: datetime, mentions: list[Mention] | None = None
) -> tuple[datetime | None, When | None]:
    """Return the time a plan is for; a day here and an hour there ("明天提醒我下午3点开会") make one time."""
    moment, when, _ = planned_time(sentence, now, mentions)
    return moment, when


def planned_time(
    sentence: Sentence, now: datetime, mentions: list[Mention] | None = None
) -> tuple[datetime | None, When | None, list[Mention]]:
    """Return the time a plan is for and the mentions it is made of."""
    found = _useful(sentence) if mentions is None else mentions
    if not found:
        return None, None, []
    when: When = found[0].value
    used = found[:1]
    if when.clock is None and (when.days or when.repeat):
        hours = [each for each in found[1:] if each.value.clock and not each.value.days and not each.value.repeat]
        if hours:
            when = when.moved(when.start, when.end)
            when.clock = hours[0].value.clock
            used = [found[0], hours[0]]
    elif (
        when.clock
        and not when.days
        and not when.repeat
        and len(found) > 1
        and found[1].value.days
        and found[1].value.clock is None
    ):
        clock, when = when.clock, found[1].value.moved(found[1].value.start, found[1].value.end)
        when.clock = clock
        used = found[:2]
    return ahead(when, now), when, used


def _before_it(sentence: Sentence, at: datetime) -> datetime:
    """Take the lead time off: 提前10分钟提醒我."""
    match = LEAD_TIME.search(sentence.plain)
    length = find_length(match["length"]) if match else None
    return add_length(at, length, -1) if length else at


def action_words(sentence: Sentence, used: list[Mention]) -> str:
    """Words of what is to be done, without the times it is for and the asking."""
    raw = sentence.text(0, len(sentence.raw), used)
    raw = LEAD_TIME.sub("", raw)
    raw = FOR_WHOM.sub(r"\g<name> ", raw)
    pieces = [trim(CALL.sub(" ", ASKING.sub("", piece))) for piece in re.split(r"[,，。;；\n]", raw)]
    return trim(re.sub(r"\s{2,}", " ", "，".join(piece for piece in pieces if piece)))


def read_reminder(sentence: Sentence, now: datetime) -> dict[str, object]:
    """Fill the slots of a reminder."""
    slots = who(sentence)
    at, when, used = planned_time(sentence, now)
    if at is not None:
        slots["at"] = _before_it(sentence, at)
    if when is not None and when.repeat:
        slots["repeat"] = when.repeat
    slots["action"] = action_words(sentence, used)
    return slots


def read_task_list(sentence: Sentence, now: datetime) -> dict[str, object]:
    """Fill the range of a task list."""
    if OVERDUE.search(sentence.skeleton):
        return {"range": "overdue"}
    found = range_of(sentence, now, forward=True)
    return {"range": found} if found else {}


def range_of(sentence: Sentence, now: datetime, *, forward: bool) -> object:
    """Return the range a sentence names: a word, or the first and last day."""
    for mention in sentence.of(TIME):
        when: When = mention.value
        if forward and when.until is None and len(when.days) > 1 and (moment := ahead(_today_too(when), now)):
            one_day = not isinstance(when.span, str) and (when.span is None or when.span[0] == when.span[1])
            if one_day:
                return {"from": moment.date(), "to": moment.date()}
        span = span_of(when, now, forward=forward)
        if isinstance(span, str):
            return span
        if span:
            return {"from": span[0], "to": span[1]}
    return None


def _today_too(when: When) -> When:
    copy = when.moved(when.start, when.end)
    copy.skips_today = False
    return copy


def which(sentence: Sentence) -> dict[str, object]:
    """Return the reference, or else the person, that names a record."""
    refs = sentence.of(REF)
    if refs:
        return {"ref": refs[0].value}
    people = sentence.of(PERSON)
    return {"person": people[0].value} if people else {}


def read_done(sentence: Sentence, now: datetime) -> dict[str, object]:
    """Fill the slots of a finished task."""
    return which(sentence)


def read_snooze(sentence: Sentence, now: datetime) -> dict[str, object]:
    """Fill the slots of a postponed task: the new time stands behind the word of putting off."""
    slots = which(sentence)
    word = re.search(PUT_OFF, sentence.skeleton)
    place = sentence.at(word.start()) if word else 0
    mentions = _useful(sentence)
    at, _ = coming_time(sentence, now, [mention for mention in mentions if mention.start >= place] or mentions)
    if at is None and (length := find_length(sentence.plain[place:])):
        at = add_length(now, length)
    if at is not None:
        slots["at"] = at
    return slots
