"""Take back what a speaker corrects in the same breath: "下午三点，不对，四点", "跟张伟，说错了是李娜".

A correction is two things of one kind with a word of taking back between them. The first is replaced by the second in the
text, which is then read anew, so no other rule has to know about corrections.
"""

import re
from itertools import pairwise

from handlers.understanding.mentions import COMPANY, MONEY, PERSON, TIME, Mention, Sentence
from handlers.understanding.moments import When

# What stands before the second thing: a break, the word of taking back, and what leads on to the right one.
TAKE_BACK = re.compile(
    r"(?:(?:[\s,，。!！、…]|啊|哦|噢|喔|呃|额|哎呀?|诶|唉|哈){1,6}(?:我)?"
    r"(?:不对不?对?|不不+|不(?!是)|说错了?|讲错了?|搞错了?|记错了?|写错了?|打错了?|错了|口误|更正(?:一下)?|纠正(?:一下)?|sorry)|(?:啊|哦|噢|喔|呃|额|哎呀?|诶|唉)[\s,，]*不是)(?:了|啊|哈)*"
    r"[\s,，:：。]*(?:应该|应|我是说|改成|要)?(?:是|给|跟|和|找)?[\s,，:：]*$"
)
FARTHEST = 20
# A longer text is no sentence said in one breath, and reading it again would take too long.
LONGEST = 300
HOUR = re.compile(r"(?:\d{1,2}|[一二两三四五六七八九十]{1,3})(?:点|:|时)[\d一二三四五六七八九十半刻分钟]*$")


def _same_sort(first: Mention, second: Mention) -> bool:
    if {first.kind, second.kind} <= {PERSON, COMPANY}:
        return bool(first.value != second.value)
    if first.kind != second.kind:
        return False
    if first.kind != TIME:
        return first.kind == MONEY
    before: When = first.value
    after: When = second.value
    if before.just_now or after.just_now:
        return False
    return not after.days or before.tense == after.tense


def _right_words(sentence: Sentence, first: Mention, second: Mention) -> str:
    """Words that stand for the first: an hour alone keeps the day and the part of the day said before."""
    wrong, right = sentence.raw[first.start : first.end], sentence.raw[second.start : second.end]
    if first.kind != TIME or second.value.days or second.value.clock is None:
        return right
    kept = HOUR.sub("", sentence.plain[first.start : first.end])
    if re.search(r"[早午晚晨]", right):
        kept = re.sub(r"(?:早上|上午|中午|下午|傍晚|晚上|凌晨|早晨)$", "", kept)
    return wrong[: len(kept)] + right


def corrected(sentence: Sentence) -> str | None:
    """Return the text with its first correction carried out; None when it holds none."""
    if len(sentence.plain) > LONGEST or not re.search(r"不|错|口误|正|sorry", sentence.plain):
        return None
    rows = (sentence.of(PERSON, COMPANY), sentence.of(TIME), sentence.of(MONEY))
    for first, second in (pair for row in rows for pair in pairwise(row)):
        between = sentence.plain[first.end : second.start]
        found = TAKE_BACK.search(between)
        if found is None or len(between) > FARTHEST or not _same_sort(first, second):
            continue
        kept = sentence.raw[first.end : first.end + found.start()]
        before, after = sentence.raw[: first.start], sentence.raw[second.end :]
        return f"{before}{_right_words(sentence, first, second)}{kept}{after}"
    return None
