"""The job that sets the tags of rules; what a rule does stands in tests/crm_core/test_rule_tagging.py."""

from dataclasses import replace

from crm_core.tag_rules import TagRule, TagSettings
from scheduler.jobs import tag_rules as job
from tests.factories import make_lead


async def test_without_rules_nothing_is_done(core):
    await make_lead(core, score=90)
    assert await job.run(core) == 0


async def test_it_tells_how_many_were_set(core):
    rules = TagSettings((TagRule("高分", '{"field": "score", "is": ">=", "value": 60}'),))
    core = replace(core, settings=replace(core.settings, tags=rules))
    await make_lead(core, score=90)
    assert await job.run(core) == 1
