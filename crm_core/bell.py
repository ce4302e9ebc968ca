"""Waking work that waits: whoever makes some rings after the commit, whoever does it looks at once.

A bell may be missed, by a process that stops or by another one that does the work: the rows say what is due, and every bell
stands beside a clock that looks at them by itself.
"""

from collections.abc import Callable

LEADS = "lead_chain"
"""Rung when a new lead waits for its chain (scheduler/jobs/lead_chain.py)."""


class Bell:
    """Who listens to which name, in this process."""

    def __init__(self) -> None:
        self._ears: dict[str, Callable[[], None]] = {}

    def listen(self, name: str, ear: Callable[[], None]) -> None:
        """Call `ear` whenever this name is rung; it may be called from any thread, and must return at once."""
        self._ears[name] = ear

    def deafen(self, name: str) -> None:
        """Listen no more."""
        self._ears.pop(name, None)

    def ring(self, name: str) -> None:
        """Wake whoever listens to this name; nobody need."""
        ear = self._ears.get(name)
        if ear is not None:
            ear()
