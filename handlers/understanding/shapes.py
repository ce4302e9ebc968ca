"""Short commands about what the bot itself has shown: a draft by its number, a reminder of the list, the next page.

They are no intents of a salesperson's sentence but answers to a screen, so they are read as whole phrases before `parse`.
"""

import re
from dataclasses import dataclass, field

from handlers.understanding.normal import normalise
from handlers.understanding.numerals import read_small

_NUMBER = r"(?P<ref>\d{1,12}|[一二两三四五六七八九十]{1,3})"
_APPROVE = r"(?:批准|确认|同意|通过|审批|发送|启动|批)(?:一下|下|了)?"
_DROP = r"(?:请|帮我|把)?(?:取消|删除|删掉|撤销|撤掉|去掉|不要)(?:掉|了)?"
_CALL = r"(?:提醒|待办|闹钟)"
_END = r"(?:吧|了|啊)?[。.!]?"
_SHAPES = tuple(
    (intent, re.compile(pattern))
    for intent, pattern in (
        ("approve_broadcast", rf"{_APPROVE}(?:群发|推送)(?:草稿|任务)?[第#]?{_NUMBER}[条号个]?{_END}"),
        ("approve_broadcast", rf"(?:把)?(?:群发|推送)(?:草稿|任务)?[第#]?{_NUMBER}[条号个]?{_APPROVE}{_END}"),
        ("approve_broadcast", rf"{_APPROVE}(?P<greeting>祝福)(?:草稿|计划)?[第#]?{_NUMBER}[条号个]?{_END}"),
        ("cancel_reminder", rf"{_DROP}[第#]?{_NUMBER}[条个号项](?:的)?{_CALL}{_END}"),
        ("cancel_reminder", rf"{_DROP}{_CALL}[第#]?{_NUMBER}[条个号项]?{_END}"),
        ("cancel_reminder", rf"{_DROP}(?:一?[条个])?{_CALL}{_END}"),
        ("next_page", r"(?:看)?(?:下一?页|翻页|更多|看更多|还有吗|还有呢|继续看|往下看)[?？。.!]?"),
    )
)


@dataclass(frozen=True, slots=True)
class Shape:
    """A short command: its intent and the numbers in it."""

    intent: str
    slots: dict[str, object] = field(default_factory=dict)


def read_shape(text: str) -> Shape | None:
    """Read a whole text as one of the short commands; None for anything else."""
    plain = "".join(normalise(text).split())
    for intent, pattern in _SHAPES:
        match = pattern.fullmatch(plain)
        if match is None:
            continue
        said = match.groupdict()
        number = read_small(said["ref"]) if said.get("ref") else None
        if number is None:
            return Shape(intent)
        return Shape(intent, {"plan" if said.get("greeting") else "ref": str(number)})
    return None
