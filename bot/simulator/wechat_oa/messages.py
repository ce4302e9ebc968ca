"""The vocabulary of pushes: the fields of every message type and event, without the envelope.

Source: protocols.md section 2.1, the two tables.
"""

from bot.simulator.documents import Fields

MENU_ACTIONS = frozenset({"click", "scancode_push", "scancode_waitmsg"})  # the menu events that open a window


def text(content: str, menu_id: str | None = None) -> Fields:
    """Make a text; `menu_id` when the person tapped an item of a message menu."""
    fields: Fields = {"MsgType": "text", "Content": content}
    return fields if menu_id is None else {**fields, "bizmsgmenuid": menu_id}


def image(media_id: str, url: str = "http://mmbiz.qpic.cn/simulated/0") -> Fields:
    """Make a picture."""
    return {"MsgType": "image", "PicUrl": url, "MediaId": media_id}


def voice(media_id: str, recognition: str | None = None, audio_format: str = "amr") -> Fields:
    """Make a voice message, with the platform's transcript if that is switched on."""
    fields: Fields = {"MsgType": "voice", "MediaId": media_id, "Format": audio_format}
    return fields if recognition is None else {**fields, "Recognition": recognition}


def video(media_id: str, thumb_media_id: str, *, short: bool = False) -> Fields:
    """Make a video, or a short one taken in the chat."""
    return {"MsgType": "shortvideo" if short else "video", "MediaId": media_id, "ThumbMediaId": thumb_media_id}


def location(latitude: float, longitude: float, label: str, scale: int = 16) -> Fields:
    """Make a place the person sent."""
    return {"MsgType": "location", "Location_X": latitude, "Location_Y": longitude, "Scale": scale, "Label": label}


def link(title: str, description: str, url: str) -> Fields:
    """Make a shared page."""
    return {"MsgType": "link", "Title": title, "Description": description, "Url": url}


def event(name: str, **fields: object) -> Fields:
    """Any event by its name and its own fields."""
    return {"MsgType": "event", "Event": name, **fields}


def subscribe(scene: str | None = None, ticket: str = "") -> Fields:
    """Somebody follows; by a QR code if a scene is given."""
    if scene is None:
        return event("subscribe", EventKey="")
    return event("subscribe", EventKey=f"qrscene_{scene}", Ticket=ticket)


def unsubscribe() -> Fields:
    """Somebody stops following."""
    return event("unsubscribe", EventKey="")


def scan(scene: str, ticket: str = "") -> Fields:
    """Make the scan of a follower: the scene comes without its prefix."""
    return event("SCAN", EventKey=scene, Ticket=ticket)


def click(key: str) -> Fields:
    """Make a tap on a menu item of type click."""
    return event("CLICK", EventKey=key)


def view(url: str, menu_id: int = 1) -> Fields:
    """Make a tap on a menu item that opens a page."""
    return event("VIEW", EventKey=url, MenuId=menu_id)


def view_miniprogram(page: str, menu_id: int = 1) -> Fields:
    """Make a tap on a menu item that opens a mini program."""
    return event("view_miniprogram", EventKey=page, MenuId=menu_id)


def report_location(latitude: float, longitude: float, precision: float = 30.0) -> Fields:
    """Make the automatic report of where a person is."""
    return event("LOCATION", Latitude=latitude, Longitude=longitude, Precision=precision)


def scancode(key: str, result: str, *, waiting: bool = False) -> Fields:
    """Make a code scanned through the menu."""
    info = {"ScanType": "qrcode", "ScanResult": result}
    return event("scancode_waitmsg" if waiting else "scancode_push", EventKey=key, ScanCodeInfo=info)


def pictures(key: str, digests: list[str], name: str = "pic_sysphoto") -> Fields:
    """Pictures sent through the menu: pic_sysphoto, pic_photo_or_album, pic_weixin."""
    items = [{"PicMd5Sum": digest} for digest in digests]
    return event(name, EventKey=key, SendPicsInfo={"Count": len(items), "PicList": {"item": items}})


def location_select(key: str, latitude: str, longitude: str, label: str) -> Fields:
    """Make a place picked through the menu."""
    place = {"Location_X": latitude, "Location_Y": longitude, "Scale": "16", "Label": label, "Poiname": ""}
    return event("location_select", EventKey=key, SendLocationInfo=place)


def template_finished(message_id: int, status: str = "success") -> Fields:
    """Make the result of a template message: success, failed:user block, failed: system failed."""
    return event("TEMPLATESENDJOBFINISH", MsgID=message_id, Status=status)


def mass_finished(message_id: int, *, total: int, sent: int, failed: int, status: str = "send success") -> Fields:
    """Make the result of a mass send."""
    return event(
        "MASSSENDJOBFINISH",
        MsgID=message_id,
        Status=status,
        TotalCount=total,
        FilterCount=sent + failed,
        SentCount=sent,
        ErrorCount=failed,
        CopyrightCheckResult={"Count": 0, "ResultList": "", "CheckState": 0},
        ArticleUrlResult={"Count": 0, "ResultList": ""},
    )


def subscribe_popup(answers: dict[str, str]) -> Fields:
    """Make an answer to the popup of subscribe notifications: template id to accept or reject."""
    rows = [{"TemplateId": key, "SubscribeStatusString": said, "PopupScene": "1"} for key, said in answers.items()]
    return event("subscribe_msg_popup_event", SubscribeMsgPopupEvent={"List": rows})


def subscribe_change(template_id: str, said: str = "reject") -> Fields:
    """Make a change of such an answer in the settings."""
    row = {"TemplateId": template_id, "SubscribeStatusString": said}
    return event("subscribe_msg_change_event", SubscribeMsgChangeEvent={"List": [row]})


def subscribe_sent(template_id: str, message_id: str, error_code: int = 0, error_status: str = "success") -> Fields:
    """Make the result of a subscribe notification."""
    row = {"TemplateId": template_id, "MsgID": message_id, "ErrorCode": str(error_code), "ErrorStatus": error_status}
    return event("subscribe_msg_sent_event", SubscribeMsgSentEvent={"List": [row]})


def publish_finished(publish_id: str, article_id: str, url: str, status: int = 0) -> Fields:
    """Make the result of publishing an article."""
    detail = {"count": 1, "item": [{"idx": 1, "article_url": url}]}
    info = {"publish_id": publish_id, "publish_status": status, "article_id": article_id, "article_detail": detail}
    return event("FREEPUBLISHJOBFINISH", PublishEventInfo=info)
