"""The channels against platforms that were written without looking at them."""

import asyncio
import json

import pytest

from bot.channel import SendStatus
from bot.channels.dingtalk import CustomRobot, DingTalk
from bot.channels.dingtalk import Settings as DingTalkSettings
from bot.channels.wechat_oa import Settings as WechatOaSettings
from bot.channels.wechat_oa import WechatOa
from bot.channels.wechat_oa.api import WechatApi
from bot.httpclient import HttpClient
from bot.secret import Secret
from bot.simulator.accounts import WeChatAccount
from bot.simulator.simulator import Simulator
from bot.simulator.wechat_oa import messages
from crm_core.clock import SystemClock
from crm_core.messages import Address, Body, InboundMessage, Kind, OutboundMessage
from tests.bot.channels.conftest import ServeChannel

FORMS = [(mode, form) for mode in ("plain", "compatible", "safe") for form in ("xml", "json")]


def wechat(simulator: Simulator, http: HttpClient, account: WeChatAccount | None = None) -> WechatOa:
    told = account or simulator.wechat.account
    settings = WechatOaSettings(
        app_id=told.app_id,
        original_id=told.original_id,
        app_secret=Secret(told.app_secret),
        token=Secret(told.token),
        aes_key=Secret(told.aes_key),
        mode=told.mode,
        api_base=simulator.base_url,
    )
    return WechatOa("wechat", settings, http, SystemClock())


def dingtalk(simulator: Simulator, http: HttpClient, *robots: CustomRobot) -> DingTalk:
    told = simulator.dingtalk.app
    settings = DingTalkSettings(
        client_id=told.client_id,
        client_secret=Secret(told.client_secret),
        robot_code=told.robot_code,
        event_token=Secret(told.event_token),
        event_aes_key=Secret(told.event_aes_key),
        custom_robots=robots,
        api_base=simulator.base_url,
        oapi_base=simulator.base_url,
        session_hosts=(simulator.base_url,),
    )
    return DingTalk("dingtalk", settings, http, SystemClock())


def answer_to(message: InboundMessage, body: Body) -> OutboundMessage:
    return OutboundMessage(id=1, key="k1", address=message.address, body=body, reply_data=message.data)


def out(channel: str, to: str, body: Body, *, number: int = 1) -> OutboundMessage:
    return OutboundMessage(id=number, key=f"k{number}", address=Address(channel, to), body=body)


@pytest.mark.parametrize(("mode", "form"), FORMS)
async def test_every_form_of_wechat_is_understood_and_answered(
    mode: str, form: str, simulator: Simulator, serve: ServeChannel, http: HttpClient
) -> None:
    account = simulator.wechat.account
    account.mode, account.format = mode, form
    served = await serve(wechat(simulator, http), Body(text="收到😀]]>"))
    simulator.wechat.callback_url = served.url
    assert await simulator.wechat.handshake()
    delivery = await simulator.wechat.say("oSimZhang", "  价格]]> & <b> ")
    assert delivery.text == "收到😀]]>"
    assert served.messages[0].text == "  价格]]> & <b> "
    followed = await simulator.wechat.follow("oSimLi", "store_88")
    assert followed.text == "收到😀]]>"
    assert served.messages[1].data["scene"] == "store_88"
    assert simulator.complaints == []


@pytest.mark.parametrize("form", ["xml", "json"])
async def test_every_kind_of_wechat_message_and_event_is_read(
    form: str, simulator: Simulator, serve: ServeChannel, http: HttpClient
) -> None:
    simulator.wechat.account.format = form
    served = await serve(wechat(simulator, http))
    simulator.wechat.callback_url = served.url
    sent = [
        messages.image("m"),
        messages.voice("m", "我要退款"),
        messages.video("m", "t", short=True),
        messages.location(31.2, 121.4, "人民广场"),
        messages.link("标题", "描述", "https://e.com/"),
    ]
    events = [
        messages.unsubscribe(),
        messages.scan("123"),
        messages.click("MENU"),
        messages.view("https://e.com/?a=1&b=2"),
        messages.view_miniprogram("p/a"),
        messages.report_location(23.1, 113.3),
        messages.scancode("k", "A-100", waiting=True),
        messages.pictures("k", ["m1"]),
        messages.location_select("k", "23", "113", "广州"),
        messages.template_finished(7, "failed:user block"),
        messages.mass_finished(8, total=3, sent=2, failed=1),
        messages.subscribe_popup({"T1": "accept", "T2": "reject"}),
        messages.subscribe_popup({"T1": "accept"}),
        messages.subscribe_change("T1"),
        messages.subscribe_sent("T1", "9"),
        messages.publish_finished("p1", "a1", "https://e.com/"),
    ]
    for number, fields in enumerate(sent):
        assert (await simulator.wechat.send_message(f"o{number}", fields)).statuses == [200]
    for number, fields in enumerate(events):
        assert (await simulator.wechat.send_event(f"e{number}", fields)).statuses == [200]
    kinds = [message.kind for message in served.messages[: len(sent)]]
    assert kinds == [Kind.IMAGE, Kind.VOICE, Kind.VIDEO, Kind.LOCATION, Kind.LINK]
    assert served.messages[1].text == "我要退款"
    told = {message.event: message.data for message in served.messages[len(sent) :]}
    assert told["scancode_waitmsg"]["scan_result"] == "A-100"
    assert told["templatesendjobfinish"]["delivered"] is False
    assert told["masssendjobfinish"]["sent"] == 2
    assert told["subscribe_msg_popup_event"]["items"] == [{"template_id": "T1", "status": "accept"}]
    assert told["location"]["latitude"] == 23.1
    assert simulator.complaints == []


async def test_wechat_repeats_overlapping_deliveries_with_one_key(
    simulator: Simulator, serve: ServeChannel, http: HttpClient
) -> None:
    served = await serve(wechat(simulator, http))
    simulator.wechat.callback_url = served.url
    await simulator.wechat.deliver("oSimZhang", "你好", copies=5)
    assert len(served.messages) == 1


async def test_customer_messages_arrive_until_the_window_is_used_up(
    simulator: Simulator, serve: ServeChannel, http: HttpClient
) -> None:
    channel = wechat(simulator, http)
    served = await serve(channel)
    simulator.wechat.callback_url = served.url
    (closed,) = await channel.send([out("wechat", "oSimZhang", Body(text="在吗"))])
    await simulator.wechat.say("oSimZhang", "你好")
    receipts = [(await channel.send([out("wechat", "oSimZhang", Body(text="好"))]))[0] for _ in range(6)]
    assert closed.status is not SendStatus.SENT
    assert [receipt.status for receipt in receipts] == [SendStatus.SENT] * 5 + [SendStatus.WINDOW_CLOSED]
    assert simulator.wechat.count_received("oSimZhang") == 5
    assert simulator.complaints == []


async def test_tokens_that_end_early_are_replaced_under_load(
    simulator: Simulator, serve: ServeChannel, http: HttpClient
) -> None:
    channel = wechat(simulator, http)
    people = [f"oSim{number}" for number in range(50)]
    for person in people:
        await simulator.wechat.say(person, "你好")
    await channel.send([out("wechat", people[0], Body(text="好"))])
    simulator.wechat.state.tokens.expire_all()
    receipts = await asyncio.gather(*(channel.send([out("wechat", person, Body(text="好"))]) for person in people))
    assert {receipt.status for (receipt,) in receipts} == {SendStatus.SENT}
    assert len(simulator.wechat.calls("/cgi-bin/stable_token")) == 2
    assert simulator.wechat.count_received(people[1]) == 1
    assert simulator.complaints == []


async def test_a_template_message_with_one_key_arrives_once(simulator: Simulator, http: HttpClient) -> None:
    channel = wechat(simulator, http)
    await simulator.wechat.follow("oSimZhang")
    body = Body(Kind.TEMPLATE, template_id="T1", template_data={"name": "张三"})
    receipts = [(await channel.send([out("wechat", "oSimZhang", body)]))[0] for _ in range(2)]
    assert {receipt.status for receipt in receipts} == {SendStatus.SENT}
    assert receipts[0].external_id
    assert simulator.wechat.count_received("oSimZhang") == 1


async def test_the_other_calls_of_wechat_work(simulator: Simulator, http: HttpClient) -> None:
    api = WechatApi(wechat(simulator, http).sender)
    await simulator.wechat.follow("oSimZhang")
    assert [page async for page in api.list_followers()] == [["oSimZhang"]]
    assert (await api.load_user("oSimZhang"))["subscribe"] == 1
    tag = await api.create_tag("意向客户")
    await api.tag_users(tag, ["oSimZhang"])
    media = await api.upload_media("image", "a.jpg", b"\xff\xd8\xff", content_type="image/jpeg")
    assert (await api.download_media(media)).body == b"\xff\xd8\xff"
    assert (await api.create_code("store_88", expire_seconds=60))["ticket"]
    assert simulator.complaints == []


async def test_robot_messages_are_read_and_answered_in_the_request(
    simulator: Simulator, serve: ServeChannel, http: HttpClient
) -> None:
    simulator.dingtalk.add_staff("u1", "小王")
    simulator.dingtalk.add_group("cidSales==", "销售群")
    served = await serve(dingtalk(simulator, http), Body(text="已记录"))
    simulator.dingtalk.callback_url = served.url
    for push in (
        await simulator.dingtalk.say("u1", "今天拜访了王总"),
        await simulator.dingtalk.say("u1", "客户池", group="cidSales=="),
        await simulator.dingtalk.speak("u1", "明天十点提醒我"),
        await simulator.dingtalk.send_rich_text("u1", ["看图 ", ("picture",), "就这个"], group="cidSales=="),
    ):
        assert push.text == "已记录"
    said = [(message.text, message.in_group) for message in served.messages]
    assert said == [("今天拜访了王总", False), ("客户池", True), ("明天十点提醒我", False), ("看图 就这个", True)]
    await simulator.dingtalk.send_picture("u1")
    assert served.messages[-1].kind is Kind.IMAGE
    assert simulator.complaints == []


async def test_events_of_the_organisation_are_taken(simulator: Simulator, serve: ServeChannel, http: HttpClient) -> None:
    served = await serve(dingtalk(simulator, http))
    simulator.dingtalk.callback_url = served.url
    assert await simulator.dingtalk.handshake()
    await simulator.dingtalk.send_event("user_leave_org", UserId=["u1"])
    assert [message.event for message in served.messages] == ["user_leave_org"]
    assert simulator.complaints == []


async def test_late_answers_use_the_reply_address_and_after_its_end_the_openapi(
    simulator: Simulator, serve: ServeChannel, http: HttpClient
) -> None:
    simulator.dingtalk.add_staff("u1", "小王")
    simulator.dingtalk.add_group("cidSales==", "销售群")
    channel = dingtalk(simulator, http)
    served = await serve(channel)
    simulator.dingtalk.callback_url = served.url
    await simulator.dingtalk.say("u1", "好")
    await simulator.dingtalk.say("u1", "好", group="cidSales==")
    before = [(await channel.send([answer_to(message, Body(text="迟到的答复"))]))[0] for message in served.messages]
    assert simulator.dingtalk.calls("/v1.0/oauth2/accessToken") == []
    simulator.clock.advance(simulator.options.session_webhook_seconds + 1)
    after = [(await channel.send([answer_to(message, Body(text="更迟的"))]))[0] for message in served.messages]
    assert {receipt.status for receipt in before + after} == {SendStatus.SENT}
    assert [entry.text for entry in simulator.dingtalk.received("u1")] == ["迟到的答复", "更迟的"]
    assert [entry.text for entry in simulator.dingtalk.received("cidSales==")] == ["迟到的答复", "更迟的"]


async def test_a_page_of_people_and_a_custom_robot_are_reached(simulator: Simulator, http: HttpClient) -> None:
    people = [f"u{number}" for number in range(20)]
    for person in people[:19]:
        simulator.dingtalk.add_staff(person, person)
    simulator.dingtalk.add_custom_robot("tok", "cidSales==", secret="SECnotreal")
    robot = CustomRobot("销售群", Secret(f"{simulator.base_url}/robot/send?access_token=tok"), Secret("SECnotreal"))
    channel = dingtalk(simulator, http, robot)
    notice = [out("dingtalk", person, Body(text="晨会"), number=number) for number, person in enumerate(people)]
    receipts = await channel.send(notice)
    assert [receipt.status for receipt in receipts] == [SendStatus.SENT] * 19 + [SendStatus.REFUSED]
    (sent,) = await channel.send([out("dingtalk", "robot:销售群", Body(text="捷报"))])
    assert sent.status is SendStatus.SENT
    assert [entry.text for entry in simulator.dingtalk.received("cidSales==")] == ["捷报"]
    assert len(simulator.dingtalk.calls("/v1.0/robot/oToMessages/batchSend")) == 1
    assert json.loads(simulator.dingtalk.calls("/robot/send")[0].body)["msgUuid"]
    assert simulator.complaints == []
