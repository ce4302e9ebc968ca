"""Cut a sentence into clauses as people type them: by punctuation, by spaces and by "然后"."""

import re
from dataclasses import dataclass

from handlers.understanding.mentions import TIME, Mention, Sentence

BREAK = re.compile(
    r"[,，。;；!！?？\n\s…:：]+|(?<!\d)\.|\.(?!\d)|然后呢?|接着(?!聊|谈)|所以(?:说)?|"
    r"(?<=[一-鿿])那(?=我|就|我们|咱)"
)
EDGES = re.compile(
    r"^(?:[\s,，。.;；!！?？、:：~\-—…·)）]|然后|并且|而且|之后(?!再)|后续?(?=再|"
    r"要)|再(?!次)|要(?!求|是)|记得|提醒(?:我|一下)+|别忘了?|就(?=去|给|把|再)|"
    r"那(?=我|就)|那个|嗯|呃|的(?!确)|吧|呢|哈|啊)+"
)
TAILS = re.compile(r"(?:[\s,，。.;；!！?？、:：~\-—…·(（]|然后|并且|而且|再|记得|提醒我|的话|吧|哈|啦|哦|呢(?=$))+$")


@dataclass(frozen=True, slots=True)
class Clause:
    """A stretch of the skeleton between two breaks."""

    start: int
    end: int
    text: str


def clauses_of(sentence: Sentence) -> list[Clause]:
    """List the clauses of a sentence; spans are places in its skeleton."""
    if sentence.clauses is not None:
        return sentence.clauses
    found: list[Clause] = []
    at = 0
    for match in BREAK.finditer(sentence.skeleton):
        if match.start() > at:
            found.append(Clause(at, match.start(), sentence.skeleton[at : match.start()]))
        at = match.end()
    if at < len(sentence.skeleton):
        found.append(Clause(at, len(sentence.skeleton), sentence.skeleton[at:]))
    sentence.clauses = found
    return found


def trim(text: str) -> str:
    """Take punctuation and connectives off both ends of a speaker's words."""
    before = None
    while before != text:
        before = text
        text = TAILS.sub("", EDGES.sub("", text.strip())).strip()
    return text


def words(sentence: Sentence, start: int, end: int, without: list[Mention] | None = None) -> str:
    """Speaker's words between two places of the skeleton, trimmed, without some mentions (times, unless told otherwise)."""
    left_out = sentence.of(TIME) if without is None else without
    return trim(sentence.text(sentence.at(start), sentence.at(end), left_out))
