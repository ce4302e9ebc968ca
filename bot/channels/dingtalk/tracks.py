"""The card's own id: the way from a press back to the message it is."""

import re

from crm_core.messages import OutboundMessage, mark_of

_TRACK = re.compile(r"gx-([1-9][0-9]{0,17})-([0-9a-f]{16})")


def track_of(message: OutboundMessage) -> str:
    """Give the card's own id: the same for every try of a message, and the way back from a press to its row."""
    return f"gx-{message.id}-{mark_of(message.key)}"


def read_track(track: str) -> tuple[int, str] | None:
    """Give the number and the mark of the message a card is, or None for a card that is not ours."""
    found = _TRACK.fullmatch(track)
    return (int(found[1]), found[2]) if found else None
