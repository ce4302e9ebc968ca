"""What a person may say, one file a noun."""

from crm_core.discovery import collect
from handlers.router import Command


def all_commands() -> dict[str, Command]:
    """Find the chat commands by intent."""
    return collect("handlers.commands", lambda value: value.intent if isinstance(value, Command) else None)
