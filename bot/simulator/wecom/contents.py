"""What a member sends to customers for the product: a text and attachments, checked and put into one text.

Source: protocols.md section 3.4, group-send task and welcome.
"""

from collections.abc import Callable
from typing import Any

from bot.simulator.calls import errcode
from bot.simulator.records import Json
from bot.simulator.wecom.shapes import bad_parameter

TEXT_BYTES = 4000
ATTACHMENTS = 9
NEEDED = {  # the fields of an attachment
    "image": (),
    "link": ("title", "url"),
    "miniprogram": ("title", "pic_media_id", "appid", "page"),
    "video": ("media_id",),
    "file": ("media_id",),
}
CONTENT_KINDS: dict[str, type | tuple[type, ...]] = {
    "text": dict,
    "attachments": list,
    "image": dict,
    "link": dict,
    "miniprogram": dict,
}
"""The single image, link and miniprogram are the older way to attach something; it still works."""


def check_content(fields: Json, has_media: Callable[[object], bool]) -> str:
    """Check text and attachments; gives what the customer reads."""
    text = _check_text(fields.get("text"))
    older = [{"msgtype": name, name: fields[name]} for name in ("image", "link", "miniprogram") if fields.get(name)]
    attachments = fields.get("attachments") or older[:1]
    if not text and not attachments:
        raise bad_parameter("text and attachments are both missing")
    if len(attachments) > ATTACHMENTS:
        raise bad_parameter("too many attachments")
    titles = [_check_attachment(attachment, has_media) for attachment in attachments]
    return "\n".join(line for line in (text, *titles) if line)


def _check_text(text: Any) -> str:
    content = (text or {}).get("content") or ""
    if not isinstance(content, str):
        raise bad_parameter("wrong type of text.content")
    if len(content.encode()) > TEXT_BYTES:
        raise errcode(45002, "content size out of limit, hint: [simulated]")
    return content


def _check_attachment(attachment: Any, has_media: Callable[[object], bool]) -> str:
    kind = attachment.get("msgtype") if isinstance(attachment, dict) else None
    if kind not in NEEDED:
        raise errcode(40008, "invalid msgtype of an attachment, hint: [simulated]")
    inner = attachment.get(kind)
    if not isinstance(inner, dict) or any(not inner.get(name) for name in NEEDED[kind]):
        raise bad_parameter(f"missing field of an attachment {kind}")
    if kind == "image" and not inner.get("media_id") and not inner.get("pic_url"):
        raise errcode(41006, "media_id missing, hint: [simulated]")
    for name in ("media_id", "pic_media_id"):
        if inner.get(name) and not has_media(inner[name]):
            raise errcode(40007, "invalid media_id, hint: [simulated]")
    return str(inner.get("title", ""))
