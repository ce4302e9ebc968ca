"""Passive replies, read as strictly as the platform does."""

import pytest

from bot.simulator.accounts import WeComCorp
from bot.simulator.documents import Document, to_xml
from bot.simulator.envelope import Envelope
from bot.simulator.replies import BrokenReply
from bot.simulator.wecom.documents import envelope_of
from bot.simulator.wecom.replies import card_text, parse, read_reply

CORP = WeComCorp()
ENVELOPE = envelope_of(CORP)
DOCUMENT = Document({"nonce": "7", "timestamp": "1795161600"}, b"")
PUSHED = {"FromUserName": "WangWu", "MsgType": "text"}
HEAD = {"ToUserName": "WangWu", "FromUserName": CORP.corp_id, "CreateTime": 1_795_161_600}


def sealed(fields: dict, *, nonce: str = "7", envelope: Envelope = ENVELOPE, **outer: str) -> bytes:
    encrypted = envelope.encrypt(to_xml({**HEAD, **fields}).encode())
    signature = envelope.sign("1795161600", nonce, encrypted)
    body = {"Encrypt": encrypted, "MsgSignature": signature, "TimeStamp": 1_795_161_600, "Nonce": nonce, **outer}
    return to_xml(body).encode()


def read(body: bytes, **pushed: str):
    return read_reply(ENVELOPE, DOCUMENT, PUSHED | pushed, body)


@pytest.mark.parametrize("body", [b"", b"success"])
def test_nothing_is_a_good_answer(body):
    assert read(body).is_empty


def test_a_text_arrives():
    reply = read(sealed({"MsgType": "text", "Content": "已收到"}))
    assert (reply.kind, reply.text, reply.complaints) == ("text", "已收到", ())


def test_the_reply_of_the_vectors_is_read(load_cases):
    case = next(case for case in load_cases("wecom_crypto") if case["id"] == "QYC-020")
    given, wanted = case["input"], case["expect"]
    envelope = Envelope(given["token"], given["encoding_aes_key"], given["receive_id"])
    body = {"Encrypt": wanted["encrypt"], "MsgSignature": wanted["msg_signature"]}
    body |= {"TimeStamp": given["timestamp"], "Nonce": given["nonce"]}
    document = Document({"nonce": given["nonce"]}, b"")
    assert read_reply(envelope, document, {"FromUserName": "zhangsan"}, to_xml(body).encode()).text == "已收到"


@pytest.mark.parametrize("number", range(1, 9))
def test_the_reply_shapes_of_the_vectors_are_read(load_cases, number):
    case = next(case for case in load_cases("replies") if case["id"] == f"REP-{number:03d}")
    inner = case["expect"]["xml_equivalent"]
    fields = parse(inner.encode())
    if fields["MsgType"] == "music":
        return  # not a reply of WeCom
    encrypted = Envelope(CORP.token, CORP.aes_key, "gh_3b1f0c9d7e52").encrypt(inner.encode())
    envelope = Envelope(CORP.token, CORP.aes_key, "gh_3b1f0c9d7e52")
    body = {"Encrypt": encrypted, "MsgSignature": envelope.sign("1", "7", encrypted), "TimeStamp": 1, "Nonce": "7"}
    pushed = {"FromUserName": fields["ToUserName"], "MsgType": "text"}
    assert read_reply(envelope, DOCUMENT, pushed, to_xml(body).encode()).kind == fields["MsgType"]


def test_a_long_text_is_cut_and_noted():
    reply = read(sealed({"MsgType": "text", "Content": "好" * 700}))
    assert len(reply.text) == 682
    assert "cut off" in reply.complaints[0]


def test_a_foreign_nonce_is_noted():
    assert read(sealed({"MsgType": "text", "Content": "好"}, nonce="8")).complaints


@pytest.mark.parametrize(
    "fields",
    [
        {"MsgType": "image", "Image": {"MediaId": "M"}},
        {"MsgType": "voice", "Voice": {"MediaId": "M"}},
        {"MsgType": "video", "Video": {"MediaId": "M", "Title": "t"}},
        {"MsgType": "news", "ArticleCount": 2, "Articles": {"item": [{"Title": "一"}, {"Title": "二"}]}},
        {"MsgType": "news", "ArticleCount": 1, "Articles": {"item": [{"Title": "一"}]}},
    ],
)
def test_every_type_is_taken(fields):
    assert read(sealed(fields)).kind == fields["MsgType"]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"MsgType": "update_button", "Button": {"ReplaceName": "已通过"}}, "已通过"),
        (
            {
                "MsgType": "update_template_card",
                "TemplateCard": {
                    "CardType": "button_interaction",
                    "MainTitle": {"Title": "审批", "Desc": "已通过"},
                    "HorizontalContentList": [{"KeyName": "人", "Value": "王"}, {"KeyName": "额", "Value": "1"}],
                },
            },
            "审批\n已通过\n人：王\n额：1",
        ),
    ],
)
def test_a_press_on_a_card_may_change_it(fields, text):
    assert read(sealed(fields), MsgType="event", Event="template_card_event").text == text
    with pytest.raises(BrokenReply):
        read(sealed(fields))


@pytest.mark.parametrize(
    "body",
    [
        b"ok",
        b"<html></html>",
        b"<xml><a/><a/></xml>",
        b'{"errcode":0}',
        b"<xml>\x01</xml>",
        to_xml({**HEAD, "MsgType": "text", "Content": "plain"}).encode(),
        to_xml({"Encrypt": "x", "MsgSignature": "y", "TimeStamp": 1, "Nonce": "7"}).encode(),
        to_xml({"Encrypt": "x"}).encode(),
        sealed({"MsgType": "text", "Content": "x"}, Nonce="9"),
        sealed({"MsgType": "text", "Content": ""}),
        sealed({"MsgType": "text"}),
        sealed({"MsgType": "music", "Music": {}}),
        sealed({"MsgType": "image", "Image": {}}),
        sealed({"MsgType": "text", "Content": "x", "ToUserName": "other"}),
        sealed({"MsgType": "text", "Content": "x", "FromUserName": "other"}),
        sealed({"MsgType": "text", "Content": "x", "CreateTime": "now"}),
        sealed({"MsgType": "news", "ArticleCount": 2, "Articles": {"item": [{"Title": "一"}]}}),
        sealed({"MsgType": "text", "Content": "x"}, envelope=Envelope(CORP.token, CORP.aes_key, "other")),
    ],
)
def test_anything_else_is_broken(body):
    with pytest.raises(BrokenReply):
        read(body)


def test_a_card_is_read_as_xml_and_as_json():
    assert card_text({"main_title": {"title": "甲"}, "sub_title_text": "乙"}) == "甲\n乙"
    assert card_text({"MainTitle": {"Title": "甲"}}) == "甲"
    assert card_text({"replace_name": "丙"}) == "丙"
    assert card_text({}) == ""
