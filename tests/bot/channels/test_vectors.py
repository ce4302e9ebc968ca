"""Every given inbound case of WeChat and DingTalk over HTTP, the hostile ones included, through the real gateway."""

import json
import time
from typing import Any

import pytest

from bot.crypto import Envelope, sign_dingtalk
from bot.httpclient import HttpClient
from bot.secret import Secret
from crm_core.messages import InboundMessage, Kind
from tests.bot.channels.through_gateway import ServeThrough, ask
from tests.bot.channels.vectors import Case, case_id, cases, channel_of, clock_of

INBOUND = [
    *cases("wechat_mp_inbound.json"),
    *cases("wechat_mp_crypto.json", "http"),
    *cases("dingtalk_inbound.json", "inbound"),
    *cases("dingtalk_crypto.json", "http"),
    *cases("wecom_inbound.json", "inbound"),
    *[case for case in cases("wecom_crypto.json", "http") if case["expect"]["status"] == 200],
]
HOSTILE = [
    *cases("hostile.json", "hostile", platform="wechat_mp"),
    *cases("hostile.json", "hostile", platform="dingtalk"),
    *cases("hostile.json", "hostile", platform="wecom"),
    *[case for case in cases("wecom_crypto.json", "http") if case["expect"]["status"] != 200],
]
SEQUENCES = [
    *cases("hostile.json", "hostile-sequence", platform="wechat_mp"),
    *cases("hostile.json", "hostile-sequence", platform="dingtalk"),
    *cases("hostile.json", "hostile-sequence", platform="wecom"),
]
KINDS = {
    "image": Kind.IMAGE,
    "text": Kind.TEXT,
    "voice": Kind.VOICE,
    "video": Kind.VIDEO,
    "location": Kind.LOCATION,
    "link": Kind.LINK,
    "richText": Kind.TEXT,
    "audio": Kind.VOICE,
}


def told(message: InboundMessage) -> dict[str, object]:
    """Say a message in the words of the cases."""
    data = dict(message.data)
    raw = data.get("raw")
    return (
        {"from_user": message.address.external_id}
        | data
        | {
            "kind": "event" if message.kind is Kind.EVENT else "message",
            "create_time": int(message.at.timestamp()),
            "create_at_ms": int(message.at.timestamp() * 1000),
            "msg_id": message.external_id or None,
            "content": message.text,
            "content_verbatim": message.text,
            "recognition": message.text,
            "key": data.get("event_key"),
            "scene": data.get("scene"),
            "unknown": message.kind is Kind.OTHER and bool(raw),
            "chat": data.get("conversation_type"),
            "at_bot": message.in_group,
            "error_code": data.get("error_code"),
        }
    )


def check_told(message: InboundMessage, expected: dict[str, Any]) -> None:
    said = told(message)
    unsaid = {"platform", "to_user", "type", "content_raw", "texts", "sender_staff_id", "action"}
    for name in expected.keys() - unsaid:
        if name == "content" and expected[name] is None:
            assert message.kind is Kind.OTHER
        elif name == "items":
            assert [{key: item[key] for key in wanted} for item, wanted in zip(said["items"], expected["items"], strict=True)]
        else:
            assert said[name] == expected[name], name
    if message.kind is Kind.EVENT:
        assert message.event == expected.get("type", message.event)
    elif message.kind is not Kind.OTHER and expected["type"] in KINDS:
        assert message.kind is KINDS[expected["type"]]
    if expected.get("sender_staff_id"):
        assert message.address.external_id == expected["sender_staff_id"]
    if "texts" in expected:
        assert message.text == "".join(expected["texts"]).strip()


@pytest.mark.parametrize("case", INBOUND, ids=case_id)
async def test_genuine_request_is_stored_and_answered(case: Case, through: ServeThrough, http: HttpClient) -> None:
    served = await through(channel_of(case, clock_of(case), http))
    status, body, headers = await ask(served.url, case["request"])
    expected = case["expect"]
    assert status == expected["status"]
    assert len(served.messages) == expected["stored"]
    if "body" in expected:
        assert body.decode() == expected["body"]
    if "body_one_of" in expected:
        assert body.decode() in expected["body_one_of"]
    if "dedupe_key" in expected and case["platform"] == "wecom":
        assert [message.key for message in served.messages] == [expected["dedupe_key"]]
    if "header_present" in expected:
        assert expected["header_present"] in headers
    if "content_type_prefix" in expected:
        assert headers["Content-Type"].startswith(expected["content_type_prefix"])
    if "reply_plaintext" in expected:
        check_sealed(case, json.loads(body))
    for message in served.messages:
        check_told(message, expected["parsed"])
        assert message.key == expected.get("dedupe_key", message.key)


def check_sealed(case: Case, answer: dict[str, str]) -> None:
    config = case["config"]
    envelope = Envelope(Secret(config["event_token"]), Secret(config["event_aes_key"]), config["app_key"])
    plain = envelope.open(answer["msg_signature"], answer["timeStamp"], answer["nonce"], answer["encrypt"])
    assert plain.decode() == case["expect"]["reply_plaintext"]
    assert set(answer) == set(case["expect"].get("reply_fields", answer))


@pytest.mark.parametrize("case", HOSTILE, ids=case_id)
async def test_hostile_request_gets_the_expected_answer(case: Case, through: ServeThrough, http: HttpClient) -> None:
    served = await through(channel_of(case, clock_of(case), http))
    began = time.monotonic()
    status, _, _ = await ask(served.url, case["request"])
    expected = case["expect"]
    assert status in [expected["status"], *expected.get("status_alternatives", [])]
    assert time.monotonic() - began < expected.get("max_seconds", 5)
    assert len(served.messages) == expected["stored"]
    if "parsed_content" in expected:
        assert served.messages[0].text == expected["parsed_content"]
    if expected.get("no_network") or expected.get("reply_channel") == "openapi":
        assert all("session_webhook" not in message.data or case["id"] == "HOS-089" for message in served.messages)


@pytest.mark.parametrize("case", SEQUENCES, ids=case_id)
async def test_repeats_are_known_and_strangers_are_new(case: Case, through: ServeThrough, http: HttpClient) -> None:
    served = await through(channel_of(case, clock_of(case), http))
    statuses = [(await ask(served.url, request))[0] for request in case["requests"]]
    assert statuses == case["expect"]["statuses"]
    assert len(served.messages) == case["expect"]["stored"]


async def test_a_wrong_method_is_405(through: ServeThrough, http: HttpClient) -> None:
    for case in (cases("wechat_mp_inbound.json")[0], cases("dingtalk_inbound.json", "inbound")[0]):
        served = await through(channel_of(case, clock_of(case), http))
        assert (await ask(served.url, case["request"] | {"method": "PUT"}))[0] == 405
    assert (await ask(served.url, case["request"] | {"method": "GET"}))[0] == 405
    assert sign_dingtalk("1", Secret("x"))
