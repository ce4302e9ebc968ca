"""The job that keeps scores up to date."""

from crm_core.leads import Lead
from crm_core.ports import Core
from scheduler.jobs import scores
from tests.factories import make_lead
from tests.fakes import FakeClock


async def test_a_run_scores_what_is_there_and_then_it_rests(core: Core, clock: FakeClock) -> None:
    lead = await make_lead(core, company="东风")
    assert await scores.run(core) > 0
    assert (await Lead.get(id=lead.id)).score == 5
    clock.advance(60)
    await scores.run(core)  # what was changed in the instant it was read is looked at once more
    clock.advance(60)
    assert await scores.run(core) == 0
