"""The envelope of pushes, and the vectors of the callback, by the simulator's own code alone."""

from xml.etree import ElementTree

import pytest

from bot.simulator.accounts import WeComCorp
from bot.simulator.envelope import Envelope, EnvelopeError
from bot.simulator.wecom.documents import envelope_of, make_document, make_handshake

STAMP = 1_795_161_600.0


def test_the_vectors_are_sealed_and_opened(load_cases):
    checked = 0
    for case in load_cases("wecom_crypto"):
        if case["kind"] != "encrypt+decrypt":
            continue
        given, wanted = case["input"], case["expect"]
        envelope = Envelope(given["token"], given["encoding_aes_key"], given["receive_id"])
        sealed = envelope.encrypt(given["plaintext"].encode(), given["random16"].encode())
        assert sealed == wanted["encrypt"], case["id"]
        assert envelope.sign(given["timestamp"], given["nonce"], sealed) == wanted["msg_signature"], case["id"]
        assert envelope.decrypt(wanted["encrypt"]).decode() == given["plaintext"], case["id"]
        checked += 1
    assert checked == 4


def test_the_address_check_of_the_vectors_is_understood(load_cases):
    good, broken = (case for case in load_cases("wecom_crypto") if case["kind"] == "http")
    config = good["config"]
    envelope = Envelope(config["token"], config["encoding_aes_key"], config["corpid"])
    query = good["request"]["query"]
    assert envelope.sign(query["timestamp"], query["nonce"], query["echostr"]) == query["msg_signature"]
    assert envelope.decrypt(query["echostr"]).decode() == good["expect"]["body"]
    query = broken["request"]["query"]
    assert envelope.sign(query["timestamp"], query["nonce"], query["echostr"]) != query["msg_signature"]


def test_a_push_is_sealed_with_a_fresh_nonce_and_the_agent_outside():
    corp = WeComCorp()
    envelope = envelope_of(corp)
    fields = {"ToUserName": corp.corp_id, "MsgType": "text", "Content": "a]]>b", "AgentID": corp.agent_id}
    first, second = (make_document(envelope, fields, STAMP) for _ in range(2))
    assert first.nonce != second.nonce
    outer = ElementTree.fromstring(first.body)
    encrypted = outer.findtext("Encrypt")
    assert (outer.findtext("ToUserName"), outer.findtext("AgentID")) == (corp.corp_id, str(corp.agent_id))
    query = first.query
    assert envelope.sign(query["timestamp"], query["nonce"], encrypted) == query["msg_signature"]
    assert ElementTree.fromstring(envelope.decrypt(encrypted)).findtext("Content") == "a]]>b"
    with pytest.raises(EnvelopeError):
        Envelope(corp.kf_token, corp.kf_aes_key, corp.corp_id).decrypt(encrypted)


def test_an_event_of_nobody_has_no_agent_outside():
    document = make_document(envelope_of(WeComCorp()), {"MsgType": "event"}, STAMP)
    assert ElementTree.fromstring(document.body).find("AgentID") is None


def test_the_query_of_the_address_check():
    envelope = envelope_of(WeComCorp())
    query, expected = make_handshake(envelope, STAMP)
    assert envelope.decrypt(query["echostr"]) == expected
    assert envelope.sign(query["timestamp"], query["nonce"], query["echostr"]) == query["msg_signature"]
