"""An account of made-up numbers, and messages for it."""

from typing import Any

from bot.channels.wechat_oa import Settings, WechatOa
from bot.httpclient import HttpClient
from bot.secret import Secret
from crm_core.messages import Address, Body, OutboundMessage
from tests.fakes import FakeClock

OPENID = "oQ7wXv0aBcDeFgHiJkLmNoPqRs1"


def make_settings(**changes: Any) -> Settings:
    return Settings(
        **{
            "app_id": "wx9f3c1d2e4b5a6078",
            "original_id": "gh_3b1f0c9d7e52",
            "app_secret": Secret("app-secret-not-real"),
            "token": Secret("scrmWxTok3n"),
            "aes_key": Secret("c4crN4rmAPgu8Vhd1Eak08vfodesufGUcdygWa9aE5w"),
            **changes,
        }
    )


def make_account(http: HttpClient, clock: FakeClock, **changes: Any) -> WechatOa:
    return WechatOa("wechat", make_settings(**changes), http, clock)


def make_message(body: Body, *, key: str = "k1", attempt: int = 1) -> OutboundMessage:
    return OutboundMessage(id=1, key=key, address=Address("wechat", OPENID), body=body, attempt=attempt)
