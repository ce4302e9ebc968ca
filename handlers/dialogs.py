"""Open questions and the last record, kept in the state store, so that they survive a restart.

A question ends with its answer, with 取消, with another clear command, or after a day.
"""

from dataclasses import dataclass
from datetime import timedelta

import msgspec

from crm_core.ports import Core
from crm_core.values import plain
from handlers.replies import Undo

LASTS = timedelta(days=1)
_NUMBER_WORDS = {word: number for number, word in enumerate("一二三四五六七八九", 1)}


@dataclass(frozen=True, slots=True)
class Dialog:
    """A question asked: the command it belongs to, what is known so far, and the slot the answer fills."""

    intent: str
    slots: dict[str, object]
    question: str
    slot: str
    options: tuple[tuple[str, str], ...] = ()
    yes_no: bool = False

    def shown(self) -> str:
        """Write the question with its choices, one a line."""
        lines = [] if self.yes_no else [f"{number}. {label}" for number, (label, _) in enumerate(self.options, 1)]
        return "\n".join([self.question, *lines])

    def answer(self, words: str, intent: str) -> dict[str, object] | None:
        """Tell the slots with this answer in them; None when the words are no answer to this question."""
        if self.yes_no:
            return {**self.slots, self.slot: self.options[0][1]} if intent == "confirm" else None
        if not self.options:
            return {**self.slots, self.slot: words.strip()} if words.strip() and intent in ("unknown", "show_contact") else None
        value = self._chosen(words)
        return {**self.slots, self.slot: value} if value else None

    def _chosen(self, words: str) -> str | None:
        said = plain(words).strip("第个条位.。、")
        number = _NUMBER_WORDS.get(said) or (int(said) if said.isdecimal() and len(said) < 4 else 0)
        if 1 <= number <= len(self.options):
            return self.options[number - 1][1]
        fitting = [value for label, value in self.options if said and said in plain(label)]
        return fitting[0] if len(fitting) == 1 else None


class Ask(Exception):
    """A command cannot go on without an answer."""

    def __init__(self, dialog: Dialog) -> None:
        super().__init__(dialog.question)
        self.dialog = dialog


async def load(core: Core, account_id: int) -> Dialog | None:
    """Tell the open question of an account."""
    value = await core.state.get(f"dialog:{account_id}")
    return msgspec.json.decode(value, type=Dialog) if value else None


async def save(core: Core, account_id: int, dialog: Dialog) -> None:
    """Keep a question open."""
    await core.state.set(f"dialog:{account_id}", msgspec.json.encode(dialog).decode(), lasts=LASTS)


async def forget(core: Core, account_id: int) -> None:
    """Close the question."""
    await core.state.delete(f"dialog:{account_id}")


async def remember_undo(core: Core, account_id: int, undo: Undo) -> None:
    """Keep how the last record is taken back."""
    await core.state.set(f"undo:{account_id}", msgspec.json.encode(undo).decode(), lasts=LASTS)


async def take_undo(core: Core, account_id: int) -> Undo | None:
    """Take the last record's undo; it works once."""
    value = await core.state.get(f"undo:{account_id}")
    if value is None:
        return None
    await core.state.delete(f"undo:{account_id}")
    return msgspec.json.decode(value, type=Undo)


async def remember_list(core: Core, account_id: int, kind: str, ids: list[int]) -> None:
    """Keep what the last list showed, so that 第2条 means something."""
    await core.state.set(f"list:{account_id}", msgspec.json.encode({"kind": kind, "ids": ids}).decode(), lasts=LASTS)


async def listed(core: Core, account_id: int, kind: str, ref: str) -> int | None:
    """Tell the row a number of the last list (or a record's own number) stands for."""
    value = await core.state.get(f"list:{account_id}")
    shown = msgspec.json.decode(value) if value else {}
    number = int(ref) if ref.isdecimal() and len(ref) < 18 else 0
    ids: list[int] = shown.get("ids", []) if shown.get("kind") == kind else []
    if 1 <= number <= len(ids):
        return ids[number - 1]
    return number or None
