"""The menu of the settings: every limit named before it is put up, and put up only when it differs."""

from pathlib import Path

import pytest

from bot.channels.wechat_oa.menu import MenuButton, SubButton, is_same, keys_of, menu_lines, menu_tree
from bot.config import SettingsProblems, parse

MENU = (
    MenuButton("产品", sub_button=(SubButton("价格", key="价格"), SubButton("官网", "view", url="https://e.cn"))),
    MenuButton("联系", key="联系"),
)
TREE = {
    "button": [
        {
            "name": "产品",
            "sub_button": [
                {"type": "click", "name": "价格", "key": "价格"},
                {"type": "view", "name": "官网", "url": "https://e.cn"},
            ],
        },
        {"type": "click", "name": "联系", "key": "联系"},
    ]
}
ACCOUNT = {
    "kind": "wechat_oa",
    "app_id": "wx1",
    "original_id": "gh_1",
    "app_secret_env": "A",
    "token_env": "A",
    "mode": "plain",
}


def problems_of(menu: list) -> dict[str, str]:
    document = {"channels": {"wechat": {**ACCOUNT, "menu": menu}}}
    with pytest.raises(SettingsProblems) as caught:
        parse(document, {"A": "x"}, Path())
    return {f"{each.section}.{each.key}".removeprefix("channels.wechat."): each.sentence for each in caught.value.problems}


def test_the_tree_is_the_platforms_form() -> None:
    assert menu_tree(MENU) == TREE
    assert keys_of(MENU) == ["价格", "联系"]
    assert menu_lines(TREE) == ["产品", "　└ 价格\tclick\t价格", "　└ 官网\tview\thttps://e.cn", "联系\tclick\t联系"]


def test_what_the_platform_gives_back_is_the_same_menu() -> None:
    theirs = {"button": [{**button, "sub_button": button.get("sub_button", [])} for button in TREE["button"]]}
    listed = {"button": [{**TREE["button"][0], "sub_button": {"list": TREE["button"][0]["sub_button"]}}, TREE["button"][1]]}
    assert is_same(TREE, theirs)
    assert is_same(TREE, listed)
    assert not is_same(TREE, {"button": TREE["button"][:1]})
    assert not is_same(TREE, {})


def test_a_menu_of_the_settings_is_read() -> None:
    items = [{"name": "价格", "key": "价格"}, {"name": "官网", "type": "view", "url": "https://e.cn"}]
    menu = [{"name": "产品", "sub_button": items}, {"name": "联系", "key": "联系"}]
    settings = parse({"channels": {"wechat": {**ACCOUNT, "menu": menu}}}, {"A": "x"}, Path())
    assert settings.channels["wechat"][1].menu == MENU


@pytest.mark.parametrize(
    ("menu", "key", "sentence"),
    [
        ([{"name": "一", "key": "k"}] * 4, "menu", "一级菜单不能超过3个"),
        ([{"name": "一", "sub_button": [{"name": "二", "key": "k"}] * 6}], "menu.1.sub_button", "子菜单不能超过5个"),
        ([{"name": "六个汉字太长", "key": "k"}], "menu.1.name", "超过16个字节"),
        ([{"name": "一", "sub_button": [{"name": "长" * 21, "key": "k"}]}], "menu.1.sub_button.1.name", "超过60个字节"),
        ([{"name": " ", "key": "k"}], "menu.1.name", "不能为空"),
        ([{"name": "一", "key": "键" * 43}], "menu.1.key", "不能超过128个字节"),
        ([{"name": "一"}], "menu.1.key", "click 类型需要 key"),
        ([{"name": "一", "type": "views", "key": "k"}], "menu.1.type", "没有类型 views"),
        ([{"name": "一", "type": "view", "url": "e.cn"}], "menu.1.url", "https://"),
        ([{"name": "一", "type": "view", "url": "https://" + "a" * 1024}], "menu.1.url", "1024"),
        ([{"name": "一", "type": "view", "url": "https://e.cn", "key": "k"}], "menu.1.key", "不用 key"),
        ([{"name": "一", "type": "miniprogram", "url": "https://e.cn"}], "menu.1.appid", "需要 appid"),
        ([{"name": "一", "key": "k", "sub_button": [{"name": "二", "key": "k"}]}], "menu.1.sub_button", "只写 name"),
        ([{"name": "一", "typ": "click"}], "menu.1.typ", "没有这个设置"),
    ],
)
def test_every_problem_is_named_at_load(menu: list, key: str, sentence: str) -> None:
    assert sentence in problems_of(menu)[key]
