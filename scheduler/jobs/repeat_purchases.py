"""Each morning: propose to owners a contact for a repeat purchase, an upgrade or another product, once a deal and rule."""

from datetime import time, timedelta

from crm_core.messages import Button
from crm_core.pipeline_rules import RepeatPurchase
from crm_core.ports import Core, Program
from crm_core.repeat_purchases import Proposed, make_due
from scheduler.notices import staff_account, tell_at
from scheduler.queue import Periodic, once_a_day

AT = time(9, 10)
PRESSED = (("约回访", "accept_proposal"), ("先不约", "decline_proposal"))
"""What may be pressed on a proposal, and what that means; where there are no cards, it is said."""


async def run(core: Core) -> bool:
    """Propose once a day; tells whether it was done now."""
    return await once_a_day(core, "repeat_purchases", AT, lambda: propose_all(core))


async def propose_all(core: Core) -> int:
    """Make and tell what is due by every rule; tells how many proposals."""
    made = 0
    for rule in core.settings.opportunities.repeat_purchases:
        more = True
        while more:
            page, more = await core.db.run(_propose(core, rule))
            made += page
    return made


def _propose(core: Core, rule: RepeatPurchase) -> Program[tuple[int, bool]]:
    found, more = yield from make_due(core, rule)
    for proposed in found:
        yield from _tell(core, proposed)
    return len(found), more


def _tell(core: Core, proposed: Proposed) -> Program[bool]:
    account = (yield from staff_account(core, proposed.owner_id)) if proposed.owner_id is not None else None
    if account is None:
        return False
    buttons = tuple(Button(label, intent, {"proposal": str(proposed.id)}) for label, intent in PRESSED)
    key = f"purchase_proposal:{proposed.id}"
    return (yield from tell_at(core, account, proposed.sentence, key=key, topic="purchase_proposal", buttons=buttons))


PERIODIC = Periodic(name="repeat_purchases", every=timedelta(minutes=1), run=run)
