"""The slots of greetings and broadcasts."""

import re
from datetime import date, datetime

from handlers.understanding import audience
from handlers.understanding.clauses import trim
from handlers.understanding.conditions import INACTIVE, read_segment
from handlers.understanding.mentions import PERSON, REF, TIME, Mention, Sentence
from handlers.understanding.moments import DEFAULT_CLOCK, When, at_clock
from handlers.understanding.tasks import coming_time, planned_time, range_of

BIRTHDAY = re.compile(r"生日")
# Shopping days are greeted like festivals, but each year on the same day: read as a date.
SHOPPING_DAY = re.compile(r"双(?P<double>11|12|十一|十二)|(?<!\d)(?P<june>618|六一八)(?!\d)")
TEMPLATE = re.compile(
    r"(?:用|套用|模板(?:用|是|选|:|：)+)[\s“\"「《]*(?P<template>[^\s,，。给”\"」》]{1,20}?)[”\"」》]?(?:的|"
    r"这个)?(?:模板|$|[\s,，。给])|[“\"「《](?P<quoted>[^”\"」》]{1,30})[”\"」》]"
)
# Whom: from 给 to the customers.
TO_WHOM = re.compile(
    r"(?:给|向|对|发给)[^,，。\s]{0,24}?(?:客户们?|线索|会员|vip|粉丝|老客|用户|"
    r"所有人|全员|大家|好友|的人|标签的|没联系的|没跟进的|(?<=[的是])(?=\s|$|[,，。])|"
    r"(?=群发|推送|发))(?:的)?|(?:所有|全部|全体|我)的?[^,，。\s]{0,10}?(?:客户|"
    r"线索|会员|vip)"
)
CONTENT_TIME = re.compile(rf"(?:群发|推送|发)(?:个|一?条)?{TIME}[一-鿿]$")
# "春节放假通知" is what is sent, not when.
FEAST_CONTENT = re.compile(
    r"(?:节)?(?:放假|假期|活动|促销|特惠|优惠|大促|礼|福利|海报|通知|安排|专场|特卖|祝福|问候|贺|档|限定|套餐)"
)
LATER_TO_WHOM = re.compile(r"(?:群发|推送|发).{2,}?(?P<whom>给[^,，。]*)$")
COMMAND = re.compile(
    r"(?<!邀)请(?![函柬])|帮我|麻烦|帮忙|安排|设置|设个|设(?![备计])|定时|准时|"
    r"自动|统一|批量|群发一?条?|群发|推送一?条?|推送|推(?![荐广介新出进])|发送|"
    r"发一?(?:条|个|下|份|轮|波)|(?<![开研沙首])发(?![票布展货现])|马上|立刻|立即|"
    r"现在就?|模板(?:用|是)?|一下|一轮|一波|吧|了|的话|任务"
)


def _holiday(sentence: Sentence) -> tuple[str | None, When | None]:
    for mention in sentence.of(TIME):
        when: When = mention.value
        if when.festival:
            return when.festival, when
    return None, None


def _clock(when: When | None) -> str | None:
    return f"{when.clock[1]:02}:{when.clock[2]:02}" if when is not None and when.clock else None


def _shopping_day(sentence: Sentence, now: datetime, hours: When | None) -> datetime | None:
    match = SHOPPING_DAY.search(sentence.plain)
    if match is None:
        return None
    month, day = (6, 18) if match["june"] else (11, 11) if match["double"] in ("11", "十一") else (12, 12)
    clock = hours.clock if hours is not None and hours.clock else DEFAULT_CLOCK
    this_year, next_year = (at_clock(date(now.year + shift, month, day), clock, now) for shift in (0, 1))
    return this_year if this_year is not None and this_year > now else next_year


def read_greeting(sentence: Sentence, now: datetime) -> dict[str, object]:
    """Fill the slots of a greeting: the festival or the birthday with its hour, or else a moment."""
    slots: dict[str, object] = {}
    holiday, when = _holiday(sentence)
    hours = next((mention.value for mention in sentence.of(TIME) if mention.value.clock), None)
    if holiday:
        slots["holiday"] = holiday
        slots["time"] = _clock(when) or _clock(hours)
    elif BIRTHDAY.search(sentence.skeleton):
        slots["birthday"] = True
        slots["time"] = _clock(hours)
    else:
        slots["at"], _ = coming_time(sentence, now)
        if slots["at"] is None:
            slots["at"] = _shopping_day(sentence, now, hours)
    segment = read_segment(sentence)
    if segment:
        slots["segment"] = segment
    if match := TEMPLATE.search(sentence.skeleton):
        group = "template" if match["template"] else "quoted"
        start, end = match.span(group)
        slots["template"] = trim(sentence.raw[sentence.at(start) : sentence.at(end)])
    return slots


def _template(sentence: Sentence, used: list[Mention]) -> str | None:
    """Words of what is to be sent: what is left without the when, the whom and the sending."""
    text = sentence.skeleton
    starts = {mention.start for mention in used}
    spans = [
        match.span()
        for pattern in (TO_WHOM, INACTIVE, COMMAND)
        for match in pattern.finditer(text)
        if match.end() > match.start()
    ]
    spans += audience.spans(text)
    hidden_signs = {PERSON, REF}
    spans += [(place, place + 1) for place, sign in enumerate(text) if sign in hidden_signs]
    spans += [(place, place + 1) for place, sign in enumerate(text) if sign == TIME and sentence.at(place) in starts]
    if later := LATER_TO_WHOM.search(text):
        spans.append(later.span("whom"))
    hidden = "".join(" " if any(start <= place < end for start, end in spans) else sign for place, sign in enumerate(text))
    pieces = [(match.start(), match.end()) for match in re.finditer(r"[^\s,，。;；:：!！]+", hidden)]
    said = [trim(sentence.raw[sentence.at(start) : sentence.at(end)]) for start, end in pieces]
    said = [re.sub(r"^(?:给|的|在|就|把|个|条|一)+|(?:给|的|吧|啊)+$", "", piece) for piece in said]
    return trim(" ".join(piece for piece in said if len(piece) >= 2)) or None


def _of_sending(sentence: Sentence, planned: list[Mention], at_once: list[Mention]) -> list[Mention]:
    """Leave times of the content out ("群发中秋活动 下周三三点") when another time says when to send."""
    places = {mention.start: sentence.places.index(mention.start) for mention in planned}
    when = [
        mention
        for mention in planned
        if not CONTENT_TIME.search(sentence.skeleton, 0, places[mention.start] + 2)
        and not (mention.value.festival and FEAST_CONTENT.match(sentence.skeleton, places[mention.start] + 1))
    ]
    return when if when or at_once else planned


def read_broadcast(sentence: Sentence, now: datetime) -> dict[str, object]:
    """Fill the slots of a broadcast."""
    slots: dict[str, object] = {}
    at_once = [mention for mention in sentence.of(TIME) if mention.value.at_once]
    coming = [mention for mention in sentence.of(TIME) if not mention.value.at_once and mention.value.tense != "past"]
    planned = _of_sending(sentence, [mention for mention in coming if not mention.value.only_span], at_once)
    at, when, used = planned_time(sentence, now, planned)
    if at is not None:
        slots["at"] = at
    elif at_once:
        slots["now"] = True
    if when is not None and when.repeat:
        slots["repeat"] = when.repeat
    segment = read_segment(sentence)
    if segment:
        slots["segment"] = segment
    slots["template"] = _template(sentence, [*used, *at_once])
    return slots


def _ref(sentence: Sentence) -> object:
    refs = sentence.of(REF)
    return refs[0].value if refs else None


def read_status(sentence: Sentence, now: datetime) -> dict[str, object]:
    """Fill the slots of a question about broadcasts."""
    return {"ref": _ref(sentence), "range": range_of(sentence, now, forward=False)}


def read_stop(sentence: Sentence, now: datetime) -> dict[str, object]:
    """Fill the slots of stopping a broadcast."""
    return {"ref": _ref(sentence)}
