"""From a document to a message, what the given cases leave open."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.channel import BadRequest
from bot.channels.wechat_oa.messages import read_message
from crm_core.messages import Address, Kind

AT = 1795161600


def document(**fields: Any) -> dict[str, Any]:
    return {"ToUserName": "gh", "FromUserName": "o1", "CreateTime": AT, "MsgId": 24100000000000001, **fields}


def test_a_json_document_reads_like_an_xml_one() -> None:
    message = read_message("wechat", "wx1", document(MsgType="text", Content="你好"))
    assert message.address == Address("wechat", "o1")
    assert message.key == "wechat_mp:wx1:msg:o1:24100000000000001"
    assert (message.kind, message.text, message.at) == (Kind.TEXT, "你好", datetime.fromtimestamp(AT, UTC))


def test_voice_without_recognition_has_no_text_and_short_video_is_a_video() -> None:
    voice = read_message("wechat", "wx1", document(MsgType="voice", MediaId="m", Format="amr"))
    assert (voice.kind, voice.text, dict(voice.data)) == (Kind.VOICE, "", {"media_id": "m", "format": "amr"})
    assert read_message("wechat", "wx1", document(MsgType="shortvideo", MediaId="m")).kind is Kind.VIDEO


def test_an_unknown_type_is_kept_raw_even_without_an_id() -> None:
    unknown = document(MsgType="Sticker", Face="😀")
    del unknown["MsgId"]
    message = read_message("wechat", "wx1", unknown)
    assert (message.kind, message.key) == (Kind.OTHER, f"wechat_mp:wx1:evt:o1:{AT}:sticker:")
    assert message.data == {"type": "Sticker", "raw": {"Face": "😀"}}


def test_two_events_of_one_second_have_two_keys() -> None:
    keys = {
        read_message("wechat", "wx1", document(MsgType="event", Event=event, EventKey=about, MsgId=None)).key
        for event in ("LOCATION", "unsubscribe", "CLICK")
        for about in ("", "a")
    }
    assert len(keys) == 6


@pytest.mark.parametrize(
    "fields",
    [
        {"MsgType": "text"},
        {"MsgType": "text", "Content": ["a"]},
        {"MsgType": "text", "Content": "a", "MsgId": ""},
        {"MsgType": "text", "Content": "a", "FromUserName": ""},
        {"MsgType": "text", "Content": "a", "ToUserName": None},
        {"MsgType": "text", "Content": "a", "CreateTime": -1},
        {"MsgType": "text", "Content": "a", "CreateTime": 10**12},
        {"MsgType": "location", "Location_X": "north"},
        {"MsgType": "event"},
        {"Content": "a"},
    ],
)
def test_a_document_that_lacks_something_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        read_message("wechat", "wx1", document(**fields))
