"""How pushed fields are written."""

import json
from xml.etree import ElementTree

from bot.simulator.documents import Document, make_nonce, to_json, to_xml


def test_texts_are_cdata_numbers_are_bare_lists_repeat():
    xml = to_xml({"A": "你", "N": 1, "L": {"item": [{"X": "1"}, {"X": "2"}]}})
    assert (
        xml
        == "<xml><A><![CDATA[你]]></A><N>1</N><L><item><X><![CDATA[1]]></X></item><item><X><![CDATA[2]]></X></item></L></xml>"
    )
    assert ElementTree.fromstring(to_xml({"Content": "a]]>b <b>&"})).findtext("Content") == "a]]>b <b>&"


def test_the_xml_is_that_of_the_vectors(load_cases):
    case = next(case for case in load_cases("wechat_mp_inbound") if case["id"] == "WXI-002")
    fields = {
        "ToUserName": "gh_3b1f0c9d7e52",
        "FromUserName": "oQ7wXv0aBcDeFgHiJkLmNoPqRs1",
        "CreateTime": 1_795_161_600,
        "MsgType": "text",
        "Content": "hello",
        "MsgId": 24_100_000_000_000_002,
    }
    assert to_xml(fields) == case["plaintext"]


def test_json_keeps_numbers_and_letters():
    assert json.loads(to_json({"N": 24_100_000_000_000_001})) == {"N": 24_100_000_000_000_001}
    assert to_json({"A": "你", "N": 1}) == '{"A":"你","N":1}'


def test_a_document_is_xml_unless_it_says_so_and_its_nonce_is_that_of_the_query():
    nonce = make_nonce()
    assert (nonce.isdecimal(), len(nonce), nonce == make_nonce()) == (True, 10, False)
    document = Document({"nonce": nonce}, b"")
    assert (document.nonce, document.content_type) == (nonce, "text/xml")
