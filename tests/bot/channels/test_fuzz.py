"""Authentic nonsense: whatever an authentic body holds, it is read or refused."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.callback_document import check_fresh
from bot.channel import BadRequest, Forbidden
from bot.channels.dingtalk.messages import read_card_action, read_event_message, read_robot_message
from bot.channels.dingtalk.session_hosts import find_session_url
from bot.channels.wechat_oa.events import _EVENTS
from bot.channels.wechat_oa.messages import read_message
from bot.channels.wechat_oa.receive import read_document
from bot.crypto import Envelope
from bot.envelope_json import parse_object
from tests.bot.channels.dingtalk.made import make_settings as make_dingtalk_settings
from tests.bot.channels.nonsense import nests
from tests.bot.channels.wechat_oa.made import make_settings

NOW = datetime(2026, 11, 20, tzinfo=UTC)
STAMP = int(NOW.timestamp())
WECHAT, DINGTALK = make_settings(), make_dingtalk_settings()
ENVELOPE = Envelope(WECHAT.token, WECHAT.aes_key, WECHAT.app_id)
TYPES = ["text", "image", "voice", "video", "location", "link", "event", "file"]
NESTS = nests(["1795161600", "5", "qrscene_1"], ["item", "List", "Count", "PicList", "text", "richText", "downloadCode"])
WECHAT_FIELDS = ["MsgId", "Content", "MediaId", "Location_X", "EventKey", "MsgID", "Status", "ScanCodeInfo", "SendPicsInfo"]
WECHAT_FIELDS += ["SendLocationInfo", "ArticleUrlResult", "List", "SubscribeMsgPopupEvent", "PublishEventInfo", "TotalCount"]
ROBOT_FIELDS = ["msgId", "conversationId", "createAt", "senderId", "senderNick", "text", "content", "sessionWebhook"]
ROBOT_FIELDS += ["sessionWebhookExpiredTime", "errorCode", "isInAtList", "UserId", "TimeStamp", "outTrackId", "userId"]


@given(st.dictionaries(st.sampled_from(WECHAT_FIELDS), NESTS), st.sampled_from(TYPES), st.sampled_from([*_EVENTS, "new"]))
def test_any_authentic_wechat_document_is_read_or_refused(fields: dict[str, Any], kind: str, event: str) -> None:
    head = {"ToUserName": "gh", "FromUserName": "o1", "CreateTime": STAMP, "MsgType": kind, "Event": event}
    try:
        message = read_message("wechat", "wx1", parse_object(json.dumps(fields | head).encode()))
    except BadRequest:
        return
    assert message.key
    json.dumps(dict(message.data))


@given(
    st.dictionaries(st.sampled_from(ROBOT_FIELDS), NESTS),
    st.sampled_from(["text", "richText", "picture", "audio", "file", "x"]),
)
def test_any_authentic_dingtalk_body_is_read_or_refused(fields: dict[str, Any], kind: str) -> None:
    head = {"msgId": "m", "conversationId": "c", "conversationType": "1", "createAt": STAMP, "senderId": "s", "msgtype": kind}
    tree = parse_object(json.dumps(head | fields).encode())
    for read in (
        lambda: read_robot_message("d", DINGTALK, tree),
        lambda: read_event_message("d", DINGTALK, tree | {"EventType": "x"}, plain=b"", now=NOW),
        lambda: read_card_action("d", DINGTALK, tree, timestamp="1", now=NOW),
    ):
        try:
            message = read()
        except BadRequest:
            continue
        if message is not None:
            json.dumps(dict(message.data))


@given(
    st.dictionaries(st.sampled_from(["timestamp", "nonce", "signature", "msg_signature"]), st.text(max_size=20)), st.binary()
)
def test_any_unauthentic_request_is_refused(query: dict[str, str], body: bytes) -> None:
    for envelope in (ENVELOPE, None):
        try:
            check_fresh(query, NOW)
            read_document(WECHAT, envelope, query, body)
        except (Forbidden, BadRequest):
            continue
        raise AssertionError("an unauthentic request was read")


@given(
    st.text() | st.text(st.sampled_from("htps:/@.oapidngtlkcm#?[]\\%0"), max_size=40).map("https://oapi.dingtalk.com".__add__)
)
def test_any_address_is_judged(address: str) -> None:
    url = find_session_url(address, DINGTALK.session_hosts)
    assert url is None or (url.scheme == "https" and url.host in DINGTALK.session_hosts and url.port == 443)
