"""From a body to a message, what the given cases leave open."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.channel import BadRequest
from bot.channels.dingtalk.messages import read_card_action, read_event_message, read_robot_message
from crm_core.messages import InboundMessage, Kind
from tests.bot.channels.dingtalk.made import GROUP, STAFF, make_settings

AT = 1795161600000
NOW = datetime.fromtimestamp(AT / 1000, UTC)
SETTINGS = make_settings(session_hosts=("oapi.dingtalk.com",))


def body(**fields: Any) -> dict[str, Any]:
    return {
        "msgId": "m1",
        "conversationId": GROUP,
        "conversationType": 1,
        "createAt": AT,
        "senderStaffId": STAFF,
        "senderNick": "小钉",
        "sessionWebhook": "https://oapi.dingtalk.com/robot/sendBySession?session=s",
        "sessionWebhookExpiredTime": AT + 5_400_000,
        **fields,
    }


def read(**fields: Any) -> InboundMessage | None:
    return read_robot_message("dingtalk", SETTINGS, body(**fields))


def test_a_single_chat_has_no_conversation_in_its_address_and_a_group_has() -> None:
    single = read(msgtype="text", text={"content": "好"})
    group = read(msgtype="text", text={"content": "好"}, conversationType="2", isInAtList=True)
    assert single is not None
    assert group is not None
    assert (single.in_group, group.in_group, group.address.conversation) == (False, True, GROUP)
    assert (single.nickname, single.data["conversation_type"], group.data["conversation_type"]) == ("小钉", "single", "group")
    assert single.data["session_webhook_expires_at"] == datetime.fromtimestamp(AT / 1000 + 5400, UTC).isoformat()


@pytest.mark.parametrize("mark", [{}, {"isInAtList": False}, {"isInAtList": "true"}])
def test_group_talk_without_a_mention_is_nobodys_message(mark: dict[str, Any]) -> None:
    assert read(msgtype="text", text={"content": "好"}, conversationType="2", **mark) is None


@pytest.mark.parametrize(
    ("fields", "kind", "said", "data"),
    [
        ({"msgtype": "picture", "content": {"downloadCode": "D"}}, Kind.IMAGE, "", {"download_code": "D"}),
        ({"msgtype": "video", "content": {"downloadCode": "D", "duration": 3}}, Kind.VIDEO, "", {"download_codes": ["D"]}),
        ({"msgtype": "audio", "content": {"downloadCode": "D"}}, Kind.VOICE, "", {"download_code": "D"}),
        ({"msgtype": "richText", "content": {"richText": [{"downloadCode": "D"}]}}, Kind.IMAGE, "", {"download_codes": ["D"]}),
        ({"msgtype": "richText", "content": {"richText": [{"text": "\n好 "}]}}, Kind.TEXT, "好", {}),
        ({"msgtype": "unknownMsgType", "content": {"a": 1}}, Kind.OTHER, "", {"type": "unknownMsgType", "raw": {"a": 1}}),
    ],
)
def test_kinds_are_mapped(fields: dict[str, Any], kind: Kind, said: str, data: dict[str, object]) -> None:
    message = read(**fields)
    assert message is not None
    assert (message.kind, message.text) == (kind, said)
    assert data.items() <= dict(message.data).items()


@pytest.mark.parametrize(
    "fields",
    [
        {"msgtype": "text"},
        {"msgtype": "text", "text": "x"},
        {"msgtype": "text", "text": {}},
        {"msgtype": "richText", "content": {"richText": "x"}},
        {"msgtype": "richText", "content": {"richText": [5]}},
        {"msgtype": "picture", "content": {}},
        {"msgtype": "picture", "content": "x"},
        {"text": {"content": "好"}},
        *({"msgtype": "text", "text": {"content": "好"}, name: None} for name in ("msgId", "conversationId", "createAt")),
        {"msgtype": "text", "text": {"content": "好"}, "senderStaffId": None},
        {"msgtype": "text", "text": {"content": "好"}, "conversationType": "3"},
    ],
)
def test_a_body_that_lacks_something_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        read(**fields)


def test_an_event_is_known_by_its_id_or_its_text() -> None:
    tree = {"EventType": "user_leave_org", "TimeStamp": str(AT), "UserId": ["u1", "u2"]}
    first = read_event_message("dingtalk", SETTINGS, tree, plain=b"a", now=NOW)
    again = read_event_message("dingtalk", SETTINGS, tree, plain=b"a", now=NOW)
    other = read_event_message("dingtalk", SETTINGS, tree, plain=b"b", now=NOW)
    named = read_event_message("dingtalk", SETTINGS, tree | {"EventId": "e1"}, plain=b"a", now=NOW)
    assert first.key == again.key != other.key
    assert named.key == "dingtalk:dingq7x2m4n8v1c3z5kd:evt:e1"
    assert (first.kind, first.event, first.address.external_id) == (Kind.EVENT, "user_leave_org", "u1")
    nobody = read_event_message("dingtalk", SETTINGS, {"EventType": "org_change"}, plain=b"", now=NOW)
    assert (nobody.address.external_id, nobody.at) == ("sys", NOW)


def test_a_press_on_a_card_is_an_event_of_its_person() -> None:
    content = json.dumps({"cardPrivateData": {"actionIds": ["ok"], "params": {"reason": "同意"}}})
    tree = {"type": "actionCallback", "outTrackId": "t1", "userId": STAFF, "content": content}
    press = read_card_action("dingtalk", SETTINGS, tree, timestamp=str(AT), now=NOW)
    later = read_card_action("dingtalk", SETTINGS, tree, timestamp=str(AT + 1), now=NOW)
    assert (press.event, press.address.external_id, press.data["out_track_id"]) == ("card_action", STAFF, "t1")
    assert json.loads(str(press.data["params"])) == {"reason": "同意"}
    assert press.key != later.key
    for wrong in ({"outTrackId": ""}, {"userId": None}, {"content": "{"}, {"content": 5}):
        with pytest.raises(BadRequest):
            read_card_action("dingtalk", SETTINGS, tree | wrong, timestamp="1", now=NOW)


def test_nobody_writes_under_the_address_of_a_groups_robot() -> None:
    with pytest.raises(BadRequest):
        read(msgtype="text", text={"content": "好"}, senderStaffId="robot:sales")
