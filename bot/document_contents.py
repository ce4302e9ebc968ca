"""What the documents of WeChat and WeCom tell alike: of a message its text and data, of a menu event its data."""

from collections.abc import Mapping
from typing import Any

from bot.document_fields import listed, nested, number, text, whole

Tree = Mapping[str, Any]
Data = dict[str, object]


def image(tree: Tree) -> tuple[str, Data]:
    """Read a picture.

    Raises: BadRequest.
    """
    return "", {"media_id": text(tree, "MediaId"), "pic_url": text(tree, "PicUrl")}


def voice(tree: Tree) -> tuple[str, Data]:
    """Read a voice message; its text is what the platform recognised, if it does that.

    Raises: BadRequest.
    """
    return text(tree, "Recognition"), {"media_id": text(tree, "MediaId"), "format": text(tree, "Format")}


def video(tree: Tree) -> tuple[str, Data]:
    """Read a video.

    Raises: BadRequest.
    """
    return "", {"media_id": text(tree, "MediaId"), "thumb_media_id": text(tree, "ThumbMediaId")}


def location(tree: Tree) -> tuple[str, Data]:
    """Read a place somebody sent.

    Raises: BadRequest.
    """
    return text(tree, "Label"), _place(tree)


def link(tree: Tree) -> tuple[str, Data]:
    """Read a shared page.

    Raises: BadRequest.
    """
    title = text(tree, "Title")
    return title, {"title": title, "description": text(tree, "Description"), "url": text(tree, "Url")}


def scanned_code(tree: Tree) -> Data:
    """Read the code that was scanned through the menu.

    Raises: BadRequest.
    """
    scanned = nested(tree, "ScanCodeInfo")
    return {"scan_type": text(scanned, "ScanType"), "scan_result": text(scanned, "ScanResult")}


def chosen_pictures(tree: Tree) -> Data:
    """Read which pictures were taken or picked through the menu; they follow as messages of their own.

    Raises: BadRequest.
    """
    sent = nested(tree, "SendPicsInfo")
    sums = [text(item, "PicMd5Sum") for item in listed(nested(sent, "PicList"), "item")]
    return {"count": whole(sent, "Count"), "pic_md5_sums": sums}


def chosen_place(tree: Tree) -> Data:
    """Read the place that was picked through the menu.

    Raises: BadRequest.
    """
    sent = nested(tree, "SendLocationInfo")
    return _place(sent) | {"place_name": text(sent, "Poiname")}


def _place(tree: Tree) -> Data:
    return {
        # Location_X is the latitude, whatever X may suggest.
        "latitude": number(tree, "Location_X"),
        "longitude": number(tree, "Location_Y"),
        "scale": number(tree, "Scale"),
        "label": text(tree, "Label"),
    }
