"""Sentences of fixed form: hostile words cost no time, and who says much tells something."""

import re
import time
from itertools import product

import pytest

from handlers.commands import all_commands
from handlers.commands import customers as customer_commands
from handlers.commands import search as search_commands
from handlers.commands import values as value_commands
from handlers.commands.work_reports import _CENTRE
from handlers.replies import Reply, text
from handlers.router import FORMED_LENGTH, ChatContext, Router, command
from handlers.todo_words import _ASKED, _LATER
from tests.handlers.conftest import Staff

COMMANDS = all_commands()
LONG = 10_000
FORMS = {
    f"{one.intent} {number}": (form, LONG if one.at_any_length else FORMED_LENGTH)
    for one in COMMANDS.values()
    for number, form in enumerate(one.forms)
} | {
    f"recognised {number}": (form, FORMED_LENGTH)
    for number, form in enumerate(
        (
            *(customer_commands._CORRECTION, customer_commands._PLAIN, *customer_commands._QUESTIONS.values()),
            *(
                search_commands._FORM,
                value_commands._BOUGHT,
                value_commands._LIKES,
                value_commands._INTERESTED,
                _CENTRE,
                _ASKED,
                _LATER,
            ),
        )
    )
}


def hostile(form: re.Pattern[str], length: int) -> list[str]:
    """Make sentences that almost fit, of the form's own words, blanks and Hanzi."""
    own = re.findall(r"[\u3400-\u9fff]+", form.pattern)
    units = [*dict.fromkeys(own), *"张 ，1a:\n", "制造业 ", "预算5以上 "]
    fillers = [a + b for a, b in product(units[:6], ("", " ", "张", "，"))] + units
    heads = ["", *dict.fromkeys(own[:3])]
    return [(head + filler * length)[: length - 1] + "!" for head, filler in product(heads, fillers)]


@pytest.mark.parametrize("name", FORMS)
def test_no_hostile_sentence_takes_long(name: str) -> None:
    form, length = FORMS[name]
    for said in hostile(form, length):
        begun = time.process_time()
        form.fullmatch(said)
        assert time.process_time() - begun < 1, said[:40]  # milliseconds; what grows without bound takes hours


def test_who_says_much_says_no_sentence_of_a_fixed_form() -> None:
    def said(ctx: ChatContext) -> Reply:
        """好"""
        return text("好")

    usual = command(intent="usual", usage="", forms=(r"(?P<words>x+)",))(said)
    endless = command(intent="endless", usage="", forms=(r"y(?P<words>[\s\S]+)",), at_any_length=True)(said)
    router = Router({"usual": usual, "endless": endless})
    assert router._formed("x" * FORMED_LENGTH) == ("usual", {"words": "x" * FORMED_LENGTH})
    assert router._formed("x" * (FORMED_LENGTH + 1)) is None
    assert router._formed("y" * LONG) == ("endless", {"words": "y" * (LONG - 1)})


@pytest.mark.parametrize("words", ["你好", "您好", "在吗"])
async def test_a_greeting_is_answered_in_two_lines(chat: Staff, words: str) -> None:
    answer = await chat.says(words)
    assert answer.startswith("你好，小王。")
    assert answer.count("\n") == 1
