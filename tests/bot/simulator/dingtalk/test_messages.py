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


@pytest.mark.parametrize(
    "fields",
    [
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
    feed = {"msgtype": "feedCard", "feedCard": {"links": [{"title": "一"}, {"title": "二"}]}}
    assert messages.read_webhook(feed) == ("feedCard", "一\n二")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"msgtype": "image"}, "400105"),
        ({}, "400105"),
        ({"msgtype": "text"}, "40035"),
        ({"msgtype": "text", "text": {}}, "40035"),
        ({"msgtype": "markdown", "markdown": {"text": "without a title"}}, "40035"),
    ],
)
def test_wrong_webhook_messages_are_refused(fields, code):
    with pytest.raises(Refused, match=code):
        messages.read_webhook(fields)
