"""How a body looks as an application message (应用消息), besides whom it goes to."""

from typing import Any

import msgspec

from bot.channels.wecom.answers import NEWS, TEXT_BYTES
from bot.cutting import cut_text
from crm_core.messages import Body, Kind

Content = tuple[str, dict[str, Any]]
_FILES = {Kind.IMAGE: "image", Kind.VOICE: "voice", Kind.VIDEO: "video", Kind.FILE: "file"}
_TITLE_BYTES, _DESCRIPTION_BYTES = 128, 512


def content_of(body: Body) -> Content | None:
    """Give the message type and what stands under it; None if there is nothing such a message can hold."""
    if body.kind is Kind.TEMPLATE:
        card = _template_card(body)
        return ("template_card", card) if card else _text(body)
    if body.kind in _FILES and body.media_id:
        return _FILES[body.kind], {"media_id": body.media_id}
    if body.kind is Kind.NEWS and body.articles:
        articles = [
            {
                "title": cut_text(one.title, _TITLE_BYTES),
                "description": cut_text(one.description, _DESCRIPTION_BYTES),
                "url": one.url,
                "picurl": one.picture_url,
            }
            for one in body.articles[:NEWS]
        ]
        return "news", {"articles": articles}
    if body.kind is Kind.LINK and body.url:
        title, _, rest = body.text.partition("\n")
        card = {
            "title": cut_text(title, _TITLE_BYTES),
            "description": cut_text(rest or title, _DESCRIPTION_BYTES),
            "url": body.url,
        }
        return "textcard", card
    if body.kind is Kind.MARKDOWN and body.text:
        return "markdown", {"content": cut_text(body.text, TEXT_BYTES)}
    return _text(body)


def _text(body: Body) -> Content | None:
    return ("text", {"content": cut_text(body.text, TEXT_BYTES)}) if body.text else None


def _template_card(body: Body) -> dict[str, Any]:
    """Give a template card: `template_id` is its type, `template_data` its words; {} for a body that is none.

    `card` holds the whole of it as JSON. Otherwise `title`, `desc`, `task_id` and one `button.KEY` a button make a plain
    one; `text` is what stands below the title.
    """
    words = dict(body.template_data)
    card: dict[str, Any] = {}
    if "card" in words:
        card = msgspec.json.decode(words["card"], type=dict[str, Any])
    elif body.template_id and (body.text or words):
        card = {"main_title": {"title": words.get("title", ""), "desc": words.get("desc", "")}, "sub_title_text": body.text}
        buttons = [{"text": said, "key": name[7:]} for name, said in words.items() if name.startswith("button.")]
        if buttons:
            card["button_list"] = buttons
        if body.url:
            card["card_action"] = {"type": 1, "url": body.url}
    if not card:
        return {}
    if "task_id" in words:
        card["task_id"] = words["task_id"]
    return {"card_type": body.template_id or "text_notice", **card}
