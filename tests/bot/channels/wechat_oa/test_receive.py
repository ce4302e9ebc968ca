"""Whether a push is authentic, in each mode; the mode is that of the settings whatever the request says."""

from datetime import UTC, datetime

import pytest

from bot.channel import BadRequest, Forbidden
from bot.channels.wechat_oa.receive import read_document, verify_plain
from bot.crypto import Envelope, sign
from bot.secret import Secret
from tests.bot.channels.wechat_oa.made import make_settings

NOW = datetime(2026, 11, 20, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))
CLEAR = b"<xml><Content>forged</Content></xml>"
SETTINGS = make_settings()
ENVELOPE = Envelope(SETTINGS.token, SETTINGS.aes_key, SETTINGS.app_id)
SEALED = ENVELOPE.encrypt("<xml><Content>real</Content></xml>")


def query(**changes: str) -> dict[str, str]:
    signed = {"timestamp": STAMP, "nonce": "n", "signature": sign("scrmWxTok3n", STAMP, "n")}
    return signed | {"msg_signature": ENVELOPE.sign(STAMP, "n", SEALED)} | changes


def outer(*more: str) -> bytes:
    return f"<xml><Encrypt>{SEALED}</Encrypt>{''.join(more)}</xml>".encode()


def test_compatible_mode_uses_the_sealed_copy_only() -> None:
    document = read_document(SETTINGS, ENVELOPE, query(), outer("<Content>forged</Content>"))
    assert (document.tree, document.is_json, document.nonce) == ({"Content": "real"}, False, "n")


def test_json_is_told_by_the_body() -> None:
    sealed = ENVELOPE.encrypt('{"Content": "real"}')
    body = f'\ufeff {{"Encrypt": "{sealed}"}}'.encode()
    document = read_document(SETTINGS, ENVELOPE, query(msg_signature=ENVELOPE.sign(STAMP, "n", sealed)), body)
    assert (document.tree, document.is_json) == ({"Content": "real"}, True)


def test_no_downgrade_to_the_signature_that_does_not_cover_the_body() -> None:
    no_signature = query()
    del no_signature["msg_signature"]
    for asked, body in [(no_signature, outer()), (no_signature, CLEAR), (query(), CLEAR), (query(), b"{}")]:
        with pytest.raises(Forbidden):
            read_document(SETTINGS, ENVELOPE, asked, body)


def test_plain_mode_takes_the_three_part_signature_only() -> None:
    assert read_document(SETTINGS, None, query(), CLEAR).tree == {"Content": "forged"}
    with pytest.raises(Forbidden):
        read_document(SETTINGS, None, query(signature=""), CLEAR)


@pytest.mark.parametrize("body", [b'{"Encrypt": 5}', b"<xml><Encrypt><a/></Encrypt></xml>", b"", b"nonsense"])
def test_an_unreadable_envelope_is_bad(body: bytes) -> None:
    with pytest.raises(BadRequest):
        read_document(SETTINGS, ENVELOPE, query(), body)


def test_the_handshake_needs_the_right_token() -> None:
    verify_plain(SETTINGS, query())
    with pytest.raises(Forbidden):
        verify_plain(make_settings(token=Secret("other")), query())
    with pytest.raises(Forbidden):
        verify_plain(SETTINGS, {})
