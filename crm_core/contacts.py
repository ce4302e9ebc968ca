"""The people and units around a customer: its tree, its contacts with role and superior, its card in one reading."""

from dataclasses import dataclass, field

from crm_core import access, hierarchies
from crm_core.access import Actor
from crm_core.customers import Contact, Customer, require_change
from crm_core.opportunities import Opportunity
from crm_core.ports import Core

ROLES = ("决策人", "采购", "技术", "财务", "使用人", "老板", "法务", "行政", "销售", "生产", "仓库", "秘书", "影响者", "把关人")
"""Roles people say in a line; any other word may be given as a role by its field."""
SHOWN = 10


@dataclass(frozen=True, slots=True)
class Unit:
    """A customer in a tree; `level` 0 is the one asked about, negative above, positive below."""

    id: int
    name: str
    level: int


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around a customer."""

    customer: Customer
    above: list[Unit] = field(default_factory=list)
    """The nearest last, so that it reads from the top."""
    below: list[Unit] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    contact_count: int = 0
    deals: list[Opportunity] = field(default_factory=list)


async def tree_of(core: Core, actor: Actor, customer_id: int) -> list[Unit]:
    """Show a customer with the units above and below that the actor may see, top down. Raises: NotFound."""
    customer = await access.load(Customer, actor, customer_id)
    line = (await core.db.read(hierarchies.line_above("customers", customer.id)))[1:]
    below = await core.db.read(hierarchies.all_below("customers", customer.id))
    seen = {
        row.id: row.name for row in await access.visible(Customer, actor).filter(id__in=[*line, *(each for _, each in below)])
    }
    above = [Unit(number, seen[number], -level) for level, number in enumerate(line, 1) if number in seen]
    under = [Unit(number, seen[number], level) for level, number in below if number in seen]
    return [*reversed(above), Unit(customer.id, customer.name, 0), *under]


async def around(core: Core, actor: Actor, customer_id: int) -> Around:
    """Gather what a customer's card shows: tree, contacts, open deals. Raises: NotFound."""
    customer = await access.load(Customer, actor, customer_id)
    units = await tree_of(core, actor, customer.id)
    contacts = access.visible(Contact, actor).filter(customer_id=customer.id)
    deals = access.visible(Opportunity, actor).filter(customer_id=customer.id, status="open")
    return Around(
        customer,
        [unit for unit in units if unit.level < 0],
        [unit for unit in units if unit.level > 0],
        await contacts.order_by("-decision_maker", "id").limit(SHOWN),
        await contacts.count(),
        await deals.order_by("-stage_since", "-id").limit(5),
    )


def label(contact: Contact, superiors: dict[int, str]) -> str:
    """Write a contact in a list: 李四（财务，上级王五，权重60）."""
    told = [contact.role or contact.title, "决策人" if contact.decision_maker and contact.role != "决策人" else ""]
    told += [f"上级{superiors[contact.reports_to_id]}"] if contact.reports_to_id in superiors else []
    told += [f"权重{contact.decision_weight}"] if contact.decision_weight is not None else []
    words = "，".join(word for word in told if word)
    return f"{contact.name}（{words}）" if words else str(contact.name)


async def undo_add(core: Core, actor: Actor, contact_id: int) -> Contact:
    """Take a contact back that was added by mistake: a mark, the row stays. Raises: NotFound; Refused."""
    access.require(actor, "contacts:write")
    async with core.db.transaction():
        row = await access.load(Contact, actor, contact_id)
        await require_change(actor, row)
        await row.change(core, deleted_at=core.clock.now())
        await access.record(core, actor, "contact.undo_add", row)
    return row


async def superiors_of(contacts: list[Contact]) -> dict[int, str]:
    """Tell the names of the superiors of contacts that were loaded through access."""
    numbers = [contact.reports_to_id for contact in contacts if contact.reports_to_id is not None]
    return {row.id: row.name for row in await Contact.filter(id__in=numbers, deleted_at=None)} if numbers else {}
