"""The only door of the understanding: a text, the time and the known names in, a meaning out.

Pure and total: no network, no clock, no database, and no exception whatever the text is. A sentence is data; nothing in it
is ever run. Order of reading: `mentions` (cutting out), `classify` (which intent), `slots` (filling).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

from crm_core.clock import SHANGHAI, to_local
from handlers.understanding import amounts, names, people, phones, times
from handlers.understanding.classify import at_first_glance, classify
from handlers.understanding.conditions import holds_all
from handlers.understanding.corrections import corrected
from handlers.understanding.framing import inside
from handlers.understanding.mentions import Sentence
from handlers.understanding.normal import normalise
from handlers.understanding.several import names_more
from handlers.understanding.slots import READERS

# What a person says in one message; more is a pasted document, and the rest of it is kept only as words.
READ_CHARACTERS = 1000
# More corrections in one message are a text about corrections.
MOST_CORRECTIONS = 3
# A clock outside these years is wrong, and the lunar tables end soon behind them.
READ_YEARS = range(1920, 2090)
# A message to many with a condition that the segment cannot hold must be asked about, never sent to more people than said.
TO_MANY = ("schedule_broadcast", "schedule_greeting")
UNSURE = 0.55
# Slots that take the unread rest.
LONG_TEXT = ("text", "summary")
# Read once at start, so that every rule and the calendar are loaded.
WARM_FROM = datetime(2026, 1, 1, tzinfo=SHANGHAI)
WARMING = "明天下午三点提醒我给张伟打电话，春节后拜访"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a sentence means: its intent, how sure that is (0 to 1), and its slots as plain JSON values."""

    intent: str
    confidence: float
    slots: dict[str, object] = field(default_factory=dict)
    # The sentence names more people, records or reminders than the slots took: the bot says so.
    more: bool = False

    def to_json(self) -> str:
        """Write the meaning as one line of JSON."""
        return json.dumps({"intent": self.intent, "confidence": self.confidence, "slots": self.slots}, ensure_ascii=False)


def plain_value(value: object) -> object:
    """Turn a slot's value into JSON: moments and days as ISO 8601, tuples as lists."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return {key: plain_value(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(each) for each in value]
    return value


def read_sentence(text: str, now: datetime, known: names.KnownNames, plain: str = "") -> Sentence:
    """Cut everything that is no plain word out of a sentence; the surest finders go first."""
    sentence = Sentence(text, plain)
    phones.mark_addresses(sentence)
    names.mark_known(sentence, known)
    amounts.mark_refs(sentence)
    people.mark_named_after_day(sentence)
    people.mark_alone_after_head(sentence, partial(times.is_time, now=now))
    times.mark_times(sentence, now)
    amounts.mark_discounts(sentence)
    amounts.mark_chances(sentence)
    names.mark_titled(sentence, known)
    amounts.mark_money(sentence)
    names.mark_companies(sentence)
    names.mark_companies_of(sentence)
    people.mark_people(sentence)
    sentence.build()
    return sentence


def _read_corrected(text: str, now: datetime, known: names.KnownNames, plain: str = "") -> Sentence:
    """Read a sentence as the speaker means it after correcting it in the same breath."""
    sentence = read_sentence(text, now, known, plain)
    for _ in range(MOST_CORRECTIONS):
        mended = corrected(sentence)
        if mended is None:
            break
        sentence = read_sentence(mended, now, known)
    return sentence


def parse(text: str, now: datetime, known: Sequence[str]) -> Meaning:
    """Understand a sentence; `now` is aware, `known` holds names and "alias=name" of the speaker's own CRM."""
    if now.year not in READ_YEARS:
        return Meaning("unknown", 0.0)
    local = to_local(now).replace(microsecond=0)
    text, rest = text[:READ_CHARACTERS], text[READ_CHARACTERS:]
    plain = normalise(text)
    glance = at_first_glance(plain)
    framed = text
    if glance is None and not rest and (text := inside(text)) != framed:
        plain = normalise(text)
        glance = at_first_glance(plain)
    if glance is not None:
        return Meaning(glance[0], 0.95, {"topic": glance[1]} if glance[1] else {})
    sentence = _read_corrected(text, local, names.read_known(tuple(known)), plain)
    intent, confidence = classify(sentence)
    if intent in TO_MANY and not holds_all(sentence):
        confidence = min(confidence, UNSURE)
    reader = READERS.get(intent)
    slots = reader(sentence, local) if reader else {}
    kept = {name: plain_value(value) for name, value in slots.items() if value not in (None, "", [], {})}
    if rest and (slot := next((name for name in LONG_TEXT if name in kept), None)):
        kept[slot] = f"{kept[slot]}{rest}"
    return Meaning(intent, confidence, kept, names_more(sentence, intent))


def warm(data_dir: Path | None = None) -> None:
    """Load every dictionary, rule and the calendar of the years around `WARM_FROM`, before a message may wait for them.

    `data_dir` is where a segmenter may keep its cache; the grammar needs none, so nothing is written there.
    """
    parse(WARMING, WARM_FROM, ["张伟"])
