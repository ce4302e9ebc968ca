"""The job that makes keys which are due."""

from crm_core.leads import Lead, insert_from_channel
from crm_core.ports import Core
from scheduler.jobs import name_keys


async def test_due_keys_are_made_once(core: Core) -> None:
    await core.db.run(insert_from_channel(core, channel="wechat", name="张伟", source="", raw_text=""))
    assert await name_keys.run(core) == 1
    assert (await Lead.get()).name_key == "zhang wei"
    assert await name_keys.run(core) == 0
