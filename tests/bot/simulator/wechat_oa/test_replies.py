"""How the platform reads answers."""

import json

import pytest

from bot.simulator.accounts import WeChatAccount
from bot.simulator.documents import to_json, to_xml
from bot.simulator.replies import BrokenReply
from bot.simulator.wechat_oa.documents import envelope_of, make_document
from bot.simulator.wechat_oa.replies import read_reply

PUSHED = {"ToUserName": "gh_3b1f0c9d7e52", "FromUserName": "oQ7wXv0aBcDeFgHiJkLmNoPqRs1", "MsgType": "text"}
GOOD = {
    "ToUserName": PUSHED["FromUserName"],
    "FromUserName": PUSHED["ToUserName"],
    "CreateTime": 1_795_161_600,
    "MsgType": "text",
    "Content": "收到😀",
}


def account(mode: str = "plain", form: str = "xml") -> WeChatAccount:
    return WeChatAccount(original_id="gh_3b1f0c9d7e52", mode=mode, format=form)


def read(body: bytes | str, who: WeChatAccount | None = None, pushed: dict | None = None):
    who = who or account()
    document = make_document(who, PUSHED, 1.0, openid="o")
    return read_reply(who, document, pushed or PUSHED, body.encode() if isinstance(body, str) else body)


def test_every_reply_of_the_vectors_is_understood(load_cases):
    cases = [case for case in load_cases("replies") if case["kind"] == "reply-xml"]
    assert len(cases) >= 9
    for case in cases:
        reply = read(case["expect"]["xml_equivalent"])
        assert reply.kind == case["input"]["type"], case["id"]
        if reply.kind == "text" and case["id"] != "REP-003":
            assert reply.text == case["input"]["content"], case["id"]


@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
@pytest.mark.parametrize("body", [b"", b"success"])
def test_nothing_is_a_good_answer_in_every_mode(mode, body):
    assert read(body, account(mode)).is_empty


def seal(who: WeChatAccount, nonce: str, fields: dict, **changes: str) -> str:
    write = to_json if who.format == "json" else to_xml
    envelope = envelope_of(who)
    encrypted = envelope.encrypt(write(fields).encode())
    sign = envelope.sign("1795161600", nonce, encrypted)
    outer = {"Encrypt": encrypted, "MsgSignature": sign, "TimeStamp": 1_795_161_600, "Nonce": nonce, **changes}
    return write(outer)


@pytest.mark.parametrize("form", ["xml", "json"])
@pytest.mark.parametrize("mode", ["compatible", "safe"])
def test_encrypted_replies_are_opened(mode, form):
    who = account(mode, form)
    document = make_document(who, PUSHED, 1.0, openid="o")
    reply = read_reply(who, document, PUSHED, seal(who, document.nonce, GOOD).encode())
    assert (reply.text, reply.complaints) == ("收到😀", ())
    other = read_reply(who, document, PUSHED, seal(who, "other", GOOD).encode())
    assert other.complaints == ("the reply's nonce is not the request's",)


def test_clear_replies_hold_in_compatible_mode_and_break_in_safe_mode():
    assert read(to_xml(GOOD), account("compatible")).text == "收到😀"
    with pytest.raises(BrokenReply, match="has to be encrypted"):
        read(to_xml(GOOD), account("safe"))


def test_broken_envelopes():
    who = account("safe")
    with pytest.raises(BrokenReply, match="wrong MsgSignature"):
        read(seal(who, "n", GOOD, MsgSignature="0" * 40), who)
    with pytest.raises(BrokenReply, match="missing MsgSignature"):
        read("<xml><Encrypt>x</Encrypt></xml>", who)
    stranger = WeChatAccount(app_id="wx0000", mode="safe")
    with pytest.raises(BrokenReply, match="wrong receiver"):
        read(seal(stranger, "n", GOOD), who)
    with pytest.raises(BrokenReply, match="plain mode"):
        read(seal(who, "n", GOOD), account("plain"))


@pytest.mark.parametrize(
    "body",
    [
        "ok",
        "success ",
        "<xml>",
        "<html></html>",
        to_xml({**GOOD, "MsgType": "dance"}),
        to_xml({**GOOD, "ToUserName": "somebody"}),
        to_xml({**GOOD, "FromUserName": "gh_other"}),
        to_xml({**GOOD, "CreateTime": "today"}),
        to_xml({**GOOD, "Content": ""}),
        to_xml({**GOOD, "Content": "长" * 683}),
        to_xml({key: value for key, value in GOOD.items() if key != "Content"}),
        to_xml(GOOD).replace("</xml>", "<Content>two</Content></xml>"),
        to_xml({**GOOD, "MsgType": "image", "Image": {"Other": "x"}}),
        to_xml({**GOOD, "MsgType": "news", "ArticleCount": 2, "Articles": {"item": [{"Title": "t"}]}}),
        b"\xff\xfe",
    ],
)
def test_what_makes_the_platform_show_its_excuse(body):
    assert read(to_xml(GOOD)).kind == "text"
    with pytest.raises(BrokenReply):
        read(body)


def test_json_replies():
    who = account(form="json")
    assert read(json.dumps(GOOD), who).text == "收到😀"
    for body in ("[]", "{", to_xml(GOOD)):
        with pytest.raises(BrokenReply):
            read(body, who)


def test_a_second_article_is_not_shown_after_a_text():
    news = {**GOOD, "MsgType": "news", "ArticleCount": 2, "Articles": {"item": [{"Title": "一"}, {"Title": "二"}]}}
    assert read(to_xml(news)).text == "一"
    assert read(to_xml(news)).complaints == ("more articles than are shown",)
    event = {**PUSHED, "MsgType": "event"}
    assert read(to_xml(news), pushed=event).text == "一\n二"
