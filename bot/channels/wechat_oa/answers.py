"""The passive answer of WeChat: the tree of a reply, in the request's format, sealed where the mode wants it.

wechatpy's reply classes are not used: they leave "]]>" whole, so a text could add elements to the answer, and they
turn times by the machine's zone. The trees below are the platform's own fields.
"""

from dataclasses import dataclass
from datetime import datetime

from bot.crypto import Envelope
from bot.cutting import cut_text
from bot.envelope_xml import write_fields, write_xml
from bot.httpclient import encode_json
from crm_core.messages import Body, Kind

TEXT_BYTES = 2048
"""Longest text. Source: passive-reply page of the platform, not re-read; beyond it the answer is dropped whole."""
NEWS_MESSAGE = 1
NEWS_EVENT = 8
"""Articles in an answer to a message, and to an event."""


@dataclass(frozen=True, slots=True)
class AnswerContext:
    """What an answer needs of its request."""

    person: str
    account: str
    nonce: str
    is_json: bool
    is_event: bool


def reply_fields(body: Body, *, articles: int = NEWS_EVENT) -> dict[str, object]:
    """Give the fields of a reply besides its envelope; {} if there is nothing to say."""
    if body.kind is Kind.IMAGE and body.media_id:
        return {"MsgType": "image", "Image": {"MediaId": body.media_id}}
    if body.kind is Kind.VOICE and body.media_id:
        return {"MsgType": "voice", "Voice": {"MediaId": body.media_id}}
    if body.kind is Kind.NEWS and body.articles:
        items = [
            {"Title": one.title, "Description": one.description, "PicUrl": one.picture_url, "Url": one.url}
            for one in body.articles[:articles]
        ]
        return {"MsgType": "news", "ArticleCount": len(items), "Articles": {"item": items}}
    if body.text:
        return {"MsgType": "text", "Content": cut_text(body.text, TEXT_BYTES)}
    return {}


def write_reply(context: AnswerContext, fields: dict[str, object], now: datetime) -> str:
    """Write the clear reply in the request's format."""
    tree = {
        "ToUserName": context.person,
        "FromUserName": context.account,
        "CreateTime": int(now.timestamp()),
        **fields,
    }
    return encode_json(_flat_items(tree)).decode() if context.is_json else write_xml(tree)


def seal_reply(envelope: Envelope, context: AnswerContext, reply: str, now: datetime) -> str:
    """Seal a reply for the request's nonce."""
    timestamp = int(now.timestamp())
    encrypted = envelope.encrypt(reply)
    signature = envelope.sign(str(timestamp), context.nonce, encrypted)
    if context.is_json:
        tree = {"Encrypt": encrypted, "MsgSignature": signature, "TimeStamp": timestamp, "Nonce": context.nonce}
        return encode_json(tree).decode()
    # base64 and hexadecimal digits need no escaping, and this is written for every callback; the nonce is the asker's.
    head = f"<Encrypt><![CDATA[{encrypted}]]></Encrypt><MsgSignature><![CDATA[{signature}]]></MsgSignature>"
    return f"<xml>{head}{write_fields({'TimeStamp': timestamp, 'Nonce': context.nonce})}</xml>"


def _flat_items(tree: dict[str, object]) -> dict[str, object]:
    # XML repeats <item>; JSON has the list itself.
    articles = tree.get("Articles")
    return tree | {"Articles": articles["item"]} if isinstance(articles, dict) else tree
