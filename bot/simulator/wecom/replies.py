"""How WeCom reads the answer to a push: nothing, a reply for the member, or something broken.

Source: protocols.md sections 2.1 and 3.1. A reply is always encrypted; an empty body is the plain yes.
"""

from typing import Any
from xml.etree import ElementTree

from bot.simulator.documents import Document
from bot.simulator.envelope import Envelope
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

ARTICLES = 8
NEEDED = {
    "text": ("Content",),
    "image": ("Image",),
    "voice": ("Voice",),
    "video": ("Video",),
    "news": ("ArticleCount", "Articles"),
    "update_button": ("Button",),
    "update_template_card": ("TemplateCard",),
}
UPDATES = frozenset({"update_button", "update_template_card"})


def read_reply(envelope: Envelope, document: Document, pushed: Json, body: bytes) -> PassiveReply:
    """Read the body of a 200 answer. Raises: BrokenReply."""
    if body in (b"", b"success"):
        return NOTHING
    outer = parse(body)
    if "Encrypt" not in outer:
        raise BrokenReply("a reply has to be encrypted")
    fields = parse(open_sealed(envelope, outer))
    kind = check_head(fields, pushed, account=envelope.receive_id, needed=NEEDED)
    return judge_nonce(_understand(kind, pushed, fields), outer, document)


def parse(body: bytes) -> Json:
    """Read XML into nested dictionaries; an element that repeats becomes a list. Raises: BrokenReply."""
    fields = _read_children(read_root(body))
    doubled = [name for name, value in fields.items() if isinstance(value, list)]
    if doubled:
        raise BrokenReply(f"{doubled[0]} stands twice")
    return fields


def _read_children(element: ElementTree.Element) -> Json:
    fields: Json = {}
    for child in element:
        value: Any = _read_children(child) if len(child) else (child.text or "")
        if child.tag not in fields:
            fields[child.tag] = value
        elif isinstance(fields[child.tag], list):
            fields[child.tag].append(value)
        else:
            fields[child.tag] = [fields[child.tag], value]
    return fields


def _understand(kind: str, pushed: Json, fields: Json) -> PassiveReply:
    if kind in UPDATES:
        return _understand_update(kind, pushed, fields)
    if kind == "text":
        return _understand_text(fields)
    if kind == "news":
        return _understand_news(fields)
    inner = fields[kind.capitalize()]
    if not isinstance(inner, dict) or not inner.get("MediaId"):
        raise BrokenReply("missing MediaId")
    return PassiveReply(kind, str(inner.get("Title", "")), fields)


def _understand_text(fields: Json) -> PassiveReply:
    content = str(fields["Content"])
    if not content:
        raise BrokenReply("the text is empty")
    raw = content.encode()
    if len(raw) <= TEXT_BYTES:
        return PassiveReply("text", content, fields)
    cut = raw[:TEXT_BYTES].decode(errors="ignore")
    return PassiveReply("text", cut, fields, (f"the text is longer than {TEXT_BYTES} bytes and was cut off",))


def _understand_news(fields: Json) -> PassiveReply:
    articles = fields["Articles"]
    items = articles.get("item", []) if isinstance(articles, dict) else []
    rows = items if isinstance(items, list) else [items]
    if not rows or str(fields["ArticleCount"]) != str(len(rows)):
        raise BrokenReply("ArticleCount and Articles differ")
    complaints = ("more articles than are shown",) if len(rows) > ARTICLES else ()
    titles = "\n".join(str(row.get("Title", "")) for row in rows[:ARTICLES] if isinstance(row, dict))
    return PassiveReply("news", titles, fields, complaints)


def _understand_update(kind: str, pushed: Json, fields: Json) -> PassiveReply:
    if pushed.get("Event") != "template_card_event":
        raise BrokenReply(f"{kind} answers only a press on a card")
    inner = fields["Button" if kind == "update_button" else "TemplateCard"]
    needed = "ReplaceName" if kind == "update_button" else "CardType"
    if not isinstance(inner, dict) or not inner.get(needed):
        raise BrokenReply(f"missing {needed}")
    return PassiveReply(kind, card_text(inner), fields)


def card_text(card: Json) -> str:
    """Put what a person reads of a card into one text, written as in XML or as in JSON."""
    if replaced := card.get("ReplaceName") or card.get("replace_name"):
        return str(replaced)
    title = card.get("MainTitle") or card.get("main_title") or {}
    lines = [title.get(name) or title.get(name.lower()) for name in ("Title", "Desc")] if isinstance(title, dict) else []
    lines.append(card.get("SubTitleText") or card.get("sub_title_text"))
    rows = card.get("HorizontalContentList") or card.get("horizontal_content_list") or []
    for row in rows if isinstance(rows, list) else [rows]:
        if isinstance(row, dict):
            name, value = row.get("KeyName") or row.get("keyname"), row.get("Value") or row.get("value")
            lines.append(f"{name}：{value}" if value else name)
    return "\n".join(str(line) for line in lines if line)
