"""What customers bought and what they are interested in, noted in one line (兴趣和消费记录).

A won deal counts as a purchase by itself; what is noted here is what was bought without one.
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from tortoise import fields
from tortoise.expressions import Q, Subquery

from crm_core import access
from crm_core.access import Actor
from crm_core.collaborators import own_or_shared
from crm_core.customers import Customer, touch_contacts
from crm_core.db import Entity, MoneyField, UtcDatetimeField
from crm_core.errors import Invalid
from crm_core.pipeline_rules import checked_values
from crm_core.ports import Core


class PurchaseKind(StrEnum):
    """Bought, or only liked."""

    BOUGHT = "bought"
    INTEREST = "interest"


PURCHASE_LABELS = {PurchaseKind.BOUGHT: "买过", PurchaseKind.INTEREST: "感兴趣"}


class Purchase(Entity):
    """One thing a customer bought or is interested in. With its cost a sale may have lost money."""

    customer_id = fields.BigIntField(db_index=True)
    kind = fields.CharField(max_length=16, default=PurchaseKind.BOUGHT.value)
    product = fields.CharField(max_length=128)
    quantity = fields.CharField(max_length=32, default="")
    amount = MoneyField(null=True)
    cost = MoneyField(null=True)
    at = UtcDatetimeField()
    employee_id = fields.BigIntField(null=True)
    undone_at = UtcDatetimeField(null=True)

    @classmethod
    def visible_to(cls, actor: Actor) -> Q:
        """Select those of customers the actor sees."""
        customers: Any = Subquery(Customer.filter(own_or_shared(actor, "id"), deleted_at=None).values("id"))
        return Q(customer_id__in=customers)

    class Meta:
        """Kept with its customer."""

        table = "purchases"


async def note_purchase(
    core: Core,
    actor: Actor,
    customer_id: int,
    *,
    product: str,
    kind: PurchaseKind = PurchaseKind.BOUGHT,
    quantity: str = "",
    amount: object = None,
    cost: object = None,
    at: datetime | None = None,
) -> Purchase:
    """Note what a customer bought or likes. A collaborator may, too. Raises: NotFound; Invalid."""
    access.require(actor, "customers:write")
    if not product.strip() or len(product.strip()) > 128 or len(quantity) > 32:
        raise Invalid(field="product", reason="请填写1到128个字的产品")
    money = [checked_values({"amount": each})["amount"] if each is not None else None for each in (amount, cost)]
    async with core.db.transaction():
        customer = await access.load(Customer, actor, customer_id)
        made: Purchase = await Purchase.add(
            core,
            customer_id=customer.id,
            kind=kind.value,
            product=product.strip(),
            quantity=quantity.strip(),
            amount=money[0],
            cost=money[1],
            at=at or core.clock.now(),
            employee_id=actor.employee_id,
        )
        await _look_again(customer.id)
        await access.record(core, actor, "purchase.note", made, after={"customer_id": customer.id, "kind": kind.value})
    return made


async def undo_purchase(core: Core, actor: Actor, purchase_id: int) -> Purchase:
    """Take a note back; it stays as a row. Raises: NotFound."""
    access.require(actor, "customers:write")
    async with core.db.transaction():
        row = await access.load(Purchase, actor, purchase_id)
        await row.change(core, undone_at=core.clock.now())
        await _look_again(row.customer_id)
        await touch_contacts(core, row.customer_id)
        await access.record(core, actor, "purchase.undo", row)
    return row


async def list_purchases(actor: Actor, customer_id: int, kind: PurchaseKind | None = None, limit: int = 20) -> list[Purchase]:
    """List what a customer bought and likes, newest first. Raises: NotFound."""
    customer = await access.load(Customer, actor, customer_id)
    query = Purchase.filter(customer_id=customer.id, undone_at=None)
    if kind is not None:
        query = query.filter(kind=kind.value)
    return await query.order_by("-at", "-id").limit(limit)


def line(row: Purchase) -> str:
    """Write one as a line: 网关 3台 ¥12,000.00."""
    words = [row.product, row.quantity]
    words += [f"¥{row.amount:,.2f}"] if row.amount is not None else []
    words += [f"成本¥{row.cost:,.2f}"] if row.cost is not None else []
    return " ".join(word for word in words if word)


def total(rows: list[Purchase]) -> Decimal:
    """Add up what was paid."""
    return sum((row.amount for row in rows if row.amount is not None), Decimal(0))


async def _look_again(customer_id: int) -> None:
    await Customer.filter(id=customer_id).update(life_due_at=None, value_due_at=None)
