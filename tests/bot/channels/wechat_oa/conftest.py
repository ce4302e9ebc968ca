"""The API of the simulated account, as the product sees it."""

import pytest

from bot.channels.wechat_oa import WechatOa
from bot.channels.wechat_oa.api import WechatApi
from bot.httpclient import HttpClient
from bot.secret import Secret
from bot.simulator import Simulator
from crm_core.ports import Core
from tests.bot.channels.wechat_oa.made import make_settings


@pytest.fixture
def api(simulator: Simulator, core: Core, http: HttpClient) -> WechatApi:
    account = simulator.wechat.account
    settings = make_settings(app_id=account.app_id, app_secret=Secret(account.app_secret), api_base=simulator.base_url)
    return WechatApi(WechatOa("wechat", settings, http, core.clock).sender)
