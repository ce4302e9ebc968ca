"""What a message of the application has to look like, type by type, and what a member reads of it.

Source: protocols.md section 3.4, message/send.
"""

from collections.abc import Callable
from typing import Any

from bot.simulator.calls import errcode
from bot.simulator.records import Json
from bot.simulator.wecom.replies import card_text
from bot.simulator.wecom.shapes import bad_parameter

TEXT_BYTES = 2048
ARTICLES = 8
CARD_KINDS = frozenset({"text_notice", "news_notice", "button_interaction", "vote_interaction", "multiple_interaction"})
INTERACTIVE = frozenset({"button_interaction", "vote_interaction", "multiple_interaction"})
BUTTONS = 6
MEDIA_KINDS = frozenset({"image", "voice", "video", "file"})
ENVELOPE: dict[str, type | tuple[type, ...]] = {
    "touser": str,
    "toparty": str,
    "totag": str,
    "msgtype": str,
    "agentid": int,
    "safe": int,
    "enable_id_trans": int,
    "enable_duplicate_check": int,
    "duplicate_check_interval": int,
}
KINDS = {
    "text": dict,
    "image": dict,
    "voice": dict,
    "video": dict,
    "file": dict,
    "textcard": dict,
    "news": dict,
    "mpnews": dict,
    "markdown": dict,
    "miniprogram_notice": dict,
    "template_card": dict,
}


MEDIA_NAMES = frozenset({"media_id"})
CARD_NAMES = frozenset(
    {
        "card_type",
        "source",
        "action_menu",
        "task_id",
        "main_title",
        "quote_area",
        "emphasis_content",
        "sub_title_text",
        "horizontal_content_list",
        "vertical_content_list",
        "jump_list",
        "card_action",
        "card_image",
        "image_text_area",
        "button_selection",
        "button_list",
        "checkbox",
        "select_list",
        "submit_button",
        "replace_text",
    }
)
NAMES = {
    "text": frozenset({"content"}),
    "markdown": frozenset({"content"}),
    "image": MEDIA_NAMES,
    "voice": MEDIA_NAMES,
    "file": MEDIA_NAMES,
    "video": MEDIA_NAMES | {"title", "description"},
    "textcard": frozenset({"title", "description", "url", "btntxt"}),
    "news": frozenset({"articles"}),
    "mpnews": frozenset({"articles"}),
    "miniprogram_notice": frozenset({"appid", "page", "title", "description", "emphasis_first_item", "content_item"}),
    "template_card": CARD_NAMES,
}


def find_unknown(kind: str, inner: Json) -> list[str]:
    """List the names inside a message that the platform passes over."""
    return sorted(set(inner) - NAMES[kind])


def check_message(fields: Json, has_media: Callable[[object], bool]) -> tuple[str, str, str]:
    """Check a message; gives its type, what a person reads of it, and a complaint or nothing."""
    kind = str(fields.get("msgtype") or "")
    if kind not in KINDS:
        raise errcode(40008, "invalid message type, hint: [simulated]")
    inner = fields.get(kind)
    if not isinstance(inner, dict):
        raise errcode(44004, f"empty content of {kind}, hint: [simulated]")
    if kind in MEDIA_KINDS:
        return kind, _check_media(inner, has_media), ""
    if kind in ("text", "markdown"):
        return (kind, *_check_text(inner))
    checks = {
        "textcard": _check_textcard,
        "news": _check_news,
        "mpnews": _check_mpnews,
        "miniprogram_notice": _check_miniprogram,
        "template_card": _check_card,
    }
    return kind, checks[kind](inner), ""


def _check_text(inner: Json) -> tuple[str, str]:
    content = inner.get("content")
    if not isinstance(content, str) or not content:
        raise errcode(44004, "empty content, hint: [simulated]")
    raw = content.encode()
    if len(raw) <= TEXT_BYTES:
        return content, ""
    return raw[:TEXT_BYTES].decode(errors="ignore"), f"content is longer than {TEXT_BYTES} bytes and was cut off"


def _check_media(inner: Json, has_media: Callable[[object], bool]) -> str:
    media_id = inner.get("media_id")
    if not media_id:
        raise errcode(41006, "media_id missing, hint: [simulated]")
    if not has_media(media_id):
        raise errcode(40007, "invalid media_id, hint: [simulated]")
    return str(inner.get("title", ""))


def _check_textcard(inner: Json) -> str:
    _need(inner, "title", 41016)
    _need(inner, "description", 41033)
    _need(inner, "url", 41010)
    return f"{inner['title']}\n{inner['description']}"


def _check_news(inner: Json) -> str:
    articles = _check_articles(inner)
    for article in articles:
        _need(article, "title", 41016)
        if not article.get("url") and not article.get("appid"):
            raise errcode(41010, "url missing, hint: [simulated]")
    return "\n".join(str(article["title"]) for article in articles)


def _check_mpnews(inner: Json) -> str:
    articles = _check_articles(inner)
    for article in articles:
        _need(article, "title", 41016)
        _need(article, "thumb_media_id", 41006)
        _need(article, "content", 44004)
    return "\n".join(str(article["title"]) for article in articles)


def _check_articles(inner: Json) -> list[Json]:
    articles = inner.get("articles")
    if not isinstance(articles, list) or not 1 <= len(articles) <= ARTICLES:
        raise errcode(45008, "article count out of limit, hint: [simulated]")
    if not all(isinstance(article, dict) for article in articles):
        raise bad_parameter("wrong type of articles")
    return articles


def _check_miniprogram(inner: Json) -> str:
    _need(inner, "appid", 90200)
    _need(inner, "title", 41016)
    rows = inner.get("content_item") or []
    if not isinstance(rows, list) or len(rows) > 10:
        raise errcode(90201, "too many content items, hint: [simulated]")
    return "\n".join([str(inner["title"]), *(f"{row.get('key')}：{row.get('value')}" for row in rows)])


def _check_card(card: Json) -> str:
    kind = card.get("card_type")
    if kind not in CARD_KINDS:
        raise bad_parameter("invalid card_type")
    task_id = card.get("task_id")
    if kind in INTERACTIVE and (not isinstance(task_id, str) or not task_id or len(task_id.encode()) > 128):
        raise errcode(42014, "invalid task_id, hint: [simulated]")
    if not card_text(card):
        raise bad_parameter("main_title.title and sub_title_text are both missing")
    if kind == "button_interaction":
        _check_buttons(card.get("button_list"))
    elif kind in INTERACTIVE:
        _check_choices(card, kind)
    elif not isinstance(card.get("card_action"), dict):
        raise bad_parameter("missing card_action")
    return card_text(card)


def _check_buttons(buttons: Any) -> None:
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= BUTTONS:
        raise bad_parameter("button_list size out of range")
    for button in buttons:
        _need(button, "text", 42020)
        if button.get("type", 0) == 0:
            _need(button, "key", 42019)
    keys = [button["key"] for button in buttons if button.get("key")]
    if len(keys) != len(set(keys)):
        raise errcode(42018, "invalid button key, hint: [simulated]")


def _check_choices(card: Json, kind: str) -> None:
    questions = [card.get("checkbox")] if kind == "vote_interaction" else card.get("select_list")
    if not isinstance(questions, list) or not questions:
        raise bad_parameter("missing select_list")
    for question in questions:
        if not isinstance(question, dict) or not question.get("question_key") or not question.get("option_list"):
            raise bad_parameter("missing question_key or option_list")
    submit = card.get("submit_button")
    if not isinstance(submit, dict):
        raise bad_parameter("missing submit_button")
    _need(submit, "text", 42020)
    _need(submit, "key", 42019)


def _need(inner: Any, name: str, code: int) -> None:
    value = inner.get(name) if isinstance(inner, dict) else None
    if not isinstance(value, str) or not value:
        raise errcode(code, f"{name} missing, hint: [simulated]")
