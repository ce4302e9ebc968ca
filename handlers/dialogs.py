"""Open questions and the last record, kept in the state store, so that they survive a restart.

A question ends with its answer, with 取消, with another clear command, or after a day.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from crm_core.errors import NotFound
from crm_core.messages import Button, InboundMessage
from crm_core.ports import Core, Program
from crm_core.state import values_of
from crm_core.values import plain
from handlers.replies import Undo
from handlers.understanding.answers import read_answer

LASTS = timedelta(days=1)
OCCASION = "occasion"
"""Asked for when a greeting has no day: the answer fills whichever slot it is, a festival, a birthday or a date."""
_YES = frozenset({"是", "1", "y", "yes", "好", "确认", "可以", "要"})
_APPROVAL = re.compile(r"批准|审批|通过|(?<![不标])准(?!备|确)")
_NO = frozenset({"否", "2", "n", "no", "不要", "不用"})
_NUMBER_WORDS = {word: number for number, word in enumerate("一二三四五六七八九", 1)}


@dataclass(frozen=True, slots=True)
class Dialog:
    """A question asked: the command it belongs to, what is known so far, and the slot the answer fills.

    `approval` is what to say to approve later what is asked about (批准群发#1); only such a question takes 批准 for a yes.
    `no_intent` with `no_slots` is the command a no stands for, where it means more than that the question is closed.
    """

    intent: str
    slots: dict[str, object]
    question: str
    slot: str
    options: tuple[tuple[str, str], ...] = ()
    yes_no: bool = False
    approval: str = ""
    no_intent: str = ""
    no_slots: dict[str, object] = field(default_factory=dict)

    def shown(self) -> str:
        """Write the question with its choices, one a line."""
        lines = [] if self.yes_no else [f"{number}. {label}" for number, (label, _) in enumerate(self.options, 1)]
        return "\n".join([self.question, *lines])

    def again(self) -> str:
        """Write the question once more, with how it can be answered."""
        if self.yes_no:
            how = "请回复“是”或“否”；要修改请先回复“取消”再重说一遍"
        else:
            how = "请回复序号，或回复“取消”" if self.options else "没看懂，请换个说法，或回复“取消”"
        return f"{self.shown()}\n（{how}）"

    def answer(self, words: str, intent: str, now: datetime, known: Sequence[str]) -> dict[str, object] | None:
        """Tell the slots with this answer in them; None when the words are no answer to this question."""
        if self.yes_no:
            yes = intent == "confirm" or plain(words) in _YES
            if not self.approval and _APPROVAL.search(plain(words)):
                return None  # said of something else that waits for it
            return {**self.slots, self.slot: self.options[0][1]} if yes else None
        value = self._chosen(words) if self.options else read_answer(self.slot, words, now, known)
        if isinstance(value, dict) and self.slot == OCCASION:
            return {**self.slots, **value}
        return {**self.slots, self.slot: value} if value else None

    def refused(self, words: str, intent: str) -> bool:
        """Tell whether the words are a no to a yes-or-no question."""
        return self.yes_no and (intent == "deny" or plain(words) in _NO)

    def labelled(self, words: str) -> dict[str, object] | None:
        """Tell the slots with the choice these very words are the label of, whatever else they mean; None when of none."""
        chosen = [] if self.yes_no else [value for label, value in self.options if plain(label) == plain(words)]
        return {**self.slots, self.slot: chosen[0]} if len(chosen) == 1 else None

    def _chosen(self, words: str) -> str | None:
        said = plain(words).strip("第个条位.。、")
        number = _NUMBER_WORDS.get(said) or (int(said) if said.isdecimal() and len(said) < 4 else 0)
        if 1 <= number <= len(self.options):
            return self.options[number - 1][1]
        fitting = [value for label, value in self.options if said and said in plain(label)]
        return fitting[0] if len(fitting) == 1 else None


LISTS = {
    "pool": "公海",
    "reminders": "待办",
    "follow_ups": "最近跟进",
    "quarantine": "隔离区",
    "documents": "文件 客户名",
    "visits": "外出安排",
    "proposals": "复购建议",
    "scores": "高分线索",
    "opportunities": "我的商机",
    "cleaning": "清洗",
    "exceptions": "待分配",
    "overdue": "逾期线索",
}
"""What is said to see a list again, by its kind."""


class NotInList(NotFound):
    """A number nobody has been shown."""

    code = "chat.not_in_list"
    text = "没有第{ref}条，请先看列表（{lists}）再回复序号"


class Ask(Exception):
    """A command cannot go on without an answer."""

    def __init__(self, dialog: Dialog, buttons: tuple[Button, ...] = ()) -> None:
        super().__init__(dialog.question)
        self.dialog = dialog
        self.buttons = buttons


def place_of(account_id: int, message: InboundMessage) -> str:
    """Name where a conversation takes place: what is asked in a group is not answered in private, nor the other way round."""
    return f"{account_id}:{message.address.conversation}" if message.in_group else str(account_id)


async def load(core: Core, place: str) -> Dialog | None:
    """Tell the open question of a place."""
    value = await core.state.get(f"dialog:{place}")
    return msgspec.json.decode(value, type=Dialog) if value else None


def read(core: Core, places: Sequence[str]) -> Program[dict[str, Dialog]]:
    """Tell the open questions of many places, as a part of a program."""
    found = yield from values_of(core, [f"dialog:{place}" for place in places])
    return {key.removeprefix("dialog:"): msgspec.json.decode(value, type=Dialog) for key, value in found.items()}


async def save(core: Core, place: str, dialog: Dialog) -> None:
    """Keep a question open."""
    await core.state.set(f"dialog:{place}", msgspec.json.encode(dialog).decode(), lasts=LASTS)


async def forget(core: Core, place: str) -> None:
    """Close the question."""
    await core.state.delete(f"dialog:{place}")


async def remember_undo(core: Core, place: str, undo: Undo) -> None:
    """Keep how the last record is taken back."""
    await core.state.set(f"undo:{place}", msgspec.json.encode(undo).decode(), lasts=LASTS)


async def take_undo(core: Core, place: str) -> Undo | None:
    """Take the last record's undo; it works once."""
    value = await core.state.get(f"undo:{place}")
    if value is None:
        return None
    await core.state.delete(f"undo:{place}")
    return msgspec.json.decode(value, type=Undo)


@dataclass(frozen=True, slots=True)
class Listed:
    """What the last list showed: a kind of rows, their numbers, and what goes on with the next page of it."""

    kind: str = ""
    ids: list[int] = field(default_factory=list)
    intent: str = ""
    slots: dict[str, str] = field(default_factory=dict)


async def remember_list(
    core: Core, place: str, kind: str, ids: list[int], *, intent: str = "", slots: dict[str, str] | None = None
) -> None:
    """Keep what the last list showed, so that 第2条 means something; an empty one too. `intent` shows more of it."""
    shown = Listed(kind, ids, intent, slots or {})
    await core.state.set(f"list:{place}", msgspec.json.encode(shown).decode(), lasts=LASTS)


async def last_list(core: Core, place: str) -> Listed:
    """Tell what the last list showed."""
    value = await core.state.get(f"list:{place}")
    return msgspec.json.decode(value, type=Listed) if value else Listed()


async def listed(core: Core, place: str, kind: str, ref: str, said: str) -> int:
    """Tell the row a number of the last list stands for; `#12` is a record's own number.

    Raises: NotInList, because a number beyond the list must never become some other record.
    """
    if not (ref.isdecimal() and len(ref) < 18):
        raise NotInList(ref=ref[:18], lists=LISTS.get(kind, "列表"))
    number = int(ref)
    if f"#{ref}" in plain(said):
        return number
    shown = await last_list(core, place)
    ids = shown.ids if shown.kind == kind else []
    if not 1 <= number <= len(ids):
        raise NotInList(ref=ref, lists=LISTS.get(kind, "列表"))
    return ids[number - 1]
