"""Callbacks of WeChat and WeCom: their time, their format, their sealed part."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.callback_document import check_fresh, open_document, parse_document
from bot.channel import BadRequest, Forbidden
from bot.crypto import Envelope
from bot.secret import Secret

NOW = datetime(2026, 11, 20, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))
ENVELOPE = Envelope(Secret("token"), Secret("c4crN4rmAPgu8Vhd1Eak08vfodesufGUcdygWa9aE5w"), "ww1")
SEALED = ENVELOPE.encrypt("<xml><Content>real</Content></xml>")
SIGNED = {"timestamp": STAMP, "nonce": "n", "msg_signature": ENVELOPE.sign(STAMP, "n", SEALED)}


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_a_time_within_five_minutes_is_fresh(seconds: int) -> None:
    check_fresh({"timestamp": STAMP}, NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("stamp", ["", "12x", "-1", "١٢", "9" * 13, str(int(STAMP) - 301), str(int(STAMP) + 301)])
def test_any_other_time_is_forbidden(stamp: str) -> None:
    with pytest.raises(Forbidden):
        check_fresh({"timestamp": stamp}, NOW)


@pytest.mark.parametrize("body", [b"<xml><A>1</A></xml>", b'{"A": "1"}', b'\xef\xbb\xbf \r\n{"A": "1"}'])
def test_the_body_says_its_format(body: bytes) -> None:
    document = parse_document(body, "n")
    assert (document.tree, document.is_json, document.nonce) == ({"A": "1"}, b"{" in body, "n")


def test_only_the_sealed_part_is_believed_and_only_under_the_names_allowed() -> None:
    clear = f"<xml><Encrypt>{SEALED}</Encrypt><Content>forged</Content></xml>".encode()
    assert open_document(ENVELOPE, SIGNED, clear).tree == {"Content": "real"}
    small = f'{{"encrypt": "{SEALED}"}}'.encode()
    assert open_document(ENVELOPE, SIGNED, small, names=("Encrypt", "encrypt")).tree == {"Content": "real"}
    with pytest.raises(Forbidden):
        open_document(ENVELOPE, SIGNED, small)


def test_what_is_unsigned_or_unreadable_is_refused() -> None:
    body = f"<xml><Encrypt>{SEALED}</Encrypt></xml>".encode()
    for query, sent in [({}, body), (SIGNED | {"msg_signature": "x"}, body), (SIGNED, b"{}")]:
        with pytest.raises(Forbidden):
            open_document(ENVELOPE, query, sent)
    with pytest.raises(BadRequest):
        open_document(ENVELOPE, SIGNED, b'{"Encrypt": 5}')
