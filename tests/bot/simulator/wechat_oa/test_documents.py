"""Pushed documents: form, signature, modes."""

import json
from xml.etree import ElementTree

import pytest

from bot.simulator.accounts import WeChatAccount
from bot.simulator.envelope import signature
from bot.simulator.wechat_oa.documents import envelope_of, make_document, make_handshake

FIELDS = {
    "ToUserName": "gh_x",
    "FromUserName": "oA",
    "CreateTime": 1_795_161_600,
    "MsgType": "text",
    "Content": "a]]>b <b>&",
    "MsgId": 24_100_000_000_000_001,
}


@pytest.mark.parametrize("form", ["xml", "json"])
@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
def test_each_mode_carries_what_it_should(mode, form):
    account = WeChatAccount(mode=mode, format=form)
    document = make_document(account, FIELDS, 1_795_161_600.9, openid="oA")
    query = document.query
    assert query["signature"] == signature(account.token, query["timestamp"], query["nonce"])
    assert (query["timestamp"], query["openid"], document.nonce) == ("1795161600", "oA", query["nonce"])
    outer = read(form, document.body)
    assert ("Content" in outer) == (mode != "safe")
    assert ("Encrypt" in outer) == ("msg_signature" in query) == (query.get("encrypt_type") == "aes") == (mode != "plain")
    assert document.content_type == ("text/xml" if form == "xml" else "application/json")
    if mode != "plain":
        envelope = envelope_of(account)
        assert envelope.sign(query["timestamp"], query["nonce"], outer["Encrypt"]) == query["msg_signature"]
        assert read(form, envelope.decrypt(outer["Encrypt"]))["Content"] == FIELDS["Content"]


def test_json_keeps_numbers():
    document = make_document(WeChatAccount(mode="plain", format="json"), FIELDS, 1.0, openid="oA")
    assert json.loads(document.body) == FIELDS


def test_every_document_is_new():
    account = WeChatAccount(mode="plain")
    assert make_document(account, FIELDS, 1.0, openid="oA").nonce != make_document(account, FIELDS, 1.0, openid="oA").nonce


def test_the_handshake_is_signed():
    account = WeChatAccount()
    query, expected = make_handshake(account, 5.0)
    assert query["signature"] == signature(account.token, "5", query["nonce"])
    assert query["echostr"].isdecimal()
    assert query["echostr"].encode() == expected


def read(form: str, body: bytes) -> dict:
    return json.loads(body) if form == "json" else {child.tag: child.text for child in ElementTree.fromstring(body)}
