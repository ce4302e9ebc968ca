"""Frames: reading, and writing the acknowledgement."""

import json

import pytest

from bot.channel import BadRequest
from bot.channels.dingtalk.stream_frames import acknowledge, read_frame


def frame(**fields: object) -> str:
    headers = {"topic": "ping", "messageId": "m1", "time": 1795161600000}
    return json.dumps({"specVersion": "1.0", "type": "SYSTEM", "headers": headers, "data": "{}", **fields})


def test_header_and_headers_texts_and_numbers_are_taken() -> None:
    for name in ("headers", "header"):
        tree = {"type": "system", name: {"topic": "ping", "messageId": 5, "time": "1795161600000"}, "data": "{}"}
        read = read_frame(json.dumps(tree))
        assert (read.type, read.topic, read.message_id) == ("SYSTEM", "ping", "5")


def test_data_that_is_no_text_can_still_be_answered() -> None:
    assert read_frame(frame(data={"a": 1})).tree() == {"a": 1}
    assert read_frame(frame(data=None)).tree() == {}
    with pytest.raises(BadRequest):
        read_frame(frame(data=[1])).tree()


@pytest.mark.parametrize(
    "raw",
    [
        "not json at all",
        "[]",
        "{}",
        frame(headers=[]),
        frame(type=[]),
        frame(headers={"messageId": {}}),
        frame(headers={"messageId": "x" * 1000}),
        frame(extra=float("nan")),
        "[" * 5000 + "]" * 5000,
        '{"headers": {}, "headers": {}}',
        frame(headers={"topic": "\\ud800"}).replace("\\\\ud800", "\\ud800"),
    ],
    ids=range(11),
)
def test_what_is_no_frame_is_refused(raw: str) -> None:
    with pytest.raises(BadRequest):
        read_frame(raw)


def test_an_acknowledgement_names_its_frame_and_carries_a_text() -> None:
    written = json.loads(acknowledge(read_frame(frame(data='{"opaque":"x"}')), '{"opaque":"x"}'))
    assert written == {
        "code": 200,
        "message": "OK",
        "headers": {"messageId": "m1", "contentType": "application/json"},
        "data": '{"opaque":"x"}',
    }
