"""The shapes of messages, type by type."""

import pytest

from bot.simulator.calls import Refused
from bot.simulator.wecom.message_shapes import check_message, find_unknown

NOTICE = {"card_type": "text_notice", "main_title": {"title": "t"}, "card_action": {"type": 1, "url": "u"}}
BUTTONS = {"card_type": "button_interaction", "main_title": {"title": "t"}, "task_id": "1"}
VOTE = {
    "card_type": "vote_interaction",
    "main_title": {"title": "选"},
    "task_id": "1",
    "checkbox": {"question_key": "q", "option_list": [{"id": "a", "text": "甲"}]},
    "submit_button": {"text": "提交", "key": "s"},
}


def check(kind: str, inner: object) -> tuple[str, str, str]:
    return check_message({"msgtype": kind, kind: inner}, lambda media_id: media_id == "M")


@pytest.mark.parametrize(
    ("kind", "inner", "text"),
    [
        ("text", {"content": "你好"}, "你好"),
        ("markdown", {"content": "**你好**"}, "**你好**"),
        ("image", {"media_id": "M"}, ""),
        ("voice", {"media_id": "M"}, ""),
        ("video", {"media_id": "M", "title": "片"}, "片"),
        ("file", {"media_id": "M"}, ""),
        ("textcard", {"title": "t", "description": "d", "url": "u"}, "t\nd"),
        ("news", {"articles": [{"title": "一", "url": "u"}, {"title": "二", "url": "u"}]}, "一\n二"),
        ("mpnews", {"articles": [{"title": "一", "thumb_media_id": "M", "content": "c"}]}, "一"),
        ("miniprogram_notice", {"appid": "wx", "title": "t", "content_item": [{"key": "k", "value": "v"}]}, "t\nk：v"),
        ("template_card", NOTICE, "t"),
        ("template_card", {**BUTTONS, "button_list": [{"text": "好", "key": "k"}]}, "t"),
        ("template_card", VOTE, "选"),
    ],
)
def test_good_messages(kind, inner, text):
    assert check(kind, inner) == (kind, text, "")


@pytest.mark.parametrize(
    ("kind", "inner", "code"),
    [
        ("telepathy", {}, 40008),
        ("text", {}, 44004),
        ("text", "你好", 44004),
        ("image", {}, 41006),
        ("image", {"media_id": "N"}, 40007),
        ("textcard", {"title": "t", "description": "d"}, 41010),
        ("textcard", {"description": "d", "url": "u"}, 41016),
        ("news", {"articles": []}, 45008),
        ("news", {"articles": [{"title": "t", "url": "u"}] * 9}, 45008),
        ("news", {"articles": [{"title": "t"}]}, 41010),
        ("news", {"articles": ["t"]}, 40058),
        ("mpnews", {"articles": [{"title": "t", "thumb_media_id": "M"}]}, 44004),
        ("miniprogram_notice", {"title": "t"}, 90200),
        ("miniprogram_notice", {"appid": "a", "title": "t", "content_item": [{}] * 11}, 90201),
        ("template_card", {"card_type": "x"}, 40058),
        ("template_card", {**NOTICE, "card_action": None}, 40058),
        ("template_card", {**NOTICE, "main_title": {}}, 40058),
        ("template_card", {**BUTTONS, "task_id": ""}, 42014),
        ("template_card", {**BUTTONS, "button_list": []}, 40058),
        ("template_card", {**BUTTONS, "button_list": [{"text": "好"}]}, 42019),
        ("template_card", {**BUTTONS, "button_list": [{"text": "好", "key": "k"}] * 2}, 42018),
        ("template_card", {**VOTE, "checkbox": {}}, 40058),
        ("template_card", {**VOTE, "submit_button": {"text": "s"}}, 42019),
    ],
)
def test_bad_messages(kind, inner, code):
    with pytest.raises(Refused) as caught:
        check(kind, inner)
    assert caught.value.code == str(code)


def test_names_inside_a_message_that_do_nothing():
    assert find_unknown("text", {"content": "x", "mentioned_list": []}) == ["mentioned_list"]
    assert find_unknown("template_card", VOTE) == []
