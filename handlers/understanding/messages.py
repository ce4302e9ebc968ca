"""Several records told in one message: cut it where another customer or another matter begins, and read each part.

A message is cut only when every part is a record by itself; when in doubt it stays whole, and `Meaning.more` tells.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from crm_core.clock import to_local
from handlers.understanding import names
from handlers.understanding.clauses import clauses_of
from handlers.understanding.mentions import COMPANY, PERSON, PHONE, REF, TIME, WHO, Sentence
from handlers.understanding.parse import READ_CHARACTERS, READ_YEARS, Meaning, parse, read_sentence

# What is written down about a customer; a report, a comment or a broadcast keeps all its sentences.
RECORDS = frozenset(
    (
        "log_follow_up",
        "log_visit",
        "log_payment",
        "log_expense",
        "create_lead",
        "create_opportunity",
        "advance_opportunity",
        "win_opportunity",
        "lose_opportunity",
        "update_contact",
        "set_reminder",
    )
)
WHOLE = frozenset(("submit_report", "comment", "schedule_broadcast", "schedule_greeting", "help"))
SURE = 0.6
MOST_PARTS = 10
# Between sentences, list items and lines.
STRONG = re.compile(r"[。；;\n]+\s*(?:\d{1,2}\s*[、.)）](?!\d)\s*)?|[,，\s](?:另外|还有就是|还有)[,，\s]*")
LIST_HEAD = re.compile(r"^\s*\d{1,2}\s*[、.)）](?!\d)\s*")
# A clause that begins with somebody: "下午拜访了李娜", "给恒信集团…", "李娜说".
STARTS = re.compile(
    rf"^\s*(?:{TIME}\s*)*(?:我)?(?:又|还|再|也)?(?:跟|和|与|给|拜访了?|走访了?|回访了?|去了?|见了?|约了?|到了?|联系了?|打给)?(?P<who>{WHO})"
)
BESIDE = re.compile(r"也在|也来|陪同?|一起|一块|介绍|推荐|转给|交给|带着")


def _names(sentence: Sentence, low: int = 0, high: int | None = None) -> set[str]:
    last = len(sentence.raw) if high is None else high
    return {str(each.value) for each in sentence.of(PERSON, COMPANY, REF, PHONE) if low <= each.start < last}


def _cuts(sentence: Sentence) -> list[int]:
    """Places of the sentence where somebody new begins a clause."""
    found: list[int] = []
    for clause in clauses_of(sentence)[1:]:
        match = STARTS.match(clause.text)
        if match is None or BESIDE.search(clause.text):
            continue
        start = sentence.at(clause.start)
        who = next(
            str(each.value)
            for each in sentence.of(PERSON, COMPANY)
            if each.start == sentence.at(clause.start + match.start("who"))
        )
        before = _names(sentence, found[-1] if found else 0, start)
        if before and who not in before:
            found.append(start)
    return found


def _chunks(text: str, now: datetime, known: names.KnownNames) -> list[str]:
    """Cut at the strong breaks and where somebody new begins a clause."""
    chunks: list[str] = []
    for part in STRONG.split(LIST_HEAD.sub("", text)):
        if not part or not part.strip():
            continue
        sentence = read_sentence(part, now, known)
        places = [0, *_cuts(sentence), len(part)]
        chunks.extend(part[low:high] for low, high in pairwise(places))
    return chunks


def _joined(chunks: list[str], now: datetime, known: names.KnownNames) -> list[str]:
    """Put what names nobody, or nobody new, back to the part before it."""
    parts: list[str] = []
    for chunk in chunks:
        told_of = _names(read_sentence(chunk, now, known))
        before = _names(read_sentence(parts[-1], now, known)) if parts else set()
        if parts and (not told_of or told_of <= before):
            parts[-1] = f"{parts[-1].rstrip()}，{chunk.strip()}"
        else:
            parts.append(chunk.strip(" ,，、"))
    return parts


def parse_each(text: str, now: datetime, known: Sequence[str]) -> tuple[Meaning, ...]:
    """Understand a message as one record or several, in their order; never an exception, and never empty."""
    whole = parse(text, now, known)
    if whole.intent in WHOLE or now.year not in READ_YEARS or len(text) > READ_CHARACTERS:
        return (whole,)
    local, bearers = to_local(now).replace(microsecond=0), names.read_known(tuple(known))
    parts = _joined(_chunks(text, local, bearers), local, bearers)
    if not 1 < len(parts) <= MOST_PARTS:
        return (whole,)
    meanings = tuple(parse(part, now, known) for part in parts)
    sure = all(meaning.intent in RECORDS and meaning.confidence >= SURE for meaning in meanings)
    return meanings if sure else (whole,)
