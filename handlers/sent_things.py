"""What a file, a picture or a place means that is sent without words.

A table (CSV, xlsx) starts an import, any other file and every picture is filed under the current customer. Who wants a table
filed says so before: 存文件 A公司. A place is a check-in.
"""

from datetime import timedelta

from crm_core.activities import Subject
from crm_core.messages import InboundMessage, Kind
from crm_core.ports import Core

IMPORT, FILING, CHECK_IN = "import_table", "file_document", "check_in"
INTENTS = (IMPORT, FILING, CHECK_IN)
TABLES = (".csv", ".xlsx", ".xls", ".txt")
"""Endings of what is taken for a table; one without a name is looked into by the import."""
LASTS = timedelta(minutes=30)
"""How long the customer spoken of last is the current one, and how long a word about the next file holds."""


async def intent_of(core: Core, place: str, message: InboundMessage) -> str:
    """Tell what is meant by it; nothing for what has words or cannot be used."""
    if message.kind is Kind.LOCATION:
        return CHECK_IN
    if message.kind in (Kind.IMAGE, Kind.VIDEO):
        return FILING
    if message.kind is not Kind.FILE:
        return ""
    name = str(message.data.get("file_name") or "").lower()
    is_table = not name or name.endswith(TABLES)
    return IMPORT if is_table and await core.state.get(f"filing:{place}") is None else FILING


async def expect_file(core: Core, place: str, subject: Subject) -> None:
    """Say that the next file is to be filed under this subject, whatever it is."""
    await core.state.set(f"filing:{place}", f"{subject.kind}:{subject.id}", lasts=LASTS)


async def take_expected(core: Core, place: str) -> str:
    """Tell under whom the next file was to be filed, once."""
    value = await core.state.get(f"filing:{place}")
    if value is not None:
        await core.state.delete(f"filing:{place}")
    return value or ""


async def speak_of(core: Core, place: str, subject: Subject) -> None:
    """Remember whom the conversation is about now (当前客户)."""
    key, whom = f"subject:{place}", f"{subject.kind}:{subject.id}"
    if await core.state.get(key) != whom:  # most of the time one goes on about the same; a look-up then stays one
        await core.state.set(key, whom, lasts=LASTS)


async def spoken_of(core: Core, place: str) -> str:
    """Tell whom the conversation is about, as kind and number; nothing when nobody was spoken of lately."""
    return await core.state.get(f"subject:{place}") or ""
