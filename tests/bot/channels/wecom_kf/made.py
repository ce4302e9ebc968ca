"""A customer-service account of made-up numbers, and messages and items for it."""

from datetime import datetime
from typing import Any

from bot.channels.wecom_kf import Settings, WecomKf
from bot.httpclient import HttpClient
from bot.secret import Secret
from crm_core.messages import Address, Body, OutboundMessage
from tests.fakes import FakeClock

CORP = "ww7c2b9e01d4f3a865"
KFID = "wkDemoKf01"
PERSON = "wmDemoCustomer01"


def make_settings(**changes: Any) -> Settings:
    return Settings(
        **{
            "corp_id": CORP,
            "secret": Secret("kf-secret-not-real"),
            "token": Secret("scrmQyTok3n"),
            "aes_key": Secret("DIBYeGQ6kFw2ZsRp9O0Go9Y9x6HeXO3dyQTHSWraX8w"),
            "open_kfid": KFID,
            **changes,
        }
    )


def make_channel(http: HttpClient, clock: FakeClock, **changes: Any) -> WecomKf:
    return WecomKf("kf", make_settings(**changes), http, clock)


def make_message(body: Body, *, key: str = "k1", attempt: int = 1, **reply_data: object) -> OutboundMessage:
    return OutboundMessage(id=1, key=key, address=Address("kf", PERSON), body=body, attempt=attempt, reply_data=reply_data)


def item(at: datetime, msgid: str = "m1", *, origin: int = 3, **fields: Any) -> dict[str, Any]:
    """An item of `sync_msg` as the platform writes it: a text unless told otherwise."""
    head = {"msgid": msgid, "open_kfid": KFID, "external_userid": PERSON, "send_time": int(at.timestamp()), "origin": origin}
    return head | (fields or {"msgtype": "text", "text": {"content": "你好"}})


def event(at: datetime, name: str, msgid: str = "e1", **fields: Any) -> dict[str, Any]:
    """An event: account and customer stand inside it."""
    inner = {"event_type": name, "open_kfid": KFID, "external_userid": PERSON, **fields}
    return {"msgid": msgid, "send_time": int(at.timestamp()), "origin": 4, "msgtype": "event", "event": inner}
