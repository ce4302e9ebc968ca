"""The vocabulary of the application's pushes: the fields of every message type and event of a member.

Source: protocols.md section 3.1.
"""

from bot.simulator.documents import Fields

MOBILE_APP = "wxwork"
CONTACT_CHANGES = frozenset(
    {"create_user", "update_user", "delete_user", "create_party", "update_party", "delete_party", "update_tag"}
)


def text(content: str) -> Fields:
    """Make a text."""
    return {"MsgType": "text", "Content": content}


def image(media_id: str, url: str = "http://p.qpic.cn/simulated/0") -> Fields:
    """Make a picture."""
    return {"MsgType": "image", "PicUrl": url, "MediaId": media_id}


def voice(media_id: str, audio_format: str = "amr") -> Fields:
    """Make a voice message; WeCom gives no transcript."""
    return {"MsgType": "voice", "MediaId": media_id, "Format": audio_format}


def video(media_id: str, thumb_media_id: str) -> Fields:
    """Make a video."""
    return {"MsgType": "video", "MediaId": media_id, "ThumbMediaId": thumb_media_id}


def file(media_id: str, name: str) -> Fields:
    """Make a file; the page of received messages does not list it, and clients that send it name it like this."""
    return {"MsgType": "file", "MediaId": media_id, "FileName": name}


def location(latitude: float, longitude: float, label: str, scale: int = 16) -> Fields:
    """Make a place the member sent."""
    place: Fields = {"MsgType": "location", "Location_X": latitude, "Location_Y": longitude, "Scale": scale}
    return {**place, "Label": label, "AppType": MOBILE_APP}


def link(title: str, description: str, url: str, picture_url: str = "") -> Fields:
    """Make a shared page."""
    return {"MsgType": "link", "Title": title, "Description": description, "Url": url, "PicUrl": picture_url}


def event(name: str, **fields: object) -> Fields:
    """Any event by its name and its own fields."""
    return {"MsgType": "event", "Event": name, **fields}


def subscribe() -> Fields:
    """Somebody was let into the range of the application."""
    return event("subscribe", EventKey="")


def unsubscribe() -> Fields:
    """Somebody was taken out of it."""
    return event("unsubscribe", EventKey="")


def enter_agent() -> Fields:
    """Somebody opens the application."""
    return event("enter_agent", EventKey="")


def report_location(latitude: float, longitude: float, precision: float = 65.0) -> Fields:
    """Make the automatic report of where a member is."""
    return event("LOCATION", Latitude=latitude, Longitude=longitude, Precision=precision, AppType=MOBILE_APP)


def click(key: str) -> Fields:
    """Make a tap on a menu item of type click."""
    return event("click", EventKey=key)


def view(url: str) -> Fields:
    """Make a tap on a menu item that opens a page."""
    return event("view", EventKey=url)


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
    return event("location_select", EventKey=key, SendLocationInfo=place, AppType=MOBILE_APP)


def template_card(
    key: str, task_id: str, card_type: str, response_code: str, selected: dict[str, list[str]] | None = None
) -> Fields:
    """Make a press on a template card; the misspelt Opiton is the platform's."""
    fields = event("template_card_event", EventKey=key, TaskId=task_id, CardType=card_type, ResponseCode=response_code)
    if not selected:
        return fields
    items = [{"QuestionKey": name, "OpitonIds": {"OpitonId": list(chosen)}} for name, chosen in selected.items()]
    return {**fields, "SelectedItems": {"SelectedItem": items}}


def batch_job_result(job_id: str, job_type: str, error_code: int = 0, error_message: str = "ok") -> Fields:
    """Make the end of an asynchronous job of the directory."""
    job = {"JobId": job_id, "JobType": job_type, "ErrCode": error_code, "ErrMsg": error_message}
    return event("batch_job_result", BatchJob=job)


def change_contact(change_type: str, **fields: object) -> Fields:
    """Make a change of the directory: create_user, update_user, delete_user, create_party and the like."""
    if change_type not in CONTACT_CHANGES:
        raise ValueError(change_type)
    return event("change_contact", ChangeType=change_type, **fields)


def approval_change(third_no: str, status: int, open_sp_name: str = "审批") -> Fields:
    """Make a step of an approval the application started."""
    info = {"ThirdNo": third_no, "OpenSpName": open_sp_name, "OpenSpStatus": status, "ApplyUserId": ""}
    return event("open_approval_change", ApprovalInfo=info)
