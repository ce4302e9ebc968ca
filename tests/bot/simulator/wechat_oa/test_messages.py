"""The vocabulary is that of the published samples."""

from xml.etree import ElementTree

import pytest

from bot.simulator.documents import to_xml
from bot.simulator.wechat_oa import messages

MADE = {
    "text": messages.text("你好", "101"),
    "image": messages.image("M", "http://p"),
    "voice": messages.voice("M", "语音"),
    "video": messages.video("M", "T"),
    "location": messages.location(23.134521, 113.358803, "广州"),
    "link": messages.link("t", "d", "u"),
    "subscribe": messages.subscribe("123", "T"),
    "unsubscribe": messages.unsubscribe(),
    "SCAN": messages.scan("123", "T"),
    "LOCATION": messages.report_location(23.1, 113.3),
    "CLICK": messages.click("K"),
    "VIEW": messages.view("https://example.com", 5),
    "scancode_waitmsg": messages.scancode("K", "R", waiting=True),
    "TEMPLATESENDJOBFINISH": messages.template_finished(1, "failed:user block"),
    "MASSSENDJOBFINISH": messages.mass_finished(1, total=3, sent=2, failed=1),
    "subscribe_msg_popup_event": messages.subscribe_popup({"T1": "accept", "T2": "reject"}),
    "subscribe_msg_sent_event": messages.subscribe_sent("T1", "9"),
}


def names(element: ElementTree.Element) -> set[str]:
    return {child.tag for child in element}


@pytest.mark.parametrize("kind", MADE)
def test_fields_are_those_of_the_vectors(load_cases, kind):
    published = [
        names(root)
        for case in load_cases("wechat_mp_inbound")
        if isinstance(case.get("plaintext"), str) and case["plaintext"].startswith("<xml>")
        for root in [parse(case["plaintext"])]
        if root is not None and kind in (root.findtext("MsgType"), root.findtext("Event"))
    ]
    assert published
    made = names(ElementTree.fromstring(to_xml(MADE[kind])))
    head = {"ToUserName", "FromUserName", "CreateTime", "MsgId"}
    assert any(made >= sample - head - {"MenuId", "bizmsgmenuid"} for sample in published), published


def parse(text: str) -> ElementTree.Element | None:
    try:
        return ElementTree.fromstring(text)
    except ElementTree.ParseError:  # some vectors hold control characters
        return None


def test_kinds_that_have_no_vector():
    assert messages.video("M", "T", short=True)["MsgType"] == "shortvideo"
    assert messages.view_miniprogram("p")["Event"] == "view_miniprogram"
    assert messages.scancode("K", "R")["Event"] == "scancode_push"
    assert messages.pictures("K", ["a"])["SendPicsInfo"] == {"Count": 1, "PicList": {"item": [{"PicMd5Sum": "a"}]}}
    assert messages.location_select("K", "23", "113", "广州")["SendLocationInfo"]["Label"] == "广州"
    assert messages.subscribe_change("T1")["SubscribeMsgChangeEvent"]["List"][0]["SubscribeStatusString"] == "reject"
    assert messages.publish_finished("1", "a", "u")["Event"] == "FREEPUBLISHJOBFINISH"
    assert messages.subscribe()["EventKey"] == ""
