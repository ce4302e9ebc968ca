"""Codes that were asked for are made by the channel's own work, refusals are told in Chinese."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.channels.wechat_oa.account import WechatOa
from bot.httpclient import HttpClient
from crm_core import tracking_codes
from crm_core.conversations import Message
from crm_core.messages import Address
from crm_core.ports import Core
from crm_core.reach import ReachRule
from crm_core.tracking_codes import TrackingCode
from tests.bot.channels.platform import HANG_UP, Platform
from tests.bot.channels.wechat_oa.made import make_account
from tests.factories import SYSTEM

CREATE = "/cgi-bin/qrcode/create"


@pytest.fixture
def core(core: Core) -> Core:
    return replace(core, reach={"wechat": ReachRule.always(), "dingtalk": ReachRule.always()})


@pytest.fixture
def account(platform: Platform, http: HttpClient, core: Core) -> WechatOa:
    return make_account(http, core.clock, api_base=platform.url)  # type: ignore[arg-type]


async def want(core: Core, **values: Any) -> TrackingCode:
    tell = Address("dingtalk", "staff-1")
    return await tracking_codes.want(core, SYSTEM, channel="wechat", scene="展会A", tell=tell, **values)


async def work(account: WechatOa, core: Core) -> None:
    (codes,) = (each for each in account.periodics() if each.name == "codes:wechat")
    await codes.run(core)


async def test_a_wanted_code_is_made_once(account: WechatOa, platform: Platform, core: Core) -> None:
    platform.lay(CREATE, {"ticket": "T1", "url": "http://weixin.qq.com/q/1"})
    await work(account, core)
    await want(core)
    await work(account, core)
    await work(account, core)
    (call,) = platform.asked(CREATE)
    assert call.json == {"action_name": "QR_LIMIT_STR_SCENE", "action_info": {"scene": {"scene_str": "展会A"}}}
    code = await TrackingCode.get()
    assert (code.status, code.ticket, code.expires_at) == ("ready", "T1", None)


async def test_a_temporary_one_ends(account: WechatOa, platform: Platform, core: Core) -> None:
    platform.lay(CREATE, {"ticket": "T1", "url": "u", "expire_seconds": 600})
    await want(core, permanent=False)
    await work(account, core)
    assert platform.asked(CREATE)[0].json["expire_seconds"] == 2_592_000
    assert (await TrackingCode.get()).expires_at == core.clock.now() + timedelta(seconds=600)


@pytest.mark.parametrize("answer", [HANG_UP, (502, "<html>"), {"errcode": -1}, {"errcode": 0}])
async def test_a_passing_failure_is_tried_again(account: WechatOa, platform: Platform, core: Core, answer: Any) -> None:
    platform.lay(CREATE, answer, {"ticket": "T1"})
    await want(core)
    await work(account, core)
    assert (await TrackingCode.get()).status == "wanted"
    core.clock.advance(61)  # type: ignore[attr-defined]
    await work(account, core)
    assert (await TrackingCode.get()).status == "ready"


async def test_a_refusal_is_told(account: WechatOa, platform: Platform, core: Core) -> None:
    platform.lay(CREATE, {"errcode": 48001})
    await want(core)
    await work(account, core)
    assert (await TrackingCode.get()).status == "failed"
    assert (await Message.get()).text == "二维码「展会A」没有生成：公众号没有这个接口的权限"
