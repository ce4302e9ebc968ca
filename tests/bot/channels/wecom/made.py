"""An application of made-up numbers, messages for it, and sealed pushes."""

from typing import Any

from bot.channels.wecom import Settings, WeCom
from bot.crypto import Envelope
from bot.httpclient import HttpClient
from bot.secret import Secret
from crm_core.messages import Address, Body, OutboundMessage
from tests.fakes import FakeClock

CORP = "ww7c2b9e01d4f3a865"
AGENT = 1_000_007
TOKEN, AES_KEY = "scrmQyTok3n", "DIBYeGQ6kFw2ZsRp9O0Go9Y9x6HeXO3dyQTHSWraX8w"


def make_settings(**changes: Any) -> Settings:
    return Settings(
        **{
            "corp_id": CORP,
            "agent_id": AGENT,
            "secret": Secret("app-secret-not-real"),
            "contact_secret": Secret("contact-secret-not-real"),
            "token": Secret(TOKEN),
            "aes_key": Secret(AES_KEY),
            **changes,
        }
    )


def make_application(http: HttpClient, clock: FakeClock, **changes: Any) -> WeCom:
    return WeCom("wecom", make_settings(**changes), http, clock)


def make_message(body: Body, *, to: str = "zhangsan", key: str = "k1", **values: Any) -> OutboundMessage:
    return OutboundMessage(**{"id": 1, "key": key, "address": Address("wecom", to), "body": body, **values})


def seal(clock: FakeClock, inner: str, *, nonce: str = "n1", corp: str = CORP, late: float = 0) -> tuple[dict[str, str], bytes]:
    """Give the query and the body of a push that holds this document."""
    envelope = Envelope(Secret(TOKEN), Secret(AES_KEY), corp)
    encrypted = envelope.encrypt(inner)
    timestamp = str(int(clock.now().timestamp() - late))
    query = {"timestamp": timestamp, "nonce": nonce, "msg_signature": envelope.sign(timestamp, nonce, encrypted)}
    outer = (
        f"<xml><ToUserName><![CDATA[else]]></ToUserName><AgentID>1</AgentID><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
    )
    return query, outer.encode()
