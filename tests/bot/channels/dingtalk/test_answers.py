"""How a body looks to DingTalk."""

import json

from bot.channels.dingtalk.answers import TEXT_BYTES, card_answer, robot_message, webhook_message
from crm_core.messages import Article, Body, Kind

ONE = (Article("周报", "", "https://e.com/p.jpg", "https://e.com/1"),)
TWO = (*ONE, Article("月报", "", "", "https://e.com/2"))


def test_text_goes_either_way_and_is_cut() -> None:
    assert webhook_message(Body(text="好")) == {"msgtype": "text", "text": {"content": "好"}}
    assert webhook_message(Body(text="好"), at_user="u1") == {
        "msgtype": "text",
        "text": {"content": "好"},
        "at": {"atUserIds": ["u1"], "isAtAll": False},
    }
    long = robot_message(Body(text="长" * TEXT_BYTES))
    assert long is not None
    assert len(json.loads(long["msgParam"])["content"].encode()) <= TEXT_BYTES


def test_articles_are_a_link_or_a_list_of_links() -> None:
    one, two = webhook_message(Body(Kind.NEWS, articles=ONE)), webhook_message(Body(Kind.NEWS, articles=TWO))
    assert one is not None
    assert two is not None
    assert one["link"] == {"title": "周报", "text": "周报", "messageUrl": "https://e.com/1", "picUrl": "https://e.com/p.jpg"}
    assert len(two["feedCard"]["links"]) == 2
    keys = [robot_message(Body(Kind.NEWS, articles=articles)) for articles in (ONE, TWO)]
    assert [key and key["msgKey"] for key in keys] == ["sampleLink", "sampleMarkdown"]


def test_a_picture_goes_by_the_openapi_only() -> None:
    picture = Body(Kind.IMAGE, media_id="@lADPM1")
    assert webhook_message(picture) is None
    assert robot_message(picture) == {"msgKey": "sampleImageMsg", "msgParam": '{"photoURL":"@lADPM1"}'}


def test_nothing_to_say_is_nothing() -> None:
    assert webhook_message(Body()) is None
    assert robot_message(Body()) is None
    assert card_answer(None) == {}
    assert card_answer(Body()) == {}


def test_a_press_changes_the_card_and_a_refusal_only_what_its_presser_sees() -> None:
    changed = card_answer(Body(text="已领取", template_data={"status": "done"}))
    assert changed["cardData"] == {"cardParamMap": {"status": "done", "result": "已领取"}}
    refused = card_answer(Body(text="没有权限"))
    assert "cardData" not in refused
    assert refused["userPrivateData"] == {"cardParamMap": {"result": "没有权限"}}


def test_a_card_is_answered_with_the_parameters_that_change() -> None:
    assert card_answer(Body(template_data={"status": "accepted"})) == {
        "cardData": {"cardParamMap": {"status": "accepted"}},
        "cardUpdateOptions": {"updateCardDataByKey": True},
    }


def test_a_file_goes_by_the_openapi_only_with_its_name_and_ending() -> None:
    file = Body(Kind.FILE, text="展会-未导入.xlsx", media_id="@lADPM1")
    assert webhook_message(file) is None
    sent = robot_message(file)
    assert sent is not None
    assert (sent["msgKey"], json.loads(sent["msgParam"])) == (
        *("sampleFile", {"mediaId": "@lADPM1", "fileName": "展会-未导入.xlsx", "fileType": "xlsx"}),
    )
    assert robot_message(Body(Kind.FILE, text="a.exe", media_id="@lADPM1")) is None
    assert robot_message(Body(Kind.FILE, text="a.xlsx")) is None
