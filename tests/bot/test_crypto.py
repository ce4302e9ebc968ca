"""Signatures and the AES envelope, by the given cases of the three platforms."""

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from bot.channel import BadRequest, Forbidden
from bot.crypto import Envelope, hmac_sha256, is_aes_key, is_same, sign, sign_dingtalk
from bot.secret import Secret

Case = dict[str, Any]
VECTORS = Path(__file__).parent.parent / "vectors"
FILES = ("wechat_mp_crypto.json", "wecom_crypto.json", "dingtalk_crypto.json")
ALL = [case for file in FILES for case in json.loads((VECTORS / file).read_text(encoding="utf-8"))["cases"]]
KEY = "c4crN4rmAPgu8Vhd1Eak08vfodesufGUcdygWa9aE5w"


def of_kind(kind: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [case for case in ALL if case["kind"] == kind], ids=lambda case: case["id"])


def envelope_of(given_: Case) -> Envelope:
    return Envelope(
        Secret(given_["token"]),
        Secret(given_["encoding_aes_key"]),
        given_["receive_id"],
        random=lambda _: given_["random16"].encode(),
    )


@pytest.fixture
def envelope() -> Envelope:
    return Envelope(Secret("scrmWxTok3n"), Secret(KEY), "wx9f3c1d2e4b5a6078")


@of_kind("signature")
def test_signature_is_that_of_the_platform(case: Case) -> None:
    asked = case["input"]
    assert sign(asked["token"], asked["timestamp"], asked["nonce"]) == case["expect"]["sha1"]


@of_kind("encrypt+decrypt")
def test_envelope_is_that_of_the_platform(case: Case) -> None:
    asked, expected = case["input"], case["expect"]
    envelope = envelope_of(asked)
    assert envelope.encrypt(asked["plaintext"]) == expected["encrypt"]
    assert envelope.sign(asked["timestamp"], asked["nonce"], expected["encrypt"]) == expected["msg_signature"]
    opened = envelope.open(expected["msg_signature"], asked["timestamp"], asked["nonce"], expected["encrypt"])
    assert opened.decode() == asked["plaintext"]


@of_kind("hmac")
def test_hmac_is_that_of_the_platform(case: Case) -> None:
    asked, expected = case["input"], case["expect"]
    if "api_secret" in asked:
        assert hmac_sha256(Secret(asked["api_secret"]), asked["header_timestamp"]) == expected["x-ddpaas-signature"]
        return
    made = sign_dingtalk(asked["timestamp_ms"], Secret(asked["secret"]))
    assert made == expected["sign_base64"]
    assert quote(made, safe="") == expected["sign_urlencoded"]


@of_kind("reply")
def test_sealed_reply_is_that_of_the_platform(case: Case) -> None:
    if "input" not in case:
        return
    asked = case["input"] | {
        "token": case["config"]["token"],
        "encoding_aes_key": case["config"]["encoding_aes_key"],
        "receive_id": case["config"]["appid"],
    }
    envelope = envelope_of(asked)
    assert envelope.encrypt(asked["plaintext"]) == case["expect"]["encrypt"]
    made = envelope.sign(asked["timestamp"], asked["nonce"], case["expect"]["encrypt"])
    assert made == case["expect"]["msg_signature"]


@given(st.text(), st.sampled_from(["", "wx1", "企业"]))
def test_what_is_sealed_can_be_opened(message: str, receive_id: str) -> None:
    envelope = Envelope(Secret("t"), Secret(KEY), receive_id)
    sealed = envelope.encrypt(message)
    assert envelope.open(envelope.sign("1", "2", sealed), "1", "2", sealed).decode() == message


def test_a_wrong_signature_is_forbidden_and_a_right_one_is_not(envelope: Envelope) -> None:
    sealed = envelope.encrypt("hi")
    right = envelope.sign("1", "2", sealed)
    assert envelope.open(right, "1", "2", sealed) == b"hi"
    for wrong in ("", right.upper(), right[:-1], "签" * 40, "\ud800", right + " "):
        with pytest.raises(Forbidden):
            envelope.open(wrong, "1", "2", sealed)


def test_a_message_for_another_account_is_forbidden(envelope: Envelope) -> None:
    other = Envelope(Secret("scrmWxTok3n"), Secret(KEY), "wx9f3c1d2e4b5a607")
    with pytest.raises(Forbidden):
        envelope.decrypt(other.encrypt("hi"))


def seal_frame(frame: bytes) -> str:
    key = base64.b64decode(KEY + "=")
    encryptor = Cipher(algorithms.AES256(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(encryptor.update(frame) + encryptor.finalize()).decode()


@pytest.mark.parametrize(
    "frame",
    [
        b"r" * 16 + b"\0\0\0\1" + b"x" * 11 + b"\0",
        b"r" * 16 + b"\0\0\0\1" + b"x" * 11 + b"\x21",
        b"r" * 16 + b"\0\0\0\1" + b"x" * 10 + b"\1\2",
        b"\x20" * 32,
        b"r" * 15 + b"\x11" * 17,
        b"r" * 16 + b"\x7f\xff\xff\xff" + b"x" * 11 + b"\1",
        b"r" * 16 + b"\xff\xff\xff\xff" + b"x" * 11 + b"\1",
    ],
    ids=["pad 0", "pad 33", "pad bytes differ", "only padding", "too short", "length", "length over 2 GiB"],
)
def test_a_broken_frame_is_bad(envelope: Envelope, frame: bytes) -> None:
    with pytest.raises(BadRequest):
        envelope.decrypt(seal_frame(frame))


@pytest.mark.parametrize("sealed", ["", "=", "AAAA", "A" * 43, "@@@@", "签名", "AAAA\nAAAA", "A" * 43 + "=" + "A"])
def test_broken_base64_is_bad(envelope: Envelope, sealed: str) -> None:
    with pytest.raises(BadRequest):
        envelope.decrypt(sealed)


@given(st.binary(max_size=200))
def test_any_ciphertext_ends_in_a_refusal(blob: bytes) -> None:
    envelope = Envelope(Secret("t"), Secret(KEY), "wx")
    with pytest.raises((BadRequest, Forbidden)):
        envelope.decrypt(base64.b64encode(blob).decode())
    with pytest.raises((BadRequest, Forbidden)):
        envelope.decrypt(blob.decode("latin-1"))


def test_signatures_are_compared_whatever_they_hold() -> None:
    assert is_same("a", "a")
    assert not is_same("é", "e")
    assert not is_same("\udcff", "a")


def test_a_key_is_43_letters_and_digits() -> None:
    assert is_aes_key(KEY)
    assert not is_aes_key(KEY[:-1])
    assert not is_aes_key(KEY[:-1] + "+")
