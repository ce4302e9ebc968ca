"""Pressing instead of typing: a press is what its button stands for, said by whoever pressed.

What the button stands for is read from the message it stands on, never from the press: of that only which message and
which button are believed. A message's buttons work once.
"""

from dataclasses import dataclass

from crm_core.conversations import Message
from crm_core.messages import PRESS, Body, Button, InboundMessage, mark_of
from crm_core.outbox import body_of
from crm_core.ports import Core
from handlers.replies import Reply

DONE = {"status": "done"}
"""What a card shows from then on: no buttons."""
_PRESSED = "pressed"


@dataclass(frozen=True, slots=True)
class Press:
    """A button somebody pressed, on a message that was for them; `button` is None when it was not, or is not there."""

    message_id: int
    conversation: str = ""
    button: Button | None = None


def is_press(message: InboundMessage) -> bool:
    """Tell whether a message is a press on one of our own cards."""
    return message.event == PRESS and "card_message_id" in message.data


async def find(message: InboundMessage) -> Press:
    """Find what was pressed."""
    number, position = message.data.get("card_message_id"), message.data.get("button")
    nothing = Press(0)
    if not isinstance(number, int) or not isinstance(position, int):
        return nothing
    row = await Message.get_or_none(id=number, direction="out", channel=message.address.channel)
    if row is None or mark_of(row.key) != message.data.get("card_mark"):
        return nothing
    if not row.conversation and row.external_account != message.address.external_id:
        return nothing
    buttons = body_of(row).buttons
    return Press(number, row.conversation, buttons[position - 1] if 1 <= position <= len(buttons) else None)


async def take(core: Core, press: Press) -> bool:
    """Use up the buttons of a message, in the transaction of what was pressed; False when they are used up."""
    now = core.clock.now()
    return bool(await Message.filter(id=press.message_id, outcome="").update(outcome=_PRESSED, updated_at=now))


def used_up() -> Reply:
    """Answer a press on what was pressed before: nothing but that it is over."""
    return Reply(Body(template_data=DONE))


def shown(reply: Reply) -> Reply:
    """Make of a command's answer what the card shows."""
    return Reply(Body(text=reply.text, template_data=DONE), reply.undo)
