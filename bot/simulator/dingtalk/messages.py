"""Bodies of robot messages, and what a person reads of the messages the product sends.

Source: protocols.md sections 4.2 and 4.5.
"""

import json
from typing import Any

from bot.simulator.calls import code, errcode
from bot.simulator.records import Json

NEEDED = {  # msgKey and the parameters it cannot do without
    "sampleText": ("content",),
    "sampleMarkdown": ("title", "text"),
    "sampleImageMsg": ("photoURL",),
    "sampleLink": ("title", "text", "messageUrl"),
    "sampleActionCard": ("title", "text", "singleTitle", "singleURL"),
    "sampleActionCard2": ("title", "text", "actionTitle1", "actionURL1", "actionTitle2", "actionURL2"),
    "sampleActionCard3": ("title", "text", "actionTitle1", "actionURL1"),
    "sampleActionCard4": ("title", "text", "actionTitle1", "actionURL1"),
    "sampleActionCard5": ("title", "text", "actionTitle1", "actionURL1"),
    "sampleActionCard6": ("title", "text", "buttonTitle1", "buttonUrl1"),
    "sampleAudio": ("mediaId", "duration"),
    "sampleFile": ("mediaId", "fileName", "fileType"),
    "sampleVideo": ("videoMediaId", "videoType", "picMediaId"),
}
WEBHOOK_KINDS = {"text": "content", "markdown": "text", "link": "messageUrl", "actionCard": "text", "feedCard": "links"}
PARAM_BYTES = 15_000


def text(content: str) -> Json:
    """Make a text."""
    return {"msgtype": "text", "text": {"content": content}}


def audio(download_code: str, recognition: str, duration_ms: int = 4000) -> Json:
    """Make a voice message with its transcript; in one-to-one chats only."""
    content = {"duration": duration_ms, "downloadCode": download_code, "recognition": recognition}
    return {"msgtype": "audio", "content": content}


def picture(download_code: str) -> Json:
    """Make a picture."""
    return {"msgtype": "picture", "content": {"downloadCode": download_code, "pictureDownloadCode": download_code}}


def rich_text(parts: list[str | tuple[str]]) -> Json:
    """Texts, and pictures as one-element tuples of their download code."""
    rows = [{"text": part} if isinstance(part, str) else _picture_part(part[0]) for part in parts]
    return {"msgtype": "richText", "content": {"richText": rows}}


def file(download_code: str, name: str) -> Json:
    """Make a file; in one-to-one chats only."""
    return {"msgtype": "file", "content": {"downloadCode": download_code, "fileName": name, "spaceId": "1", "fileId": "2"}}


def video(download_code: str, duration: int = 5) -> Json:
    """Make a video; in one-to-one chats only."""
    return {"msgtype": "video", "content": {"duration": duration, "downloadCode": download_code, "videoType": "mp4"}}


def _picture_part(download_code: str) -> Json:
    return {"downloadCode": download_code, "pictureDownloadCode": download_code, "type": "picture"}


def said_text(body: Json) -> str:
    """Tell what a person said in a message."""
    if body["msgtype"] == "text":
        return str(body["text"]["content"])
    content = body.get("content", {})
    if body["msgtype"] == "richText":
        return "".join(str(part.get("text", "[图片]")) for part in content["richText"])
    return str(content.get("recognition") or content.get("fileName") or "")


def read_params(fields: Json) -> tuple[str, Json, str]:
    """Check msgKey and msgParam; gives key, parameters and the text a person reads."""
    key, raw = fields.get("msgKey"), fields.get("msgParam")
    if not isinstance(key, str) or key not in NEEDED:
        raise code("invalidParameter.msgKey.invalid", "msgKey is unknown")
    if not isinstance(raw, str):
        raise code("invalidParameter.msgParam.invalid", "msgParam is not a JSON string")
    if len(raw.encode()) > PARAM_BYTES:
        raise code("invalidParameter.msgParam.overMax", "msgParam is too long")
    try:
        params = json.loads(raw)
    except ValueError:
        params = None
    if not isinstance(params, dict) or any(not params.get(name) for name in NEEDED[key]):
        raise code("invalidParameter.msgParam.invalid", f"msgParam of {key} is incomplete")
    return key, params, shown_text(params)


def shown_text(params: dict[str, Any]) -> str:
    """Tell what a person reads of a message by its parameters."""
    return str(params.get("content") or params.get("text") or params.get("title") or "")


def read_webhook(fields: Json) -> tuple[str, str]:
    """Check a webhook-style message; gives its type and the text a person reads."""
    kind = fields.get("msgtype")
    if not isinstance(kind, str) or kind not in WEBHOOK_KINDS:
        raise errcode(400105, "unsupported msgtype")
    inner = fields.get(kind)
    if not isinstance(inner, dict):
        raise errcode(40035, "缺少参数 json")
    if not inner.get(WEBHOOK_KINDS[kind]) or (kind == "markdown" and not inner.get("title")):
        raise errcode(40035, f"缺少参数 {WEBHOOK_KINDS[kind]}")
    if kind == "feedCard":
        return kind, "\n".join(str(row.get("title", "")) for row in inner["links"])
    return kind, shown_text(inner)
