"""How the platform reads the answer to a push: nothing, a reply for the person, or something broken.

Source: protocols.md section 2.1, passive reply. Broken answers make the platform show its excuse.
"""

import json
from dataclasses import dataclass, field, replace
from typing import Any
from xml.etree import ElementTree

from bot.simulator.accounts import WeChatAccount
from bot.simulator.envelope import EnvelopeError
from bot.simulator.records import Json
from bot.simulator.wechat_oa.documents import Document, envelope_of

TEXT_BYTES = 2048  # Content of a text reply
ONE_ARTICLE = frozenset({"text", "image", "voice", "video", "shortvideo", "location"})
NEEDED = {
    "text": ("Content",),
    "image": ("Image",),
    "voice": ("Voice",),
    "video": ("Video",),
    "music": ("Music",),
    "news": ("ArticleCount", "Articles"),
    "transfer_customer_service": (),
}


class BrokenReply(Exception):
    """The platform cannot use the answer."""


@dataclass(frozen=True, slots=True)
class PassiveReply:
    """An answer as the platform understood it."""

    kind: str  # none, or the MsgType of the reply
    text: str = ""
    fields: Json = field(default_factory=dict)
    complaints: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to show."""
        return self.kind == "none"


NOTHING = PassiveReply("none")


def read_reply(account: WeChatAccount, document: Document, pushed: Json, body: bytes) -> PassiveReply:
    """Read the body of a 200 answer. Raises: BrokenReply."""
    if body in (b"", b"success"):
        return NOTHING
    fields = _parse(account, body)
    if "Encrypt" not in fields:
        if account.mode == "safe":
            raise BrokenReply("a reply in safe mode has to be encrypted")
        return _check(account, pushed, fields)
    reply = _check(account, pushed, _parse(account, _open(account, fields)))
    if fields["Nonce"] == document.nonce:
        return reply
    # The platform takes any nonce (third-party libraries make their own), the published rule names the request's.
    return replace(reply, complaints=(*reply.complaints, "the reply's nonce is not the request's"))


def _open(account: WeChatAccount, outer: Json) -> bytes:
    if account.mode == "plain":
        raise BrokenReply("an encrypted reply in plain mode")
    try:
        encrypted, given = str(outer["Encrypt"]), str(outer["MsgSignature"])
        timestamp, nonce = str(outer["TimeStamp"]), str(outer["Nonce"])
    except KeyError as error:
        raise BrokenReply(f"missing {error.args[0]}") from error
    envelope = envelope_of(account)
    if envelope.sign(timestamp, nonce, encrypted) != given:
        raise BrokenReply("wrong MsgSignature")
    try:
        return envelope.decrypt(encrypted)
    except EnvelopeError as error:
        raise BrokenReply(str(error)) from error


def _parse(account: WeChatAccount, body: bytes) -> Json:
    return _parse_json(body) if account.format == "json" else _parse_xml(body)


def _parse_json(body: bytes) -> Json:
    try:
        fields = json.loads(body)
    except ValueError as error:
        raise BrokenReply("no JSON") from error
    if not isinstance(fields, dict):
        raise BrokenReply("no JSON object")
    return fields


def _parse_xml(body: bytes) -> Json:
    try:
        root = ElementTree.fromstring(body.decode())  # noqa: S314 - the product under test answers, on loopback
    except (ElementTree.ParseError, UnicodeDecodeError) as error:
        raise BrokenReply(f"malformed XML: {error}") from error
    if root.tag != "xml":
        raise BrokenReply("the root element is not xml")
    return _read_children(root)


def _read_children(element: ElementTree.Element) -> Json:
    fields: Json = {}
    for child in element:
        value: Any = _read_children(child) if len(child) else (child.text or "")
        if child.tag in fields and child.tag != "item":
            raise BrokenReply(f"{child.tag} stands twice")
        if child.tag == "item":
            fields.setdefault("item", []).append(value)
        else:
            fields[child.tag] = value
    return fields


def _check(account: WeChatAccount, pushed: Json, fields: Json) -> PassiveReply:
    kind = fields.get("MsgType")
    if kind not in NEEDED:
        raise BrokenReply(f"unknown MsgType {kind!r}")
    missing = [name for name in ("ToUserName", "FromUserName", "CreateTime", *NEEDED[kind]) if name not in fields]
    if missing:
        raise BrokenReply(f"missing {', '.join(missing)}")
    if fields["ToUserName"] != pushed["FromUserName"] or fields["FromUserName"] != account.original_id:
        raise BrokenReply("sender or receiver is wrong")
    if not str(fields["CreateTime"]).isdecimal():
        raise BrokenReply("CreateTime is no number")
    return _understand(kind, pushed, fields)


def _understand(kind: str, pushed: Json, fields: Json) -> PassiveReply:
    if kind == "text":
        content = str(fields["Content"])
        if not content:
            raise BrokenReply("the text is empty")
        if len(content.encode()) > TEXT_BYTES:
            raise BrokenReply(f"the text is longer than {TEXT_BYTES} bytes")
        return PassiveReply(kind, content, fields)
    if kind == "news":
        return _understand_news(pushed, fields)
    inner = fields.get(kind.capitalize(), {})
    if kind in ("image", "voice", "video") and not (isinstance(inner, dict) and inner.get("MediaId")):
        raise BrokenReply("missing MediaId")
    return PassiveReply(kind, str(inner.get("Title", "")) if isinstance(inner, dict) else "", fields)


def _understand_news(pushed: Json, fields: Json) -> PassiveReply:
    articles = fields["Articles"]
    items = articles.get("item", []) if isinstance(articles, dict) else articles
    if not isinstance(items, list) or not items or str(fields["ArticleCount"]) != str(len(items)):
        raise BrokenReply("ArticleCount and Articles differ")
    limit = 1 if pushed.get("MsgType") in ONE_ARTICLE else 8
    complaints = ("more articles than are shown",) if len(items) > limit else ()
    titles = "\n".join(str(item.get("Title", "")) for item in items[:limit])
    return PassiveReply("news", titles, fields, complaints)
