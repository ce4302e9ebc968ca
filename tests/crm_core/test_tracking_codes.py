"""Tracking codes: asked for once, made by the edge, told to whoever asked, tried again for passing reasons."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crm_core import tracking_codes
from crm_core.access import Role
from crm_core.conversations import Message
from crm_core.errors import Invalid, Refused
from crm_core.messages import Address
from crm_core.reach import ReachRule
from crm_core.tracking_codes import TRIES, TrackingCode
from tests.factories import SYSTEM, make_actor

TELL = Address("dingtalk", "staff-1")


@pytest.fixture
def core(core):
    return replace(core, reach={"wechat": ReachRule.always(), "dingtalk": ReachRule.always()})


async def want(core, scene="展会A", **values) -> TrackingCode:
    return await tracking_codes.want(core, SYSTEM, channel="wechat", scene=scene, **values)


async def due(core) -> list:
    return await core.db.read(tracking_codes.wanted("wechat", core.clock.now()))


async def test_a_code_is_wanted_made_and_told_and_then_the_same(core):
    code = await want(core, " 展会A ", tell=TELL)
    assert (code.scene, code.status, code.picture_url) == ("展会A", "wanted", "")
    assert await due(core) == [(code.id, "展会A", True)]
    made = await tracking_codes.ready(core, code.id, ticket="gQ+/=", url="http://weixin.qq.com/q/x", expires_at=None)
    assert made.picture_url == "https://mp.weixin.qq.com/cgi-bin/showqrcode?ticket=gQ%2B%2F%3D"
    assert await due(core) == []
    (told,) = await Message.filter(channel="dingtalk")
    assert told.text == f"二维码「展会A」已生成：{made.picture_url}"
    assert (await want(core, tell=TELL)).id == code.id
    assert await due(core) == []


async def test_a_temporary_code_is_made_again_when_it_is_over(core, clock):
    code = await want(core, permanent=False)
    ends = clock.now() + timedelta(days=30)
    await tracking_codes.ready(core, code.id, ticket="t", url="u", expires_at=ends)
    assert (await want(core, permanent=False)).holds(clock.now())
    clock.advance(timedelta(days=31))
    assert (await want(core, permanent=False)).status == "wanted"
    assert await TrackingCode.all().count() == 1
    assert (await Message.all().count()) == 0


async def test_a_passing_failure_is_tried_again_and_a_final_one_is_told(core, clock):
    code = await want(core, tell=TELL)
    for _ in range(TRIES - 1):
        await tracking_codes.failed(core, code.id, "no_answer", sentence="连不上", final=False)
        assert await due(core) == []
        clock.advance(61)
        assert len(await due(core)) == 1
    assert await Message.all().count() == 0
    await tracking_codes.failed(core, code.id, "no_answer", sentence="连不上", final=False)
    assert await due(core) == []
    assert (await Message.get()).text == "二维码「展会A」没有生成：连不上"
    clock.advance(1)
    again = await want(core, tell=TELL)
    await tracking_codes.failed(core, again.id, "errcode_48001", sentence="没有权限", final=True)
    assert await Message.all().count() == 2


@pytest.mark.parametrize("scene", ["", "  ", "长" * 65, "a\nb"])
async def test_a_scene_is_checked(core, scene):
    with pytest.raises(Invalid):
        await want(core, scene)


async def test_who_and_where_are_checked(core):
    with pytest.raises(Invalid):
        await tracking_codes.want(core, SYSTEM, channel="dingtalk", scene="展会A")
    with pytest.raises(Refused):
        await tracking_codes.want(core, await make_actor(core, "小王", Role.SALES), channel="wechat", scene="展会A")
