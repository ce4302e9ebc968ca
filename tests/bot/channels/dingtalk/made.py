"""A robot of made-up numbers, and messages for it."""

from datetime import datetime, timedelta
from typing import Any

from bot.channels.dingtalk import DingTalk, Settings
from bot.httpclient import HttpClient
from bot.secret import Secret
from crm_core.messages import Address, Body, OutboundMessage
from tests.fakes import FakeClock

STAFF = "0147demo8602"
GROUP = "cidDemo0000000001=="


def make_settings(**changes: Any) -> Settings:
    return Settings(
        **{
            "client_id": "dingq7x2m4n8v1c3z5kd",
            "client_secret": Secret("client-secret-not-real"),
            "event_token": Secret("scrmDdTok3n"),
            "event_aes_key": Secret("XfsDEUXb7WhGI0Ov68ELQ6y0YL2Npswa2kgNTseuHC4"),
            "card_secret": Secret("cardSecretNotReal0001"),
            **changes,
        }
    )


def make_robot(http: HttpClient, clock: FakeClock, base: str = "https://api.dingtalk.com", **changes: Any) -> DingTalk:
    settings = make_settings(**{"api_base": base, "oapi_base": base, "session_hosts": (base,), **changes})
    return DingTalk("dingtalk", settings, http, clock)


def make_message(
    body: Body, *, to: str = STAFF, group: str = "", reply_data: dict[str, object] | None = None, number: int = 1
) -> OutboundMessage:
    address = Address("dingtalk", to, group)
    return OutboundMessage(id=number, key=f"k{number}", address=address, body=body, reply_data=reply_data or {})


def make_reply_data(url: str, expires_at: datetime, *, group: str = "") -> dict[str, object]:
    return {
        "session_webhook": url,
        "session_webhook_expires_at": expires_at.isoformat(),
        "conversation_id": group or "cidSingle==",
        "conversation_type": "group" if group else "single",
    }


def in_an_hour(clock: FakeClock) -> datetime:
    return clock.now() + timedelta(hours=1)
