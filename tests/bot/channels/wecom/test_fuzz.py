"""Authentic nonsense: whatever a sealed document holds, it is read or refused."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.channel import BadRequest
from bot.channels.wecom.events import _EVENTS
from bot.channels.wecom.messages import read_message
from bot.envelope_json import parse_object
from tests.bot.channels.nonsense import nests

NESTS = nests(["1795161600", "5", "x" * 400], ["item", "Item", "Count", "PicList", "SelectedItem", "OpitonIds", "OptionId"])
FIELDS = ["MsgId", "Content", "MediaId", "Location_X", "EventKey", "AgentID", "ScanCodeInfo", "SendPicsInfo", "BatchJob"]
FIELDS += ["SendLocationInfo", "ChangeType", "UserID", "ExternalUserID", "State", "WelcomeCode", "TaskId", "SelectedItems"]
FIELDS += ["MemChangeList", "ChatId", "Id", "UpdateDetail", "Token", "OpenKfId", "NewUserID", "InfoType", "TimeStamp"]


@given(
    st.dictionaries(st.sampled_from(FIELDS), NESTS),
    st.sampled_from(["text", "image", "voice", "video", "location", "link", "event", "new"]),
    st.sampled_from([*_EVENTS, "new"]),
)
def test_any_authentic_document_is_read_or_refused(fields: dict[str, Any], kind: str, event: str) -> None:
    head = {"ToUserName": "ww", "FromUserName": "u1", "CreateTime": 1795161600, "MsgType": kind, "Event": event}
    try:
        message = read_message("wecom", "ww", parse_object(json.dumps(fields | head).encode()))
    except BadRequest:
        return
    assert 0 < len(message.key) <= 300
    assert len(message.address.external_id) <= 128
    json.dumps(dict(message.data))
