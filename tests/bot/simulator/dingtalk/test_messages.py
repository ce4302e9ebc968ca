"""Bodies of messages, and what a person reads."""

import json

import pytest

from bot.simulator.calls import Refused
from bot.simulator.dingtalk import messages


@pytest.mark.parametrize(
    ("made", "case_id"),
    [
        (messages.text(" 你好"), "DDI-001"),
        (messages.audio("DC3", "钉钉语音"), "DDI-009"),
        (messages.rich_text(["看图 ", ("DC1",), "就这个"]), "DDI-007"),
        (messages.file("DC5", "报价单.pdf"), "DDI-011"),
    ],
)
def test_bodies_are_those_of_the_vectors(load_cases, made, case_id):
    sample = next(case for case in load_cases("dingtalk_inbound") if case["id"] == case_id)["plaintext"]
    assert made["msgtype"] == sample["msgtype"]
    key = "text" if made["msgtype"] == "text" else "content"
    assert made[key].keys() == sample[key].keys()
    if made["msgtype"] == "richText":
        assert [set(part) for part in made["content"]["richText"]] == [set(part) for part in sample["content"]["richText"]]


def test_what_was_said():
    assert messages.said_text(messages.text("你好")) == "你好"
    assert messages.said_text(messages.audio("D", "语音")) == "语音"
    assert messages.said_text(messages.rich_text(["看", ("D",)])) == "看[图片]"
    assert messages.said_text(messages.picture("D")) == ""
    assert messages.said_text(messages.video("D")) == ""


def params(key: str, **values: object) -> dict:
    return {"msgKey": key, "msgParam": json.dumps(values, ensure_ascii=False)}


def test_parameters_are_read():
    assert messages.read_params(params("sampleText", content="你好"))[2] == "你好"
    assert messages.read_params(params("sampleMarkdown", title="t", text="正文"))[2] == "正文"


def buttons(count: int, title: str, address: str) -> dict[str, str]:
    return {f"{name}{n}": f"{name}{n}" for n in range(1, count + 1) for name in (title, address)}


COMPLETE = [
    params("sampleText", content="x"),
    params("sampleMarkdown", title="t", text="x"),
    params("sampleImageMsg", photoURL="https://e/a.png"),
    params("sampleImageMsg", mediaId="@m"),
    params("sampleLink", title="t", text="x", messageUrl="https://e"),
    params("sampleActionCard", title="t", text="x", singleTitle="去", singleURL="https://e"),
    *(params(f"sampleActionCard{n}", title="t", text="x", **buttons(n, "actionTitle", "actionURL")) for n in (2, 3, 4, 5)),
    params("sampleActionCard6", title="t", text="x", **buttons(2, "buttonTitle", "buttonUrl")),
    params("sampleAudio", mediaId="@m", duration="3000"),
    params("sampleFile", mediaId="@m", fileName="报价.pdf", fileType="pdf"),
    params("sampleVideo", videoMediaId="@v", videoType="mp4", picMediaId="@p", duration="5"),
]


@pytest.mark.parametrize("fields", COMPLETE, ids=lambda fields: fields["msgKey"])
def test_every_kind_is_read_and_none_without_its_parameters(fields):
    messages.read_params(fields)
    with pytest.raises(Refused, match=r"msgParam\.invalid"):
        messages.read_params(fields | {"msgParam": json.dumps({"other": "x"})})


def test_media_are_named():
    assert messages.media_ids({"photoURL": "https://e/a.png"}) == []
    assert messages.media_ids({"photoURL": "@m"}) == ["@m"]
    assert messages.media_ids({"videoMediaId": "@v", "picMediaId": "@p"}) == ["@v", "@p"]


@pytest.mark.parametrize(
    "fields",
    [
        params("sampleFile", mediaId="@m", fileName="a.exe", fileType="exe"),
        params("sampleActionCard3", title="t", text="x", **buttons(2, "actionTitle", "actionURL")),
        params("sampleDance", content="x"),
        params("sampleText"),
        params("sampleText", content="长" * 5001),
        {"msgKey": "sampleText", "msgParam": {"content": "an object"}},
        {"msgKey": "sampleText", "msgParam": "no json"},
        {"msgParam": "{}"},
    ],
)
def test_wrong_parameters_are_refused(fields):
    with pytest.raises(Refused, match="invalidParameter"):
        messages.read_params(fields)


def test_webhook_messages_are_read():
    assert messages.read_webhook(messages.text("你好")) == ("text", "你好")
    assert messages.read_webhook({"msgtype": "markdown", "markdown": {"title": "t", "text": "正文"}}) == ("markdown", "正文")
    feed = {"msgtype": "feedCard", "feedCard": {"links": [{"title": title, "messageURL": "https://e"} for title in "一二"]}}
    button = {"title": "去", "actionURL": "https://e"}
    single = {"singleTitle": "去", "singleURL": "https://e"}
    for more in (single, {"btns": [button, button]}):
        card = {"msgtype": "actionCard", "actionCard": {"title": "t", "text": "正文", **more}}
        assert messages.read_webhook(card) == ("actionCard", "正文")
    link = {"title": "t", "text": "摘要", "messageUrl": "https://e"}
    assert messages.read_webhook({"msgtype": "link", "link": link}) == ("link", "摘要")
    at = {"atUserIds": ["s1"], "atMobiles": ["13800000000"], "isAtAll": False}
    assert messages.read_webhook(messages.text("你好") | {"at": at}) == ("text", "你好")
    assert messages.read_webhook(feed) == ("feedCard", "一\n二")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"msgtype": "image"}, "400105"),
        ({}, "400105"),
        ({"msgtype": "text"}, "40035"),
        ({"msgtype": "text", "text": {}}, "40035"),
        ({"msgtype": "markdown", "markdown": {"text": "without a title"}}, "40035"),
        ({"msgtype": "link", "link": {"title": "t", "text": "x"}}, "40035"),
        ({"msgtype": "actionCard", "actionCard": {"title": "t", "text": "x"}}, "40035"),
        ({"msgtype": "actionCard", "actionCard": {"title": "t", "text": "x", "btns": [{"title": "去"}]}}, "40035"),
        ({"msgtype": "feedCard", "feedCard": {"links": [{"title": "t"}]}}, "40035"),
        ({"msgtype": "feedCard", "feedCard": {"links": "t"}}, "40035"),
        (messages.text("x") | {"at": ["s1"]}, "40035"),
        (messages.text("x") | {"at": {"atUserIds": "s1"}}, "40035"),
        (messages.text("x") | {"at": {"atMobiles": [13800000000]}}, "40035"),
        (messages.text("x") | {"at": {"atUserIds": [f"s{n}" for n in range(51)]}}, "40035"),
    ],
)
def test_wrong_webhook_messages_are_refused(fields, code):
    with pytest.raises(Refused, match=code):
        messages.read_webhook(fields)
