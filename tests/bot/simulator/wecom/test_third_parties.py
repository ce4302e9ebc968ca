"""An enterprise client of other hands agrees with the simulated WeCom."""

import asyncio

import pytest
from wechatpy.enterprise import WeChatClient, create_reply, parse_message
from wechatpy.enterprise.crypto import WeChatCrypto
from wechatpy.exceptions import WeChatClientException

from bot.simulator.wecom import messages
from bot.simulator.wecom.documents import envelope_of, make_document, make_handshake

STAMP = 1_795_161_600


def make_client(sim, secret: str) -> WeChatClient:
    class Client(WeChatClient):
        API_BASE_URL = f"{sim.wecom_api_base}/cgi-bin/"

        def fetch_access_token(self):
            params = {"corpid": self.corp_id, "corpsecret": self.secret}
            return self._fetch_access_token(f"{self.API_BASE_URL}gettoken", params)

    return Client(sim.wecom.corp.corp_id, secret)


@pytest.fixture
def client(sim, wecom):
    """The application's client."""
    made = make_client(sim, wecom.corp.secret)
    yield made
    made._http.close()


@pytest.fixture
def contact(sim, wecom):
    """The client with the secret of customer contact."""
    made = make_client(sim, wecom.corp.contact_secret)
    yield made
    made._http.close()


@pytest.fixture
def crypto(wecom) -> WeChatCrypto:
    corp = wecom.corp
    return WeChatCrypto(corp.token, corp.aes_key, corp.corp_id)


async def test_messages_are_sent(sim, wecom, client):
    agent, send = wecom.corp.agent_id, client.message
    picture = await asyncio.to_thread(client.media.upload, "image", ("a.jpg", b"\xff\xd8\xff picture", "image/jpeg"))
    # The library's own download leads to the platform's host; its general way does not.
    got = await asyncio.to_thread(client.get, "media/get", params={"media_id": picture["media_id"]})
    assert got.content == b"\xff\xd8\xff picture"
    answer = await asyncio.to_thread(send.send_text, agent, ["WangWu", "Nobody"], "你好😀")
    assert (answer["errcode"], answer["invaliduser"]) == (0, "nobody")
    await asyncio.to_thread(send.send_markdown, agent, "WangWu", "**好**")
    await asyncio.to_thread(send.send_image, agent, "WangWu", picture["media_id"])
    await asyncio.to_thread(send.send_text_card, agent, "WangWu", "标题", "说明", "https://e")
    article = {"title": "新品", "description": "d", "url": "https://e", "image": "https://e/p.png"}
    await asyncio.to_thread(send.send_articles, agent, "WangWu", [article])
    assert [entry.text for entry in wecom.received("WangWu")] == ["你好😀", "**好**", "", "标题\n说明", "新品"]
    assert sim.complaints == []


async def test_the_directory_and_the_menu_are_read(wecom, client):
    assert (await asyncio.to_thread(client.user.get, "WangWu"))["name"] == "王五"
    assert [row["userid"] for row in await asyncio.to_thread(client.user.list, 1)] == ["WangWu", "lisi"]
    assert [row["name"] for row in await asyncio.to_thread(client.user.list, 1, True, 0, True)] == ["王五", "李四"]
    assert (await asyncio.to_thread(client.department.get))[0]["id"] == 1
    assert await asyncio.to_thread(client.misc.get_wechat_ips) == ["127.0.0.1"]
    menu = {"button": [{"type": "click", "name": "线索", "key": "leads"}]}
    await asyncio.to_thread(client.menu.create, wecom.corp.agent_id, menu)
    assert (await asyncio.to_thread(client.menu.get, wecom.corp.agent_id))["button"] == menu["button"]


async def test_customer_contact_is_worked(sim, wecom, contact):
    api = contact.external_contact
    key = await wecom.add_external("WangWu", "赵总")
    code = wecom.last.fields["WelcomeCode"]
    assert (await asyncio.to_thread(api.get_follow_user_list))["follow_user"] == ["WangWu", "lisi"]
    assert (await asyncio.to_thread(api.list, "WangWu"))["external_userid"] == [key]
    assert (await asyncio.to_thread(api.get, key))["external_contact"]["name"] == "赵总"
    await asyncio.to_thread(api.send_welcome_msg, {"welcome_code": code, "text": {"content": "欢迎"}})
    tags = await asyncio.to_thread(api.add_corp_tag, None, "级别", 1, [{"name": "A", "order": 1}])
    tag_id = tags["tag_group"]["tag"][0]["id"]
    await asyncio.to_thread(api.mark_tag, "WangWu", key, [tag_id])
    assert (await asyncio.to_thread(api.get, key))["follow_user"][0]["tags"][0]["tag_name"] == "A"
    assert len((await asyncio.to_thread(api.get_corp_tag_list))["tag_group"]) == 1
    way = await asyncio.to_thread(api.add_contact_way, 1, 2, None, "展会", True, "expo", ["lisi"])
    assert (await asyncio.to_thread(api.get_contact_way, way["config_id"]))["contact_way"]["state"] == "expo"
    sent = await asyncio.to_thread(api.add_msg_template, {"sender": "WangWu", "text": {"content": "中秋快乐"}})
    assert wecom.member_confirms(sent["msgid"]) == 1
    assert [entry.text for entry in wecom.received(key)] == ["欢迎", "中秋快乐"]
    chat_id = await wecom.groups.create("WangWu", "客户群", [key])
    assert (await asyncio.to_thread(contact.external_contact_group_chat.list_all))[0]["chat_id"] == chat_id
    shown = await asyncio.to_thread(contact.external_contact_group_chat.get, chat_id)
    assert shown["group_chat"]["owner"] == "WangWu"
    assert sim.complaints == []


async def test_errors_are_seen_and_an_expired_token_is_refreshed(sim, wecom, client):
    agent = wecom.corp.agent_id
    await asyncio.to_thread(client.message.send_text, agent, "lisi", "一")
    wecom.state.tokens.expire_all()
    await asyncio.to_thread(client.message.send_text, agent, "lisi", "二")
    assert sim.records.count_calls("/wecom/cgi-bin/gettoken") == 2
    with pytest.raises(WeChatClientException) as caught:
        await asyncio.to_thread(client.message.send_text, agent, "nobody", "三")
    assert caught.value.errcode == 81013


@pytest.mark.parametrize(
    ("fields", "kind", "attribute", "value"),
    [
        (messages.text("请假🙏"), "text", "content", "请假🙏"),
        (messages.image("M"), "image", "media_id", "M"),
        (messages.voice("M"), "voice", "format", "amr"),
        (messages.video("M", "T"), "video", "thumb_media_id", "T"),
        (messages.location(23.1, 113.3, "广州"), "location", "label", "广州"),
        (messages.link("t", "d", "https://e", "https://p"), "link", "pic_url", "https://p"),
        (messages.subscribe(), "event", "event", "subscribe"),
        (messages.enter_agent(), "event", "event", "enter_agent"),
        (messages.click("K"), "event", "key", "K"),
        (messages.scancode("K", "R", waiting=True), "event", "scan_result", "R"),
        (messages.report_location(23.1, 113.3), "event", "latitude", 23.1),
        (messages.batch_job_result("job", "sync_user"), "event", "job_id", "job"),
    ],
)
def test_a_parser_reads_every_push(wecom, crypto, fields, kind, attribute, value):
    corp = wecom.corp
    head = {"ToUserName": corp.corp_id, "FromUserName": "WangWu", "CreateTime": STAMP}
    number = {} if kind == "event" else {"MsgId": 7}
    document = make_document(envelope_of(corp), head | fields | number | {"AgentID": corp.agent_id}, STAMP)
    query = document.query
    body = crypto.decrypt_message(document.body.decode(), query["msg_signature"], query["timestamp"], query["nonce"])
    message = parse_message(body)
    assert (message.type, getattr(message, attribute)) == (kind, value)
    assert (message.source, getattr(message, "agent", corp.agent_id)) == ("WangWu", corp.agent_id)


def test_the_address_check_is_answered(wecom, crypto):
    query, expected = make_handshake(envelope_of(wecom.corp), STAMP)
    answer = crypto.check_signature(query["msg_signature"], query["timestamp"], query["nonce"], query["echostr"])
    assert answer.encode() == expected


async def test_a_reply_of_the_library_is_understood(sim, wecom, hook, crypto):
    async def answer(seen):
        query = seen.query
        if seen.method == "GET":
            echo = crypto.check_signature(query["msg_signature"], query["timestamp"], query["nonce"], query["echostr"])
            return 200, echo.encode()
        body = crypto.decrypt_message(seen.body.decode(), query["msg_signature"], query["timestamp"], query["nonce"])
        message = parse_message(body)
        reply = create_reply(f"收到：{message.content}", message).render()
        return 200, crypto.encrypt_message(reply, query["nonce"], query["timestamp"]).encode()

    hook.answer = answer
    assert await wecom.handshake()
    assert (await wecom.member_says("WangWu", "报价")).text == "收到：报价"
    assert [entry.text for entry in wecom.received("WangWu")] == ["收到：报价"]
    assert sim.complaints == []
    # The library lets a text end its CDATA: the platform finds the element twice.
    assert (await wecom.member_says("WangWu", "a]]></Content><Content><![CDATA[b")).is_broken
