"""The menu below the chat (自定义菜单), written in the settings and put up only when it differs from what is up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

BUTTONS = 3
SUB_BUTTONS = 5
NAME_BYTES = 16
SUB_NAME_BYTES = 60
KEY_BYTES = 128
URL_BYTES = 1024
"""Source: menu page of the platform, protocols.md section 2.2; the two lengths of names and of addresses not re-read."""
NEEDED: Mapping[str, tuple[str, ...]] = {
    "click": ("key",),
    "view": ("url",),
    "miniprogram": ("url", "appid", "pagepath"),
    "scancode_push": ("key",),
    "scancode_waitmsg": ("key",),
    "pic_sysphoto": ("key",),
    "pic_photo_or_album": ("key",),
    "pic_weixin": ("key",),
    "location_select": ("key",),
    "media_id": ("media_id",),
    "view_limited": ("media_id",),
    "article_id": ("article_id",),
    "article_view_limited": ("article_id",),
}


@dataclass(frozen=True, slots=True)
class SubButton:
    """One item that opens something or tells us its key."""

    name: str
    type: str = "click"
    key: str = ""
    url: str = ""
    appid: str = ""
    pagepath: str = ""
    media_id: str = ""
    article_id: str = ""

    def problems(self) -> list[tuple[str, str]]:
        """List what is wrong, as pairs of key and sentence."""
        return _name_problems(self.name, SUB_NAME_BYTES) + _item_problems(self)


@dataclass(frozen=True, slots=True)
class MenuButton:
    """`[[channels.NAME.menu]]`: one of the three buttons, with items of its own or a list of them."""

    name: str
    type: str = ""
    key: str = ""
    url: str = ""
    appid: str = ""
    pagepath: str = ""
    media_id: str = ""
    article_id: str = ""
    sub_button: tuple[SubButton, ...] = ()

    def problems(self) -> list[tuple[str, str]]:
        """List what is wrong, as pairs of key and sentence."""
        found = _name_problems(self.name, NAME_BYTES)
        if not self.sub_button:
            return found + _item_problems(self)
        if len(self.sub_button) > SUB_BUTTONS:
            found.append(("sub_button", f"子菜单不能超过{SUB_BUTTONS}个"))
        if self.type or any(getattr(self, name) for name in _CONTENT):
            found.append(("sub_button", "有子菜单的按钮只写 name 和 sub_button"))
        return found


_CONTENT = ("key", "url", "appid", "pagepath", "media_id", "article_id")


def _name_problems(name: str, most: int) -> list[tuple[str, str]]:
    if not name.strip():
        return [("name", "不能为空")]
    return [("name", f"「{name}」超过{most}个字节（一个汉字3个字节）")] if len(name.encode()) > most else []


def _item_problems(item: SubButton | MenuButton) -> list[tuple[str, str]]:
    kind = item.type or "click"
    if kind not in NEEDED:
        return [("type", f"没有类型 {kind}，可选：{'、'.join(NEEDED)}")]
    found = [(name, f"{kind} 类型需要 {name}") for name in NEEDED[kind] if not getattr(item, name)]
    found += [(name, f"{kind} 类型不用 {name}") for name in _CONTENT if getattr(item, name) and name not in NEEDED[kind]]
    if len(item.key.encode()) > KEY_BYTES:
        found.append(("key", f"不能超过{KEY_BYTES}个字节"))
    if item.url and not item.url.startswith(("https://", "http://")):
        found.append(("url", "需要以 https:// 开头的地址"))
    if len(item.url.encode()) > URL_BYTES:
        found.append(("url", f"不能超过{URL_BYTES}个字节"))
    return found


def menu_problems(menu: Sequence[MenuButton]) -> list[tuple[str, str]]:
    """List what is wrong with the menu as a whole; each button tells of itself."""
    return [("menu", f"一级菜单不能超过{BUTTONS}个")] if len(menu) > BUTTONS else []


def menu_tree(menu: Sequence[MenuButton]) -> dict[str, Any]:
    """Give the menu in the platform's form."""
    return {"button": [_button(each) for each in menu]}


def _button(button: MenuButton | SubButton) -> dict[str, Any]:
    items = getattr(button, "sub_button", ())
    if items:
        return {"name": button.name, "sub_button": [_button(each) for each in items]}
    told = {"type": button.type or "click", "name": button.name}
    return told | {each.name: getattr(button, each.name) for each in fields(button) if getattr(button, each.name)}


def is_same(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    """Tell whether the menu that is up is ours; the platform writes an empty list of items onto every one of them."""
    return _bare(ours.get("button") or []) == _bare(theirs.get("button") or [])


def _bare(buttons: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    bare = []
    for button in buttons:
        items = button.get("sub_button") or []
        if isinstance(items, Mapping):
            items = items.get("list") or []
        kept = {name: value for name, value in button.items() if name != "sub_button" and value not in ("", None)}
        bare.append(kept | ({"sub_button": _bare(items)} if items else {}))
    return bare


def menu_lines(tree: Mapping[str, Any]) -> list[str]:
    """Draw a menu for people."""
    lines = []
    for button in tree.get("button") or []:
        lines.append(_line(button))
        lines += [f"　└ {_line(each)}" for each in button.get("sub_button") or []]
    return lines


def _line(button: Mapping[str, Any]) -> str:
    what = next((f"{button[name]}" for name in _CONTENT if button.get(name)), "")
    return "\t".join(part for part in (str(button.get("name")), str(button.get("type") or ""), what) if part)


def keys_of(menu: Sequence[MenuButton]) -> list[str]:
    """List the keys that come back to us."""
    items: list[MenuButton | SubButton] = []
    for button in menu:
        items += button.sub_button or [button]
    return [item.key for item in items if item.key]
