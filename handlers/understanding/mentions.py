"""A sentence with the things found in it cut out: the ground on which all rules work.

Every finder marks what it took; later finders and the intent rules no longer see those characters. The skeleton shows
each mention as one private sign, so that a rule can say "a person, then 转给".
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from handlers.understanding.normal import normalise

# One sign a kind of mention. They are private signs, and `normalise` takes private signs out of what people send.
PERSON, COMPANY, TIME, MONEY, REF, PHONE, EMAIL, LINK = "\ue001\ue002\ue003\ue004\ue005\ue006\ue007\ue008"
DISCOUNT, PERCENT, COUNT, FESTIVAL = "\ue009\ue00a\ue00b\ue00c"
WHO = f"[{PERSON}{COMPANY}]"
MARKS = frozenset((PERSON, COMPANY, TIME, MONEY, REF, PHONE, EMAIL, LINK, DISCOUNT, PERCENT, COUNT, FESTIVAL))
# Stands for taken characters while finders still work.
TAKEN = "\ue000"


@dataclass(slots=True)
class Mention:
    """Something found in a sentence: its kind (one of the marks), its span and what it means."""

    kind: str
    start: int
    end: int
    value: Any
    # One of the speaker's own people or companies, not just a name by its form.
    known: bool = False


@dataclass(slots=True)
class Sentence:
    """A sentence, its plain form, and the mentions found so far."""

    raw: str
    plain: str = ""
    rest: str = ""
    mentions: list[Mention] = field(default_factory=list)
    skeleton: str = ""
    places: list[int] = field(default_factory=list)
    # The clauses of the skeleton once they were asked for; see `clauses`.
    clauses: list[Any] | None = None

    def __post_init__(self) -> None:
        """Prepare the plain form; nothing is taken yet."""
        self.plain = self.plain or normalise(self.raw)
        self.rest = self.plain

    def take(self, mention: Mention) -> None:
        """Record a mention and hide its characters from later finders."""
        self.mentions.append(mention)
        width = mention.end - mention.start
        self.rest = self.rest[: mention.start] + TAKEN * width + self.rest[mention.end :]

    def of(self, *kinds: str) -> list[Mention]:
        """List the mentions of some kinds in the order of the sentence."""
        return sorted((mention for mention in self.mentions if mention.kind in kinds), key=lambda found: found.start)

    def build(self) -> None:
        """Make the skeleton from the mentions taken so far."""
        signs: list[str] = []
        places: list[int] = []
        at = 0
        for mention in sorted(self.mentions, key=lambda found: found.start):
            signs.extend(self.plain[at : mention.start])
            places.extend(range(at, mention.start))
            signs.append(mention.kind)
            places.append(mention.start)
            at = mention.end
        signs.extend(self.plain[at:])
        places.extend(range(at, len(self.plain)))
        self.skeleton = "".join(signs)
        self.clauses = None
        self.places = [*places, len(self.plain)]

    def at(self, index: int) -> int:
        """Place in the sentence of a place in the skeleton."""
        return self.places[index]

    def text(self, start: int, end: int, without: tuple[Mention, ...] | list[Mention] = ()) -> str:
        """Words of the speaker in a span, without some mentions."""
        return "".join(self._pieces(start, end, without))

    def _pieces(self, start: int, end: int, without: tuple[Mention, ...] | list[Mention]) -> Iterator[str]:
        for mention in sorted(without, key=lambda found: found.start):
            if mention.end <= start or mention.start >= end:
                continue
            if mention.start > start:
                yield self.raw[start : mention.start]
            start = max(start, mention.end)
        yield self.raw[start:end]
