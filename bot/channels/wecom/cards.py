"""Bodies with buttons as template cards (按钮交互型), and the way from a press back to the message it is.

What stays of a card after a press is its button, renamed to what became of it: one update a press, by the code the press
brought or in the answer to it.
"""

import re
from typing import Any

from crm_core.messages import Body, OutboundMessage, mark_of

BUTTONS = 6
TITLE_CHARACTERS, TEXT_CHARACTERS, NAME_CHARACTERS = 26, 112, 60
"""Source: template-card page of the platform, not re-read; the first two are what it shows without cutting."""
DONE_NAME = "已处理"
_TASK = re.compile(r"gx-([1-9][0-9]{0,17})-([0-9a-f]{16})")


def fits(body: Body) -> bool:
    """Tell whether a body can be a card: it has buttons, not too many, and nothing of its text would be cut off."""
    return 0 < len(body.buttons) <= BUTTONS and 0 < len(body.text) <= TITLE_CHARACTERS + TEXT_CHARACTERS


def card_of(message: OutboundMessage) -> dict[str, Any]:
    """Give the card of a message; its task_id leads back to it, and is the same for every try."""
    first, _, rest = message.body.text.partition("\n")
    title, text = (first, rest) if len(first) <= TITLE_CHARACTERS else ("", message.body.text)
    return {
        "card_type": "button_interaction",
        "main_title": {"title": title or "请选择"},
        "sub_title_text": text,
        "task_id": f"gx-{message.id}-{mark_of(message.key)}",
        "button_list": [{"text": button.label, "key": str(n)} for n, button in enumerate(message.body.buttons, 1)],
    }


def read_task(task_id: str) -> tuple[int, str] | None:
    """Give the number and the mark of the message a card is, or None for a card that is not ours."""
    found = _TASK.fullmatch(task_id)
    return (int(found[1]), found[2]) if found else None


def new_name(reply: Body) -> str:
    """Give what the button of a pressed card is called from now on."""
    return reply.text.partition("\n")[0][:NAME_CHARACTERS] or DONE_NAME


def says_all(reply: Body) -> bool:
    """Tell whether the press is over and its button can say what became of it; a question, or more words, is a message."""
    return "status" in reply.template_data and new_name(reply) in (reply.text, DONE_NAME)
