"""The passive answer of WeCom: always sealed, whatever it says.

wechatpy's reply classes are not used: they leave "]]>" whole, so a text could add elements to the answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from bot.crypto import Envelope
from bot.cutting import cut_text
from bot.envelope_xml import write_fields, write_xml
from bot.httpclient import encode_json
from crm_core.messages import Body, Kind

TEXT_BYTES = 2048
"""Longest text; the platform cuts off what is beyond. Source: application-message page, protocols.md section 3.4."""
NEWS = 8
UPDATE_BUTTON, UPDATE_CARD = "update_button", "update_template_card"
"""Names (`template_id`) of the bodies that change the card which was pressed."""


@dataclass(frozen=True, slots=True)
class AnswerContext:
    """What an answer needs of its request."""

    person: str
    account: str
    nonce: str
    is_json: bool = False


def reply_fields(body: Body) -> dict[str, object]:
    """Give the fields of a reply besides its envelope; {} if there is nothing to say."""
    if body.kind is Kind.TEMPLATE:
        return _card_fields(body)
    if body.kind in (Kind.IMAGE, Kind.VOICE, Kind.VIDEO) and body.media_id:
        return {"MsgType": body.kind.value, body.kind.value.capitalize(): {"MediaId": body.media_id}}
    if body.kind is Kind.NEWS and body.articles:
        items = [
            {"Title": one.title, "Description": one.description, "PicUrl": one.picture_url, "Url": one.url}
            for one in body.articles[:NEWS]
        ]
        return {"MsgType": "news", "ArticleCount": len(items), "Articles": {"item": items}}
    if body.text:
        return {"MsgType": "text", "Content": cut_text(body.text, TEXT_BYTES)}
    return {}


def _card_fields(body: Body) -> dict[str, object]:
    if body.template_id == UPDATE_BUTTON:
        return {"MsgType": UPDATE_BUTTON, "Button": {"ReplaceName": body.template_data.get("replace_name") or body.text}}
    if body.template_id == UPDATE_CARD and "card" in body.template_data:
        card = msgspec.json.decode(body.template_data["card"], type=dict[str, Any])
        return {"MsgType": UPDATE_CARD, "TemplateCard": _camel(card)}
    return {"MsgType": "text", "Content": cut_text(body.text, TEXT_BYTES)} if body.text else {}


def _camel(value: Any) -> Any:
    """Write a card of the API (`main_title`) in the names of an answer (`MainTitle`)."""
    if isinstance(value, Mapping):
        return {"".join(part.capitalize() for part in name.split("_")): _camel(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_camel(item) for item in value]
    return value if isinstance(value, int) else str(value)


def write_reply(context: AnswerContext, fields: Mapping[str, object], now: datetime) -> str:
    """Write the clear reply."""
    tree = {
        "ToUserName": context.person,
        "FromUserName": context.account,
        "CreateTime": int(now.timestamp()),
        **fields,
    }
    return encode_json(tree).decode() if context.is_json else write_xml(tree)


def seal_reply(envelope: Envelope, context: AnswerContext, reply: str, now: datetime) -> str:
    """Seal a reply for the request's nonce."""
    timestamp = int(now.timestamp())
    encrypted = envelope.encrypt(reply)
    signature = envelope.sign(str(timestamp), context.nonce, encrypted)
    if context.is_json:
        tree = {"encrypt": encrypted, "msgsignature": signature, "timestamp": timestamp, "nonce": context.nonce}
        return encode_json(tree).decode()
    # base64 and hexadecimal digits need no escaping; the nonce is the asker's.
    head = f"<Encrypt><![CDATA[{encrypted}]]></Encrypt><MsgSignature><![CDATA[{signature}]]></MsgSignature>"
    return f"<xml>{head}{write_fields({'TimeStamp': timestamp, 'Nonce': context.nonce})}</xml>"
