"""The menu of the Official Account, with its limits.

Source: protocols.md section 2.2, menu; the codes stand there as a range, their order follows the platform's list.
"""

from typing import Any

from bot.simulator.calls import Call, Handler, errcode
from bot.simulator.records import Json
from bot.simulator.wechat_oa.state import OK, WeChatState

BUTTONS, SUB_BUTTONS = 3, 5
NAME_BYTES, SUB_NAME_BYTES = 16, 60
KEY_BYTES, URL_BYTES = 128, 1024
NEEDED = {
    "click": "key",
    "view": "url",
    "miniprogram": "appid",
    "scancode_push": "key",
    "scancode_waitmsg": "key",
    "pic_sysphoto": "key",
    "pic_photo_or_album": "key",
    "pic_weixin": "key",
    "location_select": "key",
    "media_id": "media_id",
    "view_limited": "media_id",
    "article_id": "article_id",
    "article_view_limited": "article_id",
}


class MenuApi:
    """The calls under /cgi-bin/menu."""

    def __init__(self, state: WeChatState) -> None:
        self._state = state
        self.menu: Json | None = None

    def routes(self) -> dict[str, Handler]:
        """Name the paths."""
        return {"/cgi-bin/menu/create": self.create, "/cgi-bin/menu/get": self.show, "/cgi-bin/menu/delete": self.delete}

    def create(self, call: Call) -> Json:
        """Replace the menu; the same menu once more is a call for nothing."""
        buttons = self._state.read(call).get("button")
        if not isinstance(buttons, list) or not 0 < len(buttons) <= BUTTONS:
            raise errcode(40016, "invalid button size rid: simulated")
        for button in buttons:
            _check_button(button)
        menu = {"button": [_stored(button) for button in buttons]}
        if menu == self.menu:
            self._state.records.complain(call.path, "the menu that is up already was put up again")
        self.menu = menu
        return OK

    def show(self, call: Call) -> Json:
        """Show the menu."""
        self._state.admit(call)
        if self.menu is None:
            raise errcode(46003, "menu no exist rid: simulated")
        return {"menu": self.menu}

    def delete(self, call: Call) -> Json:
        """Delete the menu."""
        self._state.admit(call)
        self.menu = None
        return OK

    def find(self, name: str) -> Json:
        """Find the item of a name, as a person taps it. Raises: KeyError."""
        items: list[Json] = []
        for button in (self.menu or {"button": []})["button"]:
            items += button["sub_button"] or [button]
        found = next((item for item in items if item["name"] == name), None)
        if found is None:
            raise KeyError(name)
        return found


def _check_button(button: Any) -> None:
    items = button.get("sub_button") if isinstance(button, dict) else None
    if not items:
        _check_item(button, first=40017, name_bytes=NAME_BYTES)
        return
    if not isinstance(items, list) or len(items) > SUB_BUTTONS:
        raise errcode(40023, "invalid sub button size rid: simulated")
    _check_name(button, 40018, NAME_BYTES)
    for item in items:
        if not isinstance(item, dict) or item.get("sub_button"):
            raise errcode(40022, "invalid sub menu level rid: simulated")
        _check_item(item, first=40024, name_bytes=SUB_NAME_BYTES)


def _check_item(item: Any, *, first: int, name_bytes: int) -> None:
    """Check one item; `first` begins four codes: type, name, key, address."""
    kind = item.get("type") if isinstance(item, dict) else None
    if kind not in NEEDED:
        raise errcode(first, "invalid button type rid: simulated")
    _check_name(item, first + 1, name_bytes)
    content = str(item.get(NEEDED[kind]) or "")
    if NEEDED[kind] == "key" and not 0 < len(content.encode()) <= KEY_BYTES:
        raise errcode(first + 2, "invalid button key size rid: simulated")
    if NEEDED[kind] == "url" and not 0 < len(content.encode()) <= URL_BYTES:
        raise errcode(first + 3, "invalid button url size rid: simulated")
    if NEEDED[kind] == "url" and not content.startswith(("http://", "https://")):
        raise errcode(40054 if first == 40024 else 40055, "invalid button url domain rid: simulated")
    if not content:
        raise errcode(40007 if NEEDED[kind] == "media_id" else 45064, "no permission to use this in the menu rid: simulated")


def _check_name(button: Json, code: int, name_bytes: int) -> None:
    if not 0 < len(str(button.get("name") or "").encode()) <= name_bytes:
        raise errcode(code, "invalid button name size rid: simulated")


def _stored(button: Json) -> Json:
    # The platform gives every button back with a list of items, however empty.
    return {**button, "sub_button": [_stored(item) for item in button.get("sub_button") or []]}
