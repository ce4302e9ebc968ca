"""The first start after a restore: nothing goes out that may have gone out before."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from bot import after_restore
from campaigns.broadcasts import Broadcast
from crm_core.conversations import Message
from crm_core.messages import Address, Body, Guarantee
from crm_core.ports import Core


async def test_what_may_have_gone_out_is_held_once(core: Core, tmp_path: Path) -> None:
    core = replace(core, settings=replace(core.settings, data_dir=tmp_path))
    for number, status in enumerate(("running", "scheduled", "draft")):
        at = core.clock.now() if status == "scheduled" else None
        values = {"segment_id": 1, "template_id": 1, "channel": "wechat", "status": status, "scheduled_at": at}
        await Broadcast.add(core, name=f"群发{number}", **values)
    await core.outbox.put(Address("wechat", "o1"), Body(text="您好"), key="to-customer")
    await core.outbox.put(Address("dingtalk", "s1"), Body(text="提醒"), key="to-staff", guarantee=Guarantee.AT_LEAST_ONCE)
    assert not await after_restore.settle(core)
    with after_restore.marked(tmp_path, core.clock.now()):
        pass
    assert await after_restore.settle(core)
    assert [row.status for row in await Broadcast.all().order_by("id")] == ["paused", "paused", "draft"]
    assert [(row.status, row.reason) for row in await Message.all().order_by("id")] == [("unknown", "restored"), ("queued", "")]
    assert not await after_restore.settle(core)


async def test_a_restore_that_fails_holds_nothing(core: Core, tmp_path: Path) -> None:
    core = replace(core, settings=replace(core.settings, data_dir=tmp_path))
    with suppress(OSError), after_restore.marked(tmp_path, core.clock.now()):
        raise OSError
    assert not await after_restore.settle(core)
