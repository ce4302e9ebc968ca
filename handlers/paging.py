"""What 更多 goes on with: kept beside the conversation for a day, whatever list was shown last."""

from typing import Any

import msgspec

from crm_core.ports import Core
from handlers.dialogs import LASTS


async def remember(core: Core, place: str, what: str, values: dict[str, Any] | None) -> None:
    """Keep where the next page of a list begins; None when there is none."""
    if values is None:
        await core.state.delete(f"more:{place}")
        return
    await core.state.set(f"more:{place}", msgspec.json.encode({"what": what, **values}).decode(), lasts=LASTS)


async def recall(core: Core, place: str) -> dict[str, Any]:
    """Tell where the list shown last goes on; empty when it does not."""
    value = await core.state.get(f"more:{place}")
    found: dict[str, Any] = msgspec.json.decode(value) if value else {}
    return found
