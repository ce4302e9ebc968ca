"""Read a bare answer to one question of the bot: "明天上午10点", "张伟", "第2条", "8万"."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime

from crm_core.clock import to_local
from handlers.understanding.amounts import read_bare_amount
from handlers.understanding.classify import classify
from handlers.understanding.clauses import trim
from handlers.understanding.conditions import read_segment, split_tags
from handlers.understanding.durations import NUMBER, add_length, find_length
from handlers.understanding.followups import amount_of
from handlers.understanding.marketing import read_greeting
from handlers.understanding.mentions import COMPANY, MARKS, PERSON, PHONE, REF, TIME, Sentence
from handlers.understanding.names import is_company, read_known
from handlers.understanding.normal import normalise
from handlers.understanding.numerals import read_small
from handlers.understanding.parse import READ_CHARACTERS, READ_YEARS, plain_value, read_sentence
from handlers.understanding.people import is_name_alone, looks_like_name
from handlers.understanding.short import help_topic, short_answer
from handlers.understanding.tasks import action_words, planned_time
from handlers.understanding.times import is_time

# Words around the one thing that was asked for.
AROUND = re.compile(
    r"^(?:[\s,，:：]|那就|那|就(?=[^是])|就是|是(?!否)|叫|给|找|选|转给|交给|应该是|给到|用|"
    r"(?:加|打|贴)(?:上|个)?(?=.*标签)|(?:加|打|贴)(?:上|个))+|(?:[\s,，。!！]|吧|啊|呀|哦|就行|就好|就可以|标签|这个人?|谢谢)+$"
)
ORDINAL = re.compile(
    r"^(?:第|#|编号|序号|no\.?)?\s?(?P<number>\d{1,12}|[一二两三四五六七八九十百]{1,5})\s?(?:条|个|项|号|位|家|单|笔)?$"
)
# A name that has no name's form ("微信访客115", "Tom Lee") is taken as said when it is this short and says nothing else.
LONGEST_NAME = 20
NO_NAME = re.compile(rf"[,，。;；:：!！?？\n{''.join(sorted(MARKS))}]|^[\d\s.]+$")
# "两小时", "半天": an answer to "推迟到什么时候", counted from now.
ONLY_LENGTH = re.compile(rf"^(?:再|推迟|延后?|往后|推)?(?:{NUMBER})\s?个?半?(?:分钟?|小时|钟头|天|周|星期|礼拜|个?月)半?吧?$")
SAYS_NOTHING = re.compile(r"^(?:不|没|别|错|谁|哪|什么|啥|怎|为什么|随便|都|打错|无|暂|稍|等|好|我)")
BIRTHDAY = re.compile(r"生日")

Reader = Callable[[Sentence, datetime], object]


def _bare(sentence: Sentence) -> str:
    """Words of the answer without what politeness puts around them."""
    plain = sentence.plain
    head = AROUND.match(plain)
    start = head.end() if head and head.start() == 0 and head.end() < len(plain) else 0
    said = sentence.raw[start:]
    while (tail := AROUND.search(said)) and tail.end() == len(said) and tail.start() > 0:
        said = said[: tail.start()]
    return said.strip()


def _at(sentence: Sentence, now: datetime) -> object:
    at, _, _ = planned_time(sentence, now)
    if at is None and ONLY_LENGTH.match(sentence.plain.strip()) and (length := find_length(sentence.plain)):
        at = add_length(now, length)
    return at


def _repeat(sentence: Sentence, now: datetime) -> object:
    _, when, _ = planned_time(sentence, now)
    return when.repeat if when is not None else None


def _close(sentence: Sentence, now: datetime) -> object:
    at = planned_time(sentence, now)[0]
    return at.date() if at is not None else None


def _action(sentence: Sentence, now: datetime) -> object:
    used = planned_time(sentence, now)[2]
    words = re.sub(r"^(?:我?要|我得|得|去(?=给|拜访|见|找))", "", action_words(sentence, used))
    return trim(words) if len(trim(words)) >= 2 else None


def _named(sentence: Sentence, now: datetime, *, company: bool) -> object:
    found = sentence.of(COMPANY if company else PERSON)
    if found:
        return found[0].value
    said = _bare(sentence)
    if not company and is_name_alone(said) and not is_time(normalise(said), now) and not short_answer(sentence.plain):
        return said
    if not said or len(said) > LONGEST_NAME or NO_NAME.search(sentence.skeleton) or short_answer(sentence.plain):
        return None
    if SAYS_NOTHING.match(normalise(said)):
        return None
    if looks_like_name(said) or is_company(said):
        return said if is_company(said) == company else None
    return said if classify(sentence)[0] == "unknown" and not help_topic(sentence.plain) else None


def _person(sentence: Sentence, now: datetime) -> object:
    return _named(sentence, now, company=False)


def _company(sentence: Sentence, now: datetime) -> object:
    return _named(sentence, now, company=True)


def _ref(sentence: Sentence, now: datetime) -> object:
    if found := sentence.of(REF):
        return found[0].value
    match = ORDINAL.match(re.sub(r"(?:吧|啊|那?个?)$", "", _bare(sentence)))
    number = read_small(match["number"]) if match else None
    return str(number) if number is not None else None


def _amount(sentence: Sentence, now: datetime) -> object:
    found = amount_of(sentence)
    if found is not None:
        return found
    money = read_bare_amount(_bare(sentence))
    return money.text() if money is not None else None


def _phone(sentence: Sentence, now: datetime) -> object:
    found = sentence.of(PHONE)
    return found[0].value if found else None


def _tags(sentence: Sentence, now: datetime) -> object:
    return split_tags(_bare(sentence)) or None


def _template(sentence: Sentence, now: datetime) -> object:
    return trim(re.sub(r"(?:这个|的)?模板$|[”\"」》]$", "", re.sub(r"^[“\"「《]", "", _bare(sentence)))) or None


def _words(sentence: Sentence, now: datetime) -> object:
    return trim(sentence.raw) or None


def _now(sentence: Sentence, now: datetime) -> object:
    return True if any(mention.value.at_once for mention in sentence.of(TIME)) else None


def _holiday(sentence: Sentence, now: datetime) -> object:
    return next((mention.value.festival for mention in sentence.of(TIME) if mention.value.festival), None)


def _birthday(sentence: Sentence, now: datetime) -> object:
    return True if BIRTHDAY.search(sentence.skeleton) else None


def _occasion(sentence: Sentence, now: datetime) -> object:
    """Read a festival, a birthday or a day, each under the name of its slot."""
    found = read_greeting(sentence, now)
    kept = {name: plain_value(found[name]) for name in ("holiday", "birthday", "at", "time") if found.get(name)}
    return kept if kept.keys() & {"holiday", "birthday", "at"} else None


def _kind(sentence: Sentence, now: datetime) -> object:
    if re.search(r"周|每周|week", sentence.plain):
        return "weekly"
    return "daily" if re.search(r"日|天|day", sentence.plain) else None


def _segment(sentence: Sentence, now: datetime) -> object:
    return read_segment(sentence) or None


READERS: dict[str, Reader] = {
    "at": _at,
    "next_at": _at,
    "expected_close": _close,
    "repeat": _repeat,
    "action": _action,
    "next_action": _action,
    "person": _person,
    "assignee": _person,
    "company": _company,
    "ref": _ref,
    "amount": _amount,
    "phone": _phone,
    "tags": _tags,
    "now": _now,
    "holiday": _holiday,
    "birthday": _birthday,
    "occasion": _occasion,
    "kind": _kind,
    "segment": _segment,
    "template": _template,
    **dict.fromkeys(("text", "summary", "reason", "purpose", "need"), _words),
}


def read_refs(text: str, now: datetime) -> list[str]:
    """List the different numbered records a sentence names, in its order: 领取1和2."""
    if now.year not in READ_YEARS:
        return []
    sentence = read_sentence(text[:READ_CHARACTERS], to_local(now).replace(microsecond=0), read_known(()))
    return list(dict.fromkeys(str(mention.value) for mention in sentence.of(REF)))


def read_answer(slot: str, text: str, now: datetime, known: Sequence[str]) -> object | None:
    """Read the answer to a question for one slot; None when the text holds no value for it, or the slot has no reader.

    Values are those of `parse`: moments are ISO 8601 with the offset of the zone, amounts are strings.
    """
    reader = READERS.get(slot)
    if reader is None or now.year not in READ_YEARS or not text.strip():
        return None
    local = to_local(now).replace(microsecond=0)
    said = text if reader is _words else text[:READ_CHARACTERS]
    sentence = read_sentence(said, local, read_known(tuple(known)))
    found = reader(sentence, local)
    return plain_value(found) if found not in (None, "", [], {}) else None
