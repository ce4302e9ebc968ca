"""Cards in the members' chats, and the codes that allow one update of a card each.

Source: protocols.md section 3.4: a response_code is good once, for 72 hours.
"""

import secrets
from dataclasses import dataclass, field

from bot.simulator.calls import errcode
from bot.simulator.clock import SimClock
from bot.simulator.records import Json

CODE_SECONDS = 72 * 3600.0


@dataclass(slots=True)
class Card:
    """One card that was sent."""

    message_id: str
    task_id: str
    body: Json
    receivers: list[str]
    updates: list[Json] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """The card_type."""
        return str(self.body.get("card_type", ""))


@dataclass(slots=True)
class Code:
    """One response_code."""

    card: Card
    ends_at: float
    is_used: bool = False


class Cards:
    """All cards and codes of the application."""

    def __init__(self, clock: SimClock) -> None:
        self._clock = clock
        self._cards: list[Card] = []
        self._tasks: set[str] = set()
        self._codes: dict[str, Code] = {}

    def add(self, card: Card) -> str:
        """Keep a sent card; gives its first code."""
        if card.task_id in self._tasks:
            raise errcode(42014, "invalid task_id, it was used before, hint: [simulated]")
        if card.task_id:
            self._tasks.add(card.task_id)
        self._cards.append(card)
        return self.make_code(card)

    def make_code(self, card: Card) -> str:
        """Make a code for one update of a card."""
        code = f"SIMRC{secrets.token_urlsafe(32)}"
        self._codes[code] = Code(card, self._clock.seconds() + CODE_SECONDS)
        return code

    def use_code(self, text: str) -> Card:
        """Use a code up, or refuse."""
        code = self._codes.get(text)
        if code is None or code.ends_at <= self._clock.seconds():
            raise errcode(40058, "invalid response_code, invalid Request Parameter, hint: [simulated]")
        if code.is_used:
            raise errcode(42022, "response_code was used before, hint: [simulated]")
        code.is_used = True
        return code.card

    def last_of(self, userid: str, task_id: str | None = None) -> Card:
        """Find the newest card in a member's chat. Raises: KeyError if there is none."""
        for card in reversed(self._cards):
            if userid in card.receivers and task_id in (None, card.task_id):
                return card
        raise KeyError(task_id or userid)
