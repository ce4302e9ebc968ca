"""Whose accounts and messages are seen."""

from crm_core import conversion
from crm_core.access import Actor, Role
from crm_core.accounts import Account
from crm_core.conversations import Message
from crm_core.ports import Core
from crm_core.timelines import visible_accounts, visible_messages
from tests.factories import SYSTEM, make_actor, make_customer_account, make_employee, make_lead


async def make_message(core: Core, account: Account, text: str) -> None:
    same = {"direction": "in", "kind": "text", "status": "done", "at": core.clock.now(), "key": text}
    await Message.add(
        core, channel=account.channel, external_account=account.external_id, account_id=account.id, text=text, **same
    )


async def seen(actor: Actor) -> tuple[set[str], set[str]]:
    return {row.external_id for row in await visible_accounts(actor)}, {row.text for row in await visible_messages(actor)}


async def test_those_of_the_own_people_the_pool_and_oneself(core: Core) -> None:
    me, other = await make_actor(core, "小王"), await make_actor(core, "小李")
    await make_employee(core, "小赵", staff_id="staff3")
    owners = {"mine": me.employee_id, "theirs": other.employee_id, "pool": None}
    for name, owner_id in owners.items():
        account = await make_customer_account(core, await make_lead(core, name, owner_id=owner_id), name)
        await make_message(core, account, name)
    assert await seen(me) == ({"mine", "pool"}, {"mine", "pool"})
    assert await seen(other) == ({"theirs", "pool"}, {"theirs", "pool"})
    assert await seen(Actor(Role.VIEWER, "只读")) == ({"mine", "theirs", "pool", "staff3"}, {"mine", "theirs", "pool"})


async def test_they_stay_after_conversion(core: Core) -> None:
    me = await make_actor(core, "小王")
    lead = await make_lead(core, owner_id=me.employee_id)
    await make_customer_account(core, lead, "o1")
    await conversion.convert(core, SYSTEM, lead.id)
    assert (await seen(me))[0] == {"o1"}
