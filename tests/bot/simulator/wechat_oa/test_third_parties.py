"""Clients and servers of other hands agree with the simulated Official Account."""

import asyncio
import threading
import warnings
from wsgiref.simple_server import WSGIRequestHandler, make_server

import bottle
import pytest
from wechatpy import WeChatClient, parse_message
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import WeChatClientException
from wechatpy.replies import create_reply
from wechatpy.utils import check_signature

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # an old library; its own warnings are not ours
    from werobot import WeRoBot
    from werobot.contrib.bottle import make_view

from bot.simulator.wechat_oa import messages
from bot.simulator.wechat_oa.documents import make_document


@pytest.fixture
def client(sim):
    account = sim.wechat.account

    class Client(WeChatClient):
        API_BASE_URL = f"{sim.base_url}/cgi-bin/"

        def fetch_access_token(self):
            params = {"grant_type": "client_credential", "appid": self.appid, "secret": self.secret}
            return self._fetch_access_token(f"{self.API_BASE_URL}token", params)

    made = Client(account.app_id, account.app_secret)
    yield made
    made._http.close()


async def test_a_client_sends_and_reads(sim, client):
    await sim.wechat.say("oA", "在吗")
    assert (await asyncio.to_thread(client.message.send_text, "oA", "你好😀"))["errcode"] == 0
    assert [entry.text for entry in sim.wechat.received("oA")] == ["你好😀"]
    users = await asyncio.to_thread(client.user.get_followers)
    assert users["data"]["openid"] == ["oA"]
    assert (await asyncio.to_thread(client.user.get, "oA"))["subscribe"] == 1
    assert (await asyncio.to_thread(client.user.get_batch, ["oA"]))[0]["openid"] == "oA"
    made = await asyncio.to_thread(client.media.upload, "image", ("a.jpg", b"\xff\xd8", "image/jpeg"))
    assert (await asyncio.to_thread(client.media.download, made["media_id"])).content == b"\xff\xd8"
    sent = await asyncio.to_thread(client.message.send_template, "oA", "T1", {"first": {"value": "好"}})
    assert sent["errcode"] == 0
    code = {"action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_str": "expo"}}}
    assert "ticket" in await asyncio.to_thread(client.qrcode.create, code)
    assert sim.complaints == []


async def test_a_client_sees_errors_and_refreshes_an_expired_token(sim, client):
    await sim.wechat.say("oA", "在吗")
    await asyncio.to_thread(client.message.send_text, "oA", "一")
    sim.wechat.state.tokens.expire_all()
    await asyncio.to_thread(client.message.send_text, "oA", "二")
    assert sim.records.count_calls("/cgi-bin/token") == 2
    sim.clock.advance(48 * 3600)
    sim.wechat.state.tokens.expire_all()
    with pytest.raises(WeChatClientException) as caught:
        await asyncio.to_thread(client.message.send_text, "oA", "三")
    assert caught.value.errcode == 45015


@pytest.mark.parametrize(
    ("fields", "kind", "attribute", "value"),
    [
        (messages.text("你好"), "text", "content", "你好"),
        (messages.voice("M", "要报价"), "voice", "recognition", "要报价"),
        (messages.location(23.1, 113.3, "广州"), "location", "label", "广州"),
        (messages.link("t", "d", "https://e"), "link", "url", "https://e"),
        (messages.subscribe("expo", "T"), "event", "scene_id", "expo"),
        (messages.scan("7", "T"), "event", "scene_id", "7"),
        (messages.click("K"), "event", "key", "K"),
        (messages.scancode("K", "R", waiting=True), "event", "scan_result", "R"),
        (messages.mass_finished(5, total=3, sent=2, failed=1), "event", "sent_count", 2),
    ],
)
@pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
async def test_a_parser_reads_every_push(sim, fields, kind, attribute, value, mode):
    account = sim.wechat.account
    account.mode = mode
    head = {"ToUserName": account.original_id, "FromUserName": "oA", "CreateTime": 1_795_161_600}
    document = make_document(account, head | fields | {"MsgId": 7}, 1_795_161_600, openid="oA")
    query, body = document.query, document.body.decode()
    check_signature(account.token, query["signature"], query["timestamp"], query["nonce"])
    if mode != "plain":
        crypto = WeChatCrypto(account.token, account.aes_key, account.app_id)
        body = crypto.decrypt_message(body, query["msg_signature"], query["timestamp"], query["nonce"])
    message = parse_message(body)
    assert (message.type, getattr(message, attribute)) == (kind, value)


@pytest.mark.parametrize("mode", ["plain", "safe"])
async def test_a_reply_of_the_library_is_understood(sim, program, mode):
    account = sim.wechat.account
    account.mode = mode
    crypto = WeChatCrypto(account.token, account.aes_key, account.app_id)

    async def answer(seen):
        query, body = seen.query, seen.body.decode()
        if mode == "safe":
            body = crypto.decrypt_message(body, query["msg_signature"], query["timestamp"], query["nonce"])
        message = parse_message(body)
        reply = create_reply(f"收到：{message.content}", message).render()
        return 200, (crypto.encrypt_message(reply, query["nonce"], query["timestamp"]) if mode == "safe" else reply).encode()

    program.answer = answer
    assert (await sim.wechat.say("oA", "报价")).text == "收到：报价"
    assert sim.complaints == []
    # The library lets a text end its CDATA: the platform finds the element twice and shows its excuse.
    assert (await sim.wechat.say("oA", "a]]></Content><Content><![CDATA[b")).is_broken


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Write nothing."""


@pytest.fixture
def robot_url(sim, mode):
    """A WeRoBot application with an echo, served in a thread."""
    account = sim.wechat.account
    account.mode = mode
    robot = WeRoBot(token=account.token, SESSION_STORAGE=False)
    if mode == "safe":
        robot.config["APP_ID"] = account.app_id
        robot.config["ENCODING_AES_KEY"] = account.aes_key
    robot.text(lambda message: f"回声：{message.content}")
    robot.subscribe(lambda message: "欢迎关注")
    app = bottle.Bottle()
    app.route("/robot", ["GET", "POST"], make_view(robot))
    server = make_server("127.0.0.1", 0, app, handler_class=QuietHandler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/robot"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("mode", ["plain", "safe"])
async def test_a_werobot_application_stands_behind_the_pusher(sim, robot_url, mode):
    sim.wechat.callback_url = robot_url
    assert await sim.wechat.handshake()
    assert (await sim.wechat.say("oA", "你好😀")).text == "回声：你好😀"
    assert (await sim.wechat.follow("oB", "expo")).text == "欢迎关注"
    assert (await sim.wechat.click("oB", "K")).reply.is_empty
    assert [entry.text for entry in sim.wechat.received("oA")] == ["回声：你好😀"]


async def test_a_client_manages_the_account(sim, client):
    def call(method, *values, **named):
        return asyncio.to_thread(method, *values, **named)

    for name in ("oA", "oB"):
        sim.wechat.state.followers.ensure(name)
    number = (await call(client.tag.create, "展会"))["id"]
    await call(client.tag.tag_user, number, ["oA", "oB"])
    assert await call(client.tag.get_user_tag, "oA") == [number]
    assert (await call(client.tag.get_tag_users, number))["data"]["openid"] == ["oA", "oB"]
    await call(client.tag.update, number, "门店")
    assert await call(lambda: list(client.user.iter_followers())) == ["oA", "oB"]
    menu = {"button": [{"type": "click", "name": "价格", "key": "价格"}]}
    await call(client.menu.create, menu)
    assert (await call(client.menu.get))["menu"]["button"][0]["name"] == "价格"
    await call(client.menu.delete)
    assert await call(client.menu.get) is None
    url = await call(client.media.upload_image, ("a.png", b"\x89PNG", "image/png"))
    assert url.startswith("http://mmbiz.qpic.cn/")
    sent = await call(client.message.send_mass_text, ["oA", "oB"], "新品", client_msg_id="k1")
    assert (await call(client.message.get_mass, sent["msg_id"]))["msg_status"] == "SEND_SUCCESS"
    with pytest.raises(WeChatClientException) as caught:
        await call(client.message.send_mass_text, ["oA", "oB"], "新品", client_msg_id="k1")
    assert caught.value.errcode == 45065
    await sim.wechat.answer_notice("oA", "T1")
    await call(client.message.send_subscribe_message, "oA", "T1", {"thing1": {"value": "发货"}})
    await call(client.tag.delete, number)
    assert sim.complaints == []
