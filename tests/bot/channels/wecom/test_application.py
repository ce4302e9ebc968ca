"""Callbacks of an application: verification, sealed messages and answers, refusals, forms of every event."""

import json

import pytest
from aiohttp.test_utils import make_mocked_request

from bot.channel import BadRequest, Forbidden, Received
from bot.channels.wecom import WeCom
from bot.channels.wecom.answers import UPDATE_BUTTON, UPDATE_CARD, reply_fields
from bot.crypto import Envelope
from bot.envelope_xml import parse_xml
from bot.httpclient import HttpClient
from bot.secret import Secret
from crm_core.messages import PRESS, Article, Body, InboundMessage, Kind, mark_of
from tests.bot.channels.wecom.made import AES_KEY, AGENT, CORP, TOKEN, make_application, seal
from tests.fakes import FakeClock


@pytest.fixture
def application(http: HttpClient, clock: FakeClock) -> WeCom:
    return make_application(http, clock)


async def push(application: WeCom, clock: FakeClock, inner: str, **how: object) -> Received:
    query, body = seal(clock, inner, **how)  # type: ignore[arg-type]
    pairs = "&".join(f"{name}={value}" for name, value in query.items())
    return await application.receive(make_mocked_request("POST", f"/hook/wecom?{pairs}"), body)


def event(name: str, more: str = "", *, sender: str = "zhangsan", agent: str = f"<AgentID>{AGENT}</AgentID>") -> str:
    return (
        f"<xml><ToUserName>{CORP}</ToUserName><FromUserName>{sender}</FromUserName><CreateTime>1795161600</CreateTime>"
        f"<MsgType>event</MsgType><Event>{name}</Event>{more}{agent}</xml>"
    )


async def one(application: WeCom, clock: FakeClock, inner: str) -> InboundMessage:
    (message,) = (await push(application, clock, inner)).messages
    return message


async def test_verification_is_answered_bare_and_in_a_second(application: WeCom, clock: FakeClock) -> None:
    envelope = Envelope(Secret(TOKEN), Secret(AES_KEY), CORP)
    encrypted, stamp = envelope.encrypt("1234567890"), str(int(clock.now().timestamp()))
    escaped = encrypted.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    head = f"/hook/wecom?timestamp={stamp}&nonce=n&msg_signature={envelope.sign(stamp, 'n', encrypted)}"
    received = await application.receive(make_mocked_request("GET", f"{head}&echostr={escaped}"), b"")
    assert received.handshake is not None
    assert received.handshake.text == "1234567890"
    assert received.reply_deadline is not None
    assert received.reply_deadline.total_seconds() == 1
    with pytest.raises(BadRequest):
        await application.receive(make_mocked_request("GET", head), b"")


async def test_what_is_not_authentic_is_refused(application: WeCom, clock: FakeClock) -> None:
    inner = event("enter_agent")
    for how in ({"late": 301}, {"late": -301}, {"corp": "ww-other"}):
        with pytest.raises(Forbidden):
            await push(application, clock, inner, **how)
    query, body = seal(clock, inner)
    for missing in query:
        pairs = "&".join(f"{name}={value}" for name, value in query.items() if name != missing)
        with pytest.raises(Forbidden):
            await application.receive(make_mocked_request("POST", f"/hook/wecom?{pairs}"), body)
    pairs = "&".join(f"{name}={value}" for name, value in query.items())
    with pytest.raises(Forbidden):
        await application.receive(make_mocked_request("POST", f"/hook/wecom?{pairs}"), inner.encode())


async def test_authentic_nonsense_is_a_bad_request(application: WeCom, clock: FakeClock) -> None:
    for inner in ("no xml", "<xml></xml>", event(""), f"<xml><ToUserName>{CORP}</ToUserName><MsgType>text</MsgType></xml>"):
        with pytest.raises(BadRequest):
            await push(application, clock, inner)


FOREIGN = {
    "another corporation": {"corp": "ww0000000000000000"},
    "another application": {"agent": "<AgentID>1000002</AgentID>"},
    "a nested one": {"agent": "<AgentID><a>1</a></AgentID>"},
}


@pytest.mark.parametrize("how", FOREIGN)
async def test_what_is_meant_for_others_is_refused_and_what_names_nobody_is_not(
    application: WeCom, clock: FakeClock, how: str
) -> None:
    """The callback keys of one corporation may be the same for several applications."""
    said = "<Content>你好</Content><MsgId>7</MsgId>"
    text = event("", said).replace("<MsgType>event", "<MsgType>text").replace("<Event></Event>", "")
    contact = "<ChangeType>del_follow_user</ChangeType><UserID>li</UserID><ExternalUserID>wmX</ExternalUserID>"
    change = FOREIGN[how]
    for inner in (text, event("enter_agent"), event("change_external_contact", contact, sender="sys")):
        assert (await one(application, clock, inner)).data["agent_id"] == AGENT
        foreign = inner.replace(CORP, change.get("corp", CORP))
        foreign = foreign.replace(f"<AgentID>{AGENT}</AgentID>", change.get("agent", f"<AgentID>{AGENT}</AgentID>"))
        with pytest.raises(BadRequest if how == "a nested one" else Forbidden):
            await push(application, clock, foreign)
    for nobody in ("", "<AgentID></AgentID>"):
        inner = event("change_external_contact", contact, sender="sys", agent=nobody)
        assert (await one(application, clock, inner)).data["agent_id"] is None


async def test_a_number_in_json_is_compared_too(application: WeCom, clock: FakeClock) -> None:
    fields = {"ToUserName": CORP, "FromUserName": "zhangsan", "CreateTime": 1795161600, "MsgType": "event", "Event": "view"}
    assert (await one(application, clock, json.dumps(fields | {"AgentID": AGENT}))).data["agent_id"] == AGENT
    with pytest.raises(Forbidden):
        await push(application, clock, json.dumps(fields | {"AgentID": AGENT + 1}))


EVENTS = {
    "enter_agent": "<EventKey></EventKey>",
    "click": "<EventKey>K</EventKey>",
    "view": "<EventKey>https://e.com</EventKey>",
    "scancode_push": "<EventKey>K</EventKey><ScanCodeInfo><ScanType>qrcode</ScanType><ScanResult>1</ScanResult></ScanCodeInfo>",
    "scancode_waitmsg": "<ScanCodeInfo><ScanType>qrcode</ScanType><ScanResult>1</ScanResult></ScanCodeInfo>",
    "pic_sysphoto": "<SendPicsInfo><Count>1</Count><PicList><item><PicMd5Sum>m</PicMd5Sum></item></PicList></SendPicsInfo>",
    "pic_photo_or_album": "<SendPicsInfo><Count>0</Count><PicList></PicList></SendPicsInfo>",
    "pic_weixin": "<SendPicsInfo><Count>0</Count></SendPicsInfo>",
    "location_select": "<SendLocationInfo><Location_X>23</Location_X><Location_Y>113</Location_Y></SendLocationInfo>",
    "LOCATION": "<Latitude>23.1</Latitude><Longitude>113.3</Longitude><Precision>65</Precision>",
    "batch_job_result": "<BatchJob><JobId>j</JobId><JobType>sync_user</JobType><ErrCode>0</ErrCode></BatchJob>",
    "change_contact": "<ChangeType>update_user</ChangeType><UserID>a</UserID><NewUserID>b</NewUserID>",
    "change_external_chat": "<ChangeType>update</ChangeType><ChatId>c</ChatId><UpdateDetail>add_member</UpdateDetail>"
    "<MemChangeList><Item>x</Item><Item>y</Item></MemChangeList>",
    "change_external_tag": "<ChangeType>create</ChangeType><Id>t</Id><TagType>tag</TagType>",
    "open_approval_change": "<ApprovalInfo><ThirdNo>1</ThirdNo></ApprovalInfo>",
}


@pytest.mark.parametrize("name", EVENTS)
async def test_every_event_is_read(application: WeCom, clock: FakeClock, name: str) -> None:
    message = await one(application, clock, event(name, EVENTS[name]))
    assert (message.kind, message.event, message.about_customer) == (Kind.EVENT, name.lower(), False)
    assert message.data["agent_id"] == AGENT
    assert message.key.startswith(f"wecom:{CORP}:{AGENT}:evt:zhangsan:1795161600:{name.lower()}")


async def test_system_events_of_one_second_differ_in_what_they_are_about(application: WeCom, clock: FakeClock) -> None:
    told = [
        "<ChangeType>update</ChangeType><ChatId>c</ChatId><UpdateDetail>add_member</UpdateDetail>",
        "<ChangeType>update</ChangeType><ChatId>c</ChatId><UpdateDetail>change_name</UpdateDetail>",
        "<ChangeType>update</ChangeType><ChatId>d</ChatId><UpdateDetail>change_name</UpdateDetail>",
    ]
    keys = {(await one(application, clock, event("change_external_chat", each, sender="sys", agent=""))).key for each in told}
    tags = [f"<ChangeType>delete</ChangeType><Id>{n}</Id><TagType>tag</TagType>" for n in (1, 2)]
    keys |= {(await one(application, clock, event("change_external_tag", each, sender="sys", agent=""))).key for each in tags}
    assert len(keys) == 5


async def test_a_long_key_is_cut_and_still_its_own(application: WeCom, clock: FakeClock) -> None:
    keys = {
        (await one(application, clock, event("view", f"<EventKey>https://e.com/{'x' * 400}{n}</EventKey>"))).key for n in (1, 2)
    }
    assert len(keys) == 2
    assert max(map(len, keys)) <= 240


@pytest.mark.parametrize("spelling", ["Opiton", "Option"])
async def test_a_press_on_our_card_leads_back_to_its_message(application: WeCom, clock: FakeClock, spelling: str) -> None:
    chosen = (
        f"<SelectedItems><SelectedItem><QuestionKey>Q</QuestionKey><{spelling}Ids><{spelling}Id>O1</{spelling}Id>"
        f"</{spelling}Ids></SelectedItem></SelectedItems>"
    )
    mark = mark_of("k")
    more = f"<EventKey>2</EventKey><TaskId>gx-7-{mark}</TaskId><ResponseCode>RC</ResponseCode>{chosen}"
    message = await one(application, clock, event("template_card_event", more))
    assert message.event == PRESS
    told = {name: message.data[name] for name in ("card_message_id", "card_mark", "button", "selected")}
    assert told == {"card_message_id": 7, "card_mark": mark, "button": 2, "selected": {"Q": ["O1"]}}
    foreign = await one(application, clock, event("template_card_event", f"<EventKey>1</EventKey><TaskId>t</TaskId>{chosen}"))
    assert foreign.event == "template_card_event"


async def test_a_third_partys_form_is_the_same_event(application: WeCom, clock: FakeClock) -> None:
    inner = (
        "<xml><SuiteId>ww4</SuiteId><AuthCorpId>wwAuth</AuthCorpId><InfoType>change_external_contact</InfoType>"
        "<TimeStamp>1795161600</TimeStamp><ChangeType>add_external_contact</ChangeType><UserID>zhangsan</UserID>"
        "<ExternalUserID>wmX</ExternalUserID><State>s</State><WelcomeCode>W</WelcomeCode></xml>"
    )
    message = await one(application, clock, inner)
    assert (message.address.external_id, message.about_customer, message.data["state"]) == ("wmX", True, "s")
    assert message.data["welcome_deadline"] == 1795161620
    ticket = "<xml><SuiteId>ww4</SuiteId><InfoType>suite_ticket</InfoType><TimeStamp>1795161600</TimeStamp></xml>"
    assert (await one(application, clock, ticket)).event == "suite_ticket"


async def test_an_answer_is_always_sealed_and_cannot_be_broken_out_of(application: WeCom, clock: FakeClock) -> None:
    received = await push(application, clock, event("click", "<EventKey>K</EventKey>"))
    assert application.answer(received, None).text == ""
    response = application.answer(received, Body(text="你]]><MsgType>x</MsgType>好"))
    outer = parse_xml(str(response.text).encode())
    envelope = Envelope(Secret(TOKEN), Secret(AES_KEY), CORP)
    signed = (str(outer["MsgSignature"]), str(outer["TimeStamp"]), str(outer["Nonce"]), str(outer["Encrypt"]))
    plain = parse_xml(envelope.open(*signed))
    assert (plain["Content"], plain["MsgType"], plain["ToUserName"]) == ("你]]><MsgType>x</MsgType>好", "text", "zhangsan")
    assert outer["Nonce"] == "n1"


def test_reply_forms() -> None:
    assert reply_fields(Body(Kind.IMAGE, media_id="M")) == {"MsgType": "image", "Image": {"MediaId": "M"}}
    news = reply_fields(Body(Kind.NEWS, articles=tuple(Article(str(n)) for n in range(9))))
    assert news["ArticleCount"] == 8
    button = reply_fields(Body(Kind.TEMPLATE, template_id=UPDATE_BUTTON, template_data={"replace_name": "已处理"}))
    assert button == {"MsgType": "update_button", "Button": {"ReplaceName": "已处理"}}
    card = Body(
        Kind.TEMPLATE, template_id=UPDATE_CARD, template_data={"card": '{"card_type":"text_notice","main_title":{"title":"a"}}'}
    )
    assert reply_fields(card)["TemplateCard"] == {"CardType": "text_notice", "MainTitle": {"Title": "a"}}
    assert reply_fields(Body()) == {}


async def test_an_unknown_message_type_is_kept_raw(application: WeCom, clock: FakeClock) -> None:
    inner = event("x").replace(
        "<MsgType>event</MsgType><Event>x</Event>", "<MsgType>sticker</MsgType><MsgId>5</MsgId><Foo>1</Foo>"
    )
    message = await one(application, clock, inner)
    assert (message.kind, message.data["type"], message.data["raw"]) == (Kind.OTHER, "sticker", {"Foo": "1"})
