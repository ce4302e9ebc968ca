"""How a body looks to DingTalk: as a webhook message (passive answer, sessionWebhook) and as an OpenAPI message."""

import json

from bot.cutting import cut_text
from crm_core.messages import Body, Kind

TEXT_BYTES = 10_000
"""An OpenAPI message parameter holds 15,000 bytes; the rest is room for its escaping."""
CARD_VALUE_BYTES = 1024
"""A variable of a card takes no more."""
EMPTY = {"msgtype": "empty"}
FILE_TYPES = frozenset({"xlsx", "pdf", "zip", "rar", "doc", "docx"})
"""Endings of files a robot may send. Source: message types of the platform, protocols.md section 4."""


def webhook_message(body: Body, *, at_user: str = "") -> dict[str, object] | None:
    """Give the webhook form; None if that form cannot show the body (it knows no pictures)."""
    message = _webhook_content(body)
    if message is not None and at_user:
        message["at"] = {"atUserIds": [at_user], "isAtAll": False}
    return message


def _webhook_content(body: Body) -> dict[str, object] | None:
    if body.kind is Kind.NEWS and body.articles:
        if len(body.articles) == 1:
            one = body.articles[0]
            link = {"title": one.title, "text": one.description or one.title, "messageUrl": one.url, "picUrl": one.picture_url}
            return {"msgtype": "link", "link": link}
        links = [{"title": one.title, "messageURL": one.url, "picURL": one.picture_url} for one in body.articles]
        return {"msgtype": "feedCard", "feedCard": {"links": links}}
    if body.kind in (Kind.IMAGE, Kind.FILE) or not body.text:
        return None
    return {"msgtype": "text", "text": {"content": cut_text(body.text, TEXT_BYTES)}}


def robot_message(body: Body) -> dict[str, str] | None:
    """Give msgKey and msgParam of the OpenAPI; None if there is nothing to say."""
    if body.kind is Kind.IMAGE and (body.media_id or body.url):
        return _keyed("sampleImageMsg", {"photoURL": body.media_id or body.url})
    if body.kind is Kind.FILE:
        return _file(body)
    if body.kind is Kind.NEWS and body.articles:
        # The OpenAPI shows one article as a link; more of them become a list of links.
        if len(body.articles) > 1:
            lines = "\n\n".join(f"- [{one.title}]({one.url})" for one in body.articles)
            return _keyed("sampleMarkdown", {"title": body.articles[0].title, "text": cut_text(lines, TEXT_BYTES)})
        one = body.articles[0]
        link = {"title": one.title, "text": one.description or one.title, "messageUrl": one.url, "picUrl": one.picture_url}
        return _keyed("sampleLink", link)
    if not body.text:
        return None
    return _keyed("sampleText", {"content": cut_text(body.text, TEXT_BYTES)})


def _file(body: Body) -> dict[str, str] | None:
    """Give a file; what is said with it is its name."""
    ending = body.text.rpartition(".")[2].lower()
    if not body.media_id or ending not in FILE_TYPES:
        return None
    return _keyed("sampleFile", {"mediaId": body.media_id, "fileName": body.text, "fileType": ending})


def _keyed(key: str, parameters: dict[str, str]) -> dict[str, str]:
    return {"msgKey": key, "msgParam": json.dumps(parameters, ensure_ascii=False, separators=(",", ":"))}


def card_answer(body: Body | None) -> dict[str, object]:
    """Give the answer to a press on a card: the variables that change, or nothing.

    Words without a change of the card (a refusal) are for whoever pressed alone.
    """
    if body is None:
        return {}
    card = {"cardParamMap": changes(body)}
    if body.template_data:
        return {"cardData": card, "cardUpdateOptions": {"updateCardDataByKey": True}}
    return {"userPrivateData": card, "cardUpdateOptions": {"updatePrivateDataByKey": True}} if body.text else {}


def changes(body: Body) -> dict[str, str]:
    """Give the variables an answer to a press changes: what it says is the result."""
    told = {"result": cut_text(body.text, CARD_VALUE_BYTES)} if body.text else {}
    return {**body.template_data, **told}
