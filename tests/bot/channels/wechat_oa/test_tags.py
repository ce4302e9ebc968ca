"""Our tags on the platform: made when missing, the same people afterwards, limits before the call."""

from typing import Any

import pytest

from bot.channels.wechat_oa.api import WechatApi
from bot.channels.wechat_oa.tags import TagUnusable, check_name, ensure_tag, mirror
from bot.simulator import Simulator
from crm_core import segments
from crm_core.accounts import Account
from crm_core.errors import NotFound
from tests.factories import SYSTEM, make_customer_account, make_lead


async def people(core: Any, simulator: Simulator, count: int) -> list[int]:
    made = []
    for number in range(count):
        lead = await make_lead(core, f"客户{number}")
        await make_customer_account(core, lead, f"o{number:03}")
        simulator.wechat.state.followers.ensure(f"o{number:03}")
        await Account.filter(external_id=f"o{number:03}").update(followed_at=core.clock.now())
        await segments.add_tags(core, SYSTEM, lead.person_id, ["VIP"])
        made.append(lead.person_id)
    return made


async def test_a_tag_gets_our_people_and_loses_the_others(core: Any, simulator: Simulator, api: WechatApi) -> None:
    persons = await people(core, simulator, 60)
    done = await mirror(core, "wechat", api, "VIP")
    assert (done.carriers, done.added, done.removed) == (60, 60, 0)
    assert len(simulator.records.calls("/cgi-bin/tags/members/batchtagging")) == 2
    await segments.remove_tags(core, SYSTEM, persons[0], ["VIP"])
    await Account.filter(external_id="o001").update(opted_out_at=core.clock.now())
    again = await mirror(core, "wechat", api, "VIP")
    assert (again.carriers, again.added, again.removed) == (58, 0, 2)
    assert len(simulator.wechat.state.followers.tagged(done.tag_id)) == 58
    assert (await mirror(core, "wechat", api, "VIP")).removed == 0
    with pytest.raises(NotFound):
        await mirror(core, "wechat", api, "没有")


async def test_limits_are_named_before_the_call(simulator: Simulator, api: WechatApi) -> None:
    for name in ("", "长" * 11):
        with pytest.raises(TagUnusable):
            check_name(name)
    number = await ensure_tag(api, "展会")
    assert await ensure_tag(api, " 展会 ") == number
    simulator.wechat.tags.tags |= {1000 + each: f"t{each}" for each in range(99)}
    with pytest.raises(TagUnusable) as caught:
        await ensure_tag(api, "又一个")
    assert "已满100个" in caught.value.sentence()


async def test_tags_are_renamed_and_deleted(simulator: Simulator, api: WechatApi) -> None:
    number = await ensure_tag(api, "展会")
    await api.rename_tag(number, "展会A")
    assert simulator.wechat.tags.tags[number] == "展会A"
    simulator.wechat.state.followers.ensure("oA")
    await api.tag_users(number, ["oA"])
    assert await api.load_tag_ids("oA") == [number]
    await api.delete_tag(number)
    assert number not in simulator.wechat.tags.tags
    assert simulator.complaints == []
