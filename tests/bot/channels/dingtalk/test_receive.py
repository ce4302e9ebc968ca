"""Whether a callback is authentic: robot, event, card."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from bot.channel import BadRequest, Forbidden
from bot.channels.dingtalk.receive import (
    CARD_SIGNATURE,
    CARD_TIMESTAMP,
    check_fresh,
    read_card,
    read_event,
    read_robot,
    seal_event_answer,
)
from bot.crypto import Envelope, hmac_sha256, sign_dingtalk
from bot.secret import NO_SECRET, Secret
from tests.bot.channels.dingtalk.made import make_settings

NOW = datetime(2026, 11, 20, tzinfo=UTC)
STAMP = str(int(NOW.timestamp() * 1000))
SETTINGS = make_settings()
ENVELOPE = Envelope(SETTINGS.event_token, SETTINGS.event_aes_key, SETTINGS.client_id)
SIGNED = {"timestamp": STAMP, "sign": sign_dingtalk(STAMP, SETTINGS.client_secret)}


@pytest.mark.parametrize("seconds", [-3600, 0, 3600])
def test_a_time_within_the_hour_is_fresh(seconds: int) -> None:
    check_fresh(STAMP, NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("stamp", ["", "x", "-5", "9" * 16, str(int(STAMP) - 3_600_001), str(int(STAMP) + 3_600_001)])
def test_any_other_time_is_forbidden(stamp: str) -> None:
    with pytest.raises(Forbidden):
        check_fresh(stamp, NOW)


def test_a_robot_message_needs_its_sign_and_the_right_robot() -> None:
    right = {"robotCode": SETTINGS.client_id, "a": 1}
    assert read_robot(SETTINGS, SIGNED, json.dumps(right).encode(), now=NOW) == right
    assert read_robot(SETTINGS, SIGNED, b"{}", now=NOW) == {}
    for headers in ({}, SIGNED | {"sign": ""}, SIGNED | {"sign": "签"}, SIGNED | {"timestamp": str(int(STAMP) + 1)}):
        with pytest.raises(Forbidden):
            read_robot(SETTINGS, headers, b"{}", now=NOW)
    for code in ("dingOTHER", "", None, 5):
        with pytest.raises(Forbidden):
            read_robot(SETTINGS, SIGNED, json.dumps({"robotCode": code}).encode(), now=NOW)


def test_a_bad_sign_is_forbidden_whatever_the_body_holds() -> None:
    with pytest.raises(Forbidden):
        read_robot(SETTINGS, SIGNED | {"sign": "x"}, b"nonsense", now=NOW)
    with pytest.raises(BadRequest):
        read_robot(SETTINGS, SIGNED, b"nonsense", now=NOW)


@pytest.mark.parametrize("name", ["msg_signature", "signature"])
def test_an_event_is_opened_by_either_name_of_its_signature(name: str) -> None:
    sealed = ENVELOPE.encrypt('{"EventType": "check_url"}')
    query = {"timestamp": STAMP, "nonce": "n", name: ENVELOPE.sign(STAMP, "n", sealed)}
    body = json.dumps({"encrypt": sealed}).encode()
    assert read_event(ENVELOPE, query, body, now=NOW)[0] == {"EventType": "check_url"}
    with pytest.raises(Forbidden):
        read_event(ENVELOPE, query | {"nonce": "m"}, body, now=NOW)
    for broken in (b"{}", b'{"encrypt": 5}', b"[]"):
        with pytest.raises(BadRequest):
            read_event(ENVELOPE, query, broken, now=NOW)


def test_the_answer_to_an_event_is_a_sealed_success() -> None:
    answer = json.loads(seal_event_answer(ENVELOPE, "n", NOW))
    opened = ENVELOPE.open(answer["msg_signature"], answer["timeStamp"], answer["nonce"], answer["encrypt"])
    assert (opened, answer["timeStamp"]) == (b"success", STAMP)


def test_a_card_press_needs_its_signature_and_a_secret_of_ours() -> None:
    headers = {CARD_TIMESTAMP: STAMP, CARD_SIGNATURE: hmac_sha256(SETTINGS.card_secret, STAMP)}
    assert read_card(SETTINGS, headers, b"{}", now=NOW) == {}
    open_door = {CARD_TIMESTAMP: STAMP, CARD_SIGNATURE: hmac_sha256(Secret(""), STAMP)}
    for settings, given in [
        (SETTINGS, {CARD_TIMESTAMP: STAMP}),
        (SETTINGS, {CARD_SIGNATURE: headers[CARD_SIGNATURE]}),
        (SETTINGS, open_door),
        (make_settings(card_secret=NO_SECRET), open_door),
    ]:
        with pytest.raises(Forbidden):
            read_card(settings, given, b"{}", now=NOW)
