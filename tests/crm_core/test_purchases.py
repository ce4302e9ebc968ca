"""Purchases and interests: noted, listed, taken back, refused."""

import pytest

from crm_core import access, customers, purchases
from crm_core.errors import Invalid, NotFound
from crm_core.ports import Core
from crm_core.purchases import Purchase, PurchaseKind
from tests.factories import make_actor


async def test_noted_listed_and_taken_back(core: Core) -> None:
    actor, peer = await make_actor(core), await make_actor(core, "小李")
    row = await customers.add_customer(core, actor, name="云帆科技")
    made = await purchases.note_purchase(core, actor, row.id, product="网关", quantity="3台", amount="1200")
    await purchases.note_purchase(core, actor, row.id, product="边缘计算", kind=PurchaseKind.INTEREST)
    listed = await purchases.list_purchases(actor, row.id, PurchaseKind.BOUGHT)
    assert [purchases.line(each) for each in listed] == ["网关 3台 ¥1,200.00"]
    assert purchases.total(listed) == 1200
    assert await access.visible(Purchase, peer).count() == 0
    with pytest.raises(NotFound):
        await purchases.undo_purchase(core, peer, made.id)
    await purchases.undo_purchase(core, actor, made.id)
    assert await purchases.list_purchases(actor, row.id, PurchaseKind.BOUGHT) == []


async def test_what_cannot_be(core: Core) -> None:
    actor = await make_actor(core)
    row = await customers.add_customer(core, actor, name="云帆科技")
    for values in (
        {"product": " "},
        {"product": "网" * 129},
        {"product": "网关", "amount": "-1"},
        {"product": "网关", "cost": "x"},
    ):
        with pytest.raises(Invalid):
            await purchases.note_purchase(core, actor, row.id, **values)  # type: ignore[arg-type]
