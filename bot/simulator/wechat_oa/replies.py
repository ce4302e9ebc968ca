"""How the platform reads the answer to a push: nothing, a reply for the person, or something broken.

Source: protocols.md section 2.1, passive reply. Broken answers make the platform show its excuse.
"""

import json
from typing import Any
from xml.etree import ElementTree

from bot.simulator.accounts import WeChatAccount
from bot.simulator.documents import Document
from bot.simulator.records import Json
from bot.simulator.replies import (
    NOTHING,
    TEXT_BYTES,
    BrokenReply,
    PassiveReply,
    check_head,
    judge_nonce,
    open_sealed,
    read_root,
)
from bot.simulator.wechat_oa.documents import envelope_of

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


def read_reply(account: WeChatAccount, document: Document, pushed: Json, body: bytes) -> PassiveReply:
    """Read the body of a 200 answer. Raises: BrokenReply."""
    if body in (b"", b"success"):
        return NOTHING
    fields = _parse(account, body)
    if "Encrypt" not in fields:
        if account.mode == "safe":
            raise BrokenReply("a reply in safe mode has to be encrypted")
        return _check(account, pushed, fields)
    if account.mode == "plain":
        raise BrokenReply("an encrypted reply in plain mode")
    reply = _check(account, pushed, _parse(account, open_sealed(envelope_of(account), fields)))
    return judge_nonce(reply, fields, document)


def _parse(account: WeChatAccount, body: bytes) -> Json:
    return _parse_json(body) if account.format == "json" else _read_children(read_root(body))


def _parse_json(body: bytes) -> Json:
    try:
        fields = json.loads(body)
    except ValueError as error:
        raise BrokenReply("no JSON") from error
    if not isinstance(fields, dict):
        raise BrokenReply("no JSON object")
    return fields


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
    return _understand(check_head(fields, pushed, account=account.original_id, needed=NEEDED), pushed, fields)


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
