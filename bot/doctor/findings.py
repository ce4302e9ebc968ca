"""One line of the doctor's report."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How it is. `BAD` keeps something from working, `DOUBTFUL` will one day, `UNSEEN` could not be looked at."""

    GOOD = "✓"
    DOUBTFUL = "!"
    BAD = "✗"
    UNSEEN = "-"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, why, and what mends it."""

    subject: str
    state: State
    cause: str
    mend: str = ""

    def __str__(self) -> str:
        return f"{self.state.value} {self.subject}：{self.cause}" + (f"；{self.mend}" if self.mend else "")


def good(subject: str, what: str = "正常") -> Finding:
    """Say that something is as it should be."""
    return Finding(subject, State.GOOD, what)


def doubtful(subject: str, cause: str, mend: str) -> Finding:
    """Say that something works now and may not for long."""
    return Finding(subject, State.DOUBTFUL, cause, mend)


def bad(subject: str, cause: str, mend: str) -> Finding:
    """Say that something does not work."""
    return Finding(subject, State.BAD, cause, mend)


def unseen(subject: str, why: str) -> Finding:
    """Say that something could not be looked at, because of what stands above it in the report."""
    return Finding(subject, State.UNSEEN, why)
