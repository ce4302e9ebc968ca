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
    "sampleImageMsg": (),
    "sampleLink": ("title", "text", "messageUrl"),
    "sampleActionCard": ("title", "text", "singleTitle", "singleURL"),
    "sampleActionCard2": ("title", "text", "actionTitle1", "actionURL1", "actionTitle2", "actionURL2"),
    "sampleActionCard3": ("title", "text", *(f"action{part}{n}" for n in (1, 2, 3) for part in ("Title", "URL"))),
    "sampleActionCard4": ("title", "text", *(f"action{part}{n}" for n in (1, 2, 3, 4) for part in ("Title", "URL"))),
    "sampleActionCard5": ("title", "text", *(f"action{part}{n}" for n in (1, 2, 3, 4, 5) for part in ("Title", "URL"))),
    "sampleActionCard6": ("title", "text", "buttonTitle1", "buttonUrl1", "buttonTitle2", "buttonUrl2"),
    "sampleAudio": ("mediaId", "duration"),
    "sampleFile": ("mediaId", "fileName", "fileType"),
    "sampleVideo": ("videoMediaId", "videoType", "picMediaId"),
}
WEBHOOK_NEEDED = {
    "text": ("content",),
    "markdown": ("title", "text"),
    "link": ("title", "text", "messageUrl"),
    "actionCard": ("title", "text"),
    "feedCard": ("links",),
}
FILE_TYPES = frozenset({"xlsx", "pdf", "zip", "rar", "doc", "docx"})
MEDIA_FIELDS = ("mediaId", "videoMediaId", "picMediaId")
MAX_AT = 50
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
    if key == "sampleImageMsg" and not (params.get("photoURL") or params.get("mediaId")):
        raise code("invalidParameter.msgParam.invalid", "a picture needs photoURL or mediaId")
    if key == "sampleFile" and params["fileType"] not in FILE_TYPES:
        raise code("invalidParameter.msgParam.invalid", "fileType is not supported")
    return key, params, shown_text(params)


def media_ids(params: Json) -> list[str]:
    """List the uploaded media a message refers to; a picture may also name an address."""
    photo = str(params.get("photoURL", ""))
    named = [str(params[name]) for name in MEDIA_FIELDS if params.get(name)]
    return named + ([photo] if photo.startswith("@") else [])


def shown_text(params: dict[str, Any]) -> str:
    """Tell what a person reads of a message by its parameters."""
    return str(params.get("content") or params.get("text") or params.get("title") or "")


def read_webhook(fields: Json) -> tuple[str, str]:
    """Check a webhook-style message; gives its type and the text a person reads."""
    kind = fields.get("msgtype")
    if not isinstance(kind, str) or kind not in WEBHOOK_NEEDED:
        raise errcode(400105, "unsupported msgtype")
    inner = fields.get(kind)
    if not isinstance(inner, dict):
        raise errcode(40035, "缺少参数 json")
    for name in WEBHOOK_NEEDED[kind]:
        if not inner.get(name):
            raise errcode(40035, f"缺少参数 {name}")
    _check_at(fields.get("at"))
    if kind == "actionCard":
        _check_buttons(inner)
    if kind == "feedCard":
        return kind, _read_links(inner["links"])
    return kind, shown_text(inner)


def _check_at(at: Any) -> None:
    if at is None:
        return
    if not isinstance(at, dict):
        raise errcode(40035, "at 的格式不正确")
    named = [at.get(name) or [] for name in ("atUserIds", "atMobiles")]
    if any(not isinstance(rows, list) or any(not isinstance(row, str) for row in rows) for rows in named):
        raise errcode(40035, "at 的格式不正确")
    if sum(map(len, named)) > MAX_AT:
        raise errcode(40035, "at 的人数超过限制")


def _check_buttons(inner: Json) -> None:
    rows = inner.get("btns")
    if inner.get("singleTitle") and inner.get("singleURL") and not rows:
        return
    if not isinstance(rows, list) or not rows or not _are_complete(rows, ("title", "actionURL")):
        raise errcode(40035, "缺少参数 btns")


def _read_links(rows: Any) -> str:
    if not isinstance(rows, list) or not _are_complete(rows, ("title", "messageURL")):
        raise errcode(40035, "缺少参数 links")
    return "\n".join(str(row["title"]) for row in rows)


def _are_complete(rows: list[Any], names: tuple[str, ...]) -> bool:
    return all(isinstance(row, dict) and all(bool(row.get(name)) for name in names) for row in rows)
