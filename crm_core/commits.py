"""What is to be told once a transaction is committed, and not before: whoever hears of it looks on another connection."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from crm_core.ports import Program, Rows

T = TypeVar("T")
Tell = Callable[[], None]
_waiting: ContextVar[list[Tell] | None] = ContextVar("told_after_commit", default=None)


def is_open() -> bool:
    """Whether what is told now waits for a commit."""
    return _waiting.get() is not None


def note(tell: Tell) -> None:
    """Let this be told after the commit of what is being written; at once when nothing is."""
    waiting = _waiting.get()
    if waiting is None:
        tell()
    else:
        waiting.append(tell)


@contextmanager
def noted() -> Iterator[None]:
    """Around a transaction: tell when it has ended well; for a part of another one, when that has."""
    told: list[Tell] = []
    token = _waiting.set(told)
    try:
        yield
    finally:
        _waiting.reset(token)
    for tell in told:
        note(tell)


def noting(program: Program[T], told: list[Tell]) -> Program[T]:
    """Run a program, whoever drives it; what it wants to be told is put into `told`."""
    found: Rows = None
    try:
        while True:
            # For one step at a time: others run between two steps, in the same context.
            token = _waiting.set(told)
            try:
                statement = program.send(found)
            except StopIteration as stop:
                result: T = stop.value
                return result
            finally:
                _waiting.reset(token)
            found = yield statement
    finally:
        program.close()
