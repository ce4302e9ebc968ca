"""Items of `sync_msg` and what they say."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.channels.wecom_kf.messages import Reading, read_item
from crm_core.messages import InboundMessage, Kind
from tests.bot.channels.wecom_kf.made import CORP, KFID, PERSON, event, item

NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
READING = Reading("kf", CORP, KFID, NOW - timedelta(days=30), NOW)


def read(given: dict[str, Any], reading: Reading = READING) -> InboundMessage:
    message = read_item(reading, given)
    assert message is not None
    return message


def test_text_has_words_time_and_strong_key() -> None:
    message = read(item(NOW, "m7", msgtype="text", text={"content": "多少钱", "menu_id": "101"}))
    assert (message.kind, message.text, message.at) == (Kind.TEXT, "多少钱", NOW)
    assert message.key == f"wecom_kf:{CORP}:{KFID}:msg:{PERSON}:m7"
    assert (message.external_id, message.data["menu_id"], message.history) == ("m7", "101", "")


@pytest.mark.parametrize(
    ("fields", "kind", "said"),
    [
        ({"msgtype": "image", "image": {"media_id": "M"}}, Kind.IMAGE, ""),
        ({"msgtype": "voice", "voice": {"media_id": "M"}}, Kind.VOICE, ""),
        ({"msgtype": "video", "video": {"media_id": "M"}}, Kind.VIDEO, ""),
        ({"msgtype": "file", "file": {"media_id": "M"}}, Kind.FILE, ""),
        (
            {"msgtype": "location", "location": {"latitude": 31.2, "longitude": 121.4, "name": "公司", "address": "上海"}},
            Kind.LOCATION,
            "公司 上海",
        ),
        ({"msgtype": "link", "link": {"title": "网页", "desc": "d", "url": "u", "pic_url": "p"}}, Kind.LINK, "网页"),
        ({"msgtype": "business_card", "business_card": {"userid": "li"}}, Kind.LINK, "[名片]"),
        ({"msgtype": "miniprogram", "miniprogram": {"title": "商城", "appid": "a"}}, Kind.LINK, "商城"),
        ({"msgtype": "msgmenu", "msgmenu": {"head_content": "请选择", "list": []}}, Kind.LINK, "请选择"),
        ({"msgtype": "channels", "channels": {"nickname": "号", "title": "视频"}}, Kind.LINK, "视频"),
        ({"msgtype": "merged_msg", "merged_msg": {"title": "聊天记录", "item": []}}, Kind.LINK, "聊天记录"),
        ({"msgtype": "meeting", "meeting": {}}, Kind.LINK, "[会议]"),
        ({"msgtype": "schedule", "schedule": {}}, Kind.LINK, "[日程]"),
        ({"msgtype": "note"}, Kind.LINK, "[笔记]"),
        ({"msgtype": "from_next_year", "from_next_year": {"x": 1}}, Kind.OTHER, ""),
        ({"msgtype": "text", "text": "not an object"}, Kind.TEXT, ""),
    ],
)
def test_every_type_is_understood(fields: dict[str, Any], kind: Kind, said: str) -> None:
    message = read(item(NOW, **fields))
    assert (message.kind, message.text) == (kind, said)
    if kind is Kind.OTHER:
        assert message.data["raw"] == {"from_next_year": {"x": 1}}


def test_media_and_place_are_kept() -> None:
    assert read(item(NOW, msgtype="image", image={"media_id": "M1"})).data == {"media_id": "M1"}
    place = read(item(NOW, msgtype="location", location={"latitude": 31.2, "longitude": 121.4})).data
    assert (place["latitude"], place["longitude"]) == (31.2, 121.4)


def test_account_and_customer_of_an_event_stand_inside_it() -> None:
    message = read(event(NOW, "enter_session", scene="expo", scene_param="a%3Db", welcome_code="W"))
    assert (message.kind, message.event, message.address.external_id) == (Kind.EVENT, "enter_session", PERSON)
    assert message.data == {"scene": "expo", "scene_param": "a%3Db", "code": "W", "code_seconds": 20}


@pytest.mark.parametrize(
    ("name", "fields", "data"),
    [
        ("msg_send_fail", {"fail_msgid": "f", "fail_type": 4}, {"fail_msgid": "f", "fail_type": 4}),
        ("servicer_status_change", {"servicer_userid": "li", "status": 2}, {"servicer": "li", "status": 2}),
        (
            "session_status_change",
            {"change_type": 3, "old_servicer_userid": "li", "new_servicer_userid": "", "msg_code": "C"},
            {"change_type": 3, "old_servicer": "li", "new_servicer": "", "code": "C", "code_seconds": 20},
        ),
        (
            "session_status_change",
            {"change_type": 1, "new_servicer_userid": "li", "msg_code": "C"},
            {"change_type": 1, "old_servicer": "", "new_servicer": "li", "code": "C", "code_seconds": 172800},
        ),
        ("user_recall_msg", {"recall_msgid": "r"}, {"recall_msgid": "r", "servicer": ""}),
        ("servicer_recall_msg", {"recall_msgid": "r", "servicer_userid": "li"}, {"recall_msgid": "r", "servicer": "li"}),
        ("reject_customer_msg_switch_change", {"reject_switch": 1}, {"reject_switch": 1, "servicer": ""}),
    ],
)
def test_events_tell_what_they_are_about(name: str, fields: dict[str, Any], data: dict[str, Any]) -> None:
    assert read(event(NOW, name, **fields)).data == data


def test_event_nobody_knows_keeps_everything() -> None:
    message = read(event(NOW, "From_Next_Year", x=1))
    assert message.event == "from_next_year"
    assert message.data["raw"]["x"] == 1  # type: ignore[index]


def test_event_without_a_customer_is_nobodys() -> None:
    given = event(NOW, "servicer_status_change", servicer_userid="li", status=1)
    del given["event"]["external_userid"]
    assert read(given).address.external_id == ""


def test_colleague_in_the_client_is_history_of_the_house() -> None:
    message = read(item(NOW, origin=5, servicer_userid="li", msgtype="text", text={"content": "您好"}))
    assert (message.history, message.data["servicer"], message.text) == ("house", "li", "您好")


def test_age_decides_what_is_answered() -> None:
    reading = Reading("kf", CORP, KFID, NOW - timedelta(days=2, hours=6), NOW)
    ages = {timedelta(0): "", timedelta(hours=47): "", timedelta(hours=49): "late", timedelta(hours=55): "before"}
    assert {age: read(item(NOW - age), reading).history for age in ages} == ages
    assert read(event(NOW - timedelta(hours=60), "enter_session"), reading).history == "before"
    assert read(event(NOW - timedelta(hours=60), "msg_send_fail", fail_msgid="f"), reading).history == ""


@pytest.mark.parametrize(
    "given",
    [
        {},
        item(NOW, "") | {"msgid": ""},
        item(NOW) | {"send_time": "soon"},
        item(NOW) | {"send_time": -1},
        item(NOW) | {"open_kfid": "wkAnother"},
        item(NOW) | {"external_userid": ""},
        item(NOW) | {"external_userid": "w" * 129},
        item(NOW, "m" * 129),
    ],
)
def test_what_cannot_be_placed_is_left_out(given: dict[str, Any]) -> None:
    assert read_item(READING, given) is None
