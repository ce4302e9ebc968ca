"""Builders for what is said: one-line read-backs, lists with numbers, times and money as people write them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from crm_core.clock import local_day, to_local
from crm_core.messages import Body
from crm_core.values import to_money

WEEKDAYS = "一二三四五六日"


@dataclass(frozen=True, slots=True)
class Undo:
    """How a record is taken back: the name of an undo and the numbers it needs."""

    name: str
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a command answers. `undo` lets 撤销 take it back for a day."""

    body: Body
    undo: Undo | None = None

    @property
    def text(self) -> str:
        """The words of it."""
        return self.body.text

    def with_note(self, note: str) -> "Reply":
        """Say something more on a line of its own."""
        return replace(self, body=replace(self.body, text=f"{self.text}\n{note}"))


def text(words: str, undo: Undo | None = None) -> Reply:
    """Answer in plain words."""
    return Reply(Body(text=words), undo)


def record(first: str, fields: Iterable[tuple[str, object]] = (), undo: Undo | None = None) -> Reply:
    """Read a record back: its line, then what is known, a line each; empty fields are left out."""
    lines = [first, *(f"{label}：{value}" for label, value in fields if value not in (None, ""))]
    return text("\n".join(lines), undo)


def numbered(title: str, lines: Sequence[str], after: str = "", *, first: int = 1) -> Reply:
    """Show a list one can answer by number; a further page goes on with `first`."""
    rows = [title, *(f"{number}. {line}" for number, line in enumerate(lines, first))]
    return text("\n".join([*rows, after] if after else rows))


def when(at: datetime, now: datetime) -> str:
    """Write an instant as people do: 今天 15:00, 明天 09:00, 12月2日（周三）09:00."""
    local, today = to_local(at), local_day(now)
    days = (local.date() - today).days
    near = {-1: "昨天", 0: "今天", 1: "明天", 2: "后天"}.get(days)
    if near:
        return f"{near} {local:%H:%M}"
    year = "" if local.year == today.year else f"{local.year}年"
    return f"{year}{local.month}月{local.day}日（周{WEEKDAYS[local.weekday()]}）{local:%H:%M}"


def ago(at: datetime | None, now: datetime) -> str:
    """Write how long ago something was."""
    if at is None:
        return "还没有跟进"
    days = (local_day(now) - local_day(at)).days
    if days <= 0:
        return "今天" if now - at > timedelta(minutes=5) else "刚刚"
    return "昨天" if days == 1 else f"{days}天前"


def money(amount: object) -> str:
    """Write yuan: ¥35,000.00."""
    return f"¥{to_money(str(amount)):,.2f}"
