"""Trees: bounded in depth, without circles."""

import pytest

from crm_core import customers, hierarchies
from crm_core.errors import Invalid
from crm_core.ports import Core
from tests.factories import SYSTEM


async def test_a_tree_ends_somewhere_and_makes_no_circle(core: Core) -> None:
    parent = None
    for number in range(hierarchies.DEEPEST):
        row = await customers.add_customer(core, SYSTEM, name=f"第{number}级", parent_id=parent)
        first = row.id if parent is None else first  # noqa: F821 - set in the first round
        parent = row.id
    with pytest.raises(Invalid):
        await customers.add_customer(core, SYSTEM, name="太深", parent_id=parent)
    with pytest.raises(Invalid):
        await customers.update_customer(core, SYSTEM, first, parent_id=parent)
    other = await customers.add_customer(core, SYSTEM, name="外面")
    with pytest.raises(Invalid):
        await customers.update_customer(core, SYSTEM, first, parent_id=other.id)
    assert len(await core.db.read(hierarchies.all_below("customers", first))) == hierarchies.DEEPEST - 1
    assert (await core.db.read(hierarchies.line_above("customers", parent)))[-1] == first
