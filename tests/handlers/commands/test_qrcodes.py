"""Tracking codes in words: asked for, told again when they hold, listed; marketers only."""

from dataclasses import replace

import pytest

from crm_core import tracking_codes
from crm_core.access import Role
from crm_core.ports import Core
from crm_core.reach import MassRule, ReachRule
from crm_core.tracking_codes import TrackingCode
from handlers.commands import all_commands
from handlers.pipeline import Pipeline
from handlers.router import Router
from tests.handlers.conftest import Talker, staff


@pytest.fixture
def core(core: Core) -> Core:
    return replace(core, reach={"wechat": ReachRule(mass=MassRule()), "dingtalk": ReachRule.always()})


@pytest.fixture
async def marketer(core: Core, pipeline) -> Talker:
    return await staff(core, pipeline, "小美", Role.MARKETER)


async def test_a_code_is_asked_for_and_told_again(core: Core, marketer: Talker) -> None:
    assert await marketer.says("生成二维码 展会A") == "正在生成二维码「展会A」，马上发来图片地址。"
    code = await TrackingCode.get(scene="展会A")
    assert (code.channel, code.permanent, code.asked_account) == ("wechat", True, marketer.address.external_id)
    assert await marketer.says("二维码列表") == "还没有二维码。可以说：生成二维码 展会A"
    await tracking_codes.ready(core, code.id, ticket="T", url="u", expires_at=None)
    answer = await marketer.says("生成二维码 展会A")
    assert answer.startswith("二维码「展会A」：https://mp.weixin.qq.com/cgi-bin/showqrcode?ticket=T\n")
    assert "展会A：https://" in await marketer.says("我的二维码")


async def test_without_a_scene_it_is_asked_for(core: Core, marketer: Talker) -> None:
    assert "二维码用在哪里" in await marketer.says("生成二维码")
    assert "正在生成二维码「门店」" in await marketer.says("门店")


async def test_a_salesperson_may_not_and_without_an_account_it_says_so(core: Core, pipeline, marketer: Talker) -> None:
    seller = await staff(core, pipeline, "小王")
    assert "正在生成" not in await seller.says("生成二维码 展会A")
    assert await TrackingCode.all().count() == 0
    without = replace(core, reach={"dingtalk": ReachRule.always()})
    marketer.pipeline = Pipeline(without, Router(all_commands()))
    assert "还没有启用公众号" in await marketer.says("生成二维码 展会A")
