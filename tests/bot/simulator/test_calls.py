"""Reading of request bodies."""

import pytest

from bot.simulator.calls import Answer, code, errcode, has_escapes, read_object


@pytest.mark.parametrize(
    ("body", "escaped"),
    [
        (b'{"a":"\\u4f60"}', True),
        (b'{"a":"\\ud83d\\ude00"}', True),
        ('{"a":"你好😀"}'.encode(), False),
        (b'{"a":"\\u0001\\u001f"}', False),  # control characters can be written in no other way
        (b'{"a":"C:\\\\users"}', False),
        (b'{"a":"\\\\\\u4f60"}', True),
        (b'{"a":"\\n"}', False),
    ],
)
def test_escaped_characters_are_seen(body, escaped):
    assert has_escapes(body) is escaped


def test_only_objects_are_read():
    assert read_object(b'{"a":1}') == {"a": 1}
    assert read_object(b"[1]") is None
    assert read_object(b"{") is None


def test_refusals_have_both_forms():
    assert errcode(45065, "exist", msg_id=7).answer == {"errcode": 45065, "errmsg": "exist", "msg_id": 7}
    answer = code("send.too.fast", status=403).answer
    assert isinstance(answer, Answer)
    assert (answer.status, answer.json["code"]) == (403, "send.too.fast")
