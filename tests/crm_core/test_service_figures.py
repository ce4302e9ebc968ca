"""First answers and ratings by person."""

import pytest

from crm_core import activities, customers, service_figures
from crm_core.errors import Invalid
from crm_core.ports import Core
from tests.factories import SYSTEM, make_actor, make_lead
from tests.fakes import FakeClock


async def test_the_first_answer_and_the_rating(core: Core, clock: FakeClock) -> None:
    actor, peer = await make_actor(core), await make_actor(core, "小李")
    lead = await make_lead(core, owner_id=actor.employee_id)
    clock.advance(600)
    await activities.add_follow_up(core, actor, activities.subject_of(lead), method="phone")
    clock.advance(600)
    await activities.add_follow_up(core, actor, activities.subject_of(lead), method="phone")
    row = await customers.add_customer(core, actor, name="云帆科技")
    with pytest.raises(Invalid):
        await service_figures.rate(core, actor, row.id, points=0)
    for points in (3, 4):
        await service_figures.rate(core, actor, row.id, points=points)
    (mine,) = await service_figures.figures(core, actor)
    assert (mine.new_count, mine.answered_count, mine.median_seconds, mine.rating) == (1, 1, 600, 3.5)
    assert await service_figures.figures(core, peer) == []
    assert len(await service_figures.figures(core, SYSTEM)) == 1
