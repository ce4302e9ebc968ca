"""How calls are admitted and read."""

TEXT = {"touser": "oA", "msgtype": "text", "text": {"content": "你好"}}
SEND = "/cgi-bin/message/custom/send"


async def test_visible_characters_written_as_escapes_are_refused_and_noted(sim, api):
    await sim.wechat.say("oA", "在吗")
    body = b'{"touser":"oA","msgtype":"text","text":{"content":"\\u4f60\\u597d"}}'
    assert (await api.wechat(SEND, body))["errcode"] == 40033
    assert [row.where for row in sim.complaints] == [SEND]
    sim.options.strict_unicode = False
    assert (await api.wechat(SEND, body))["errcode"] == 0
    assert len(sim.complaints) == 2


async def test_bodies_that_are_no_json_object(sim, api):
    assert (await api.wechat(SEND, b"{"))["errcode"] == 47001
    assert (await api.wechat(SEND, b"[]"))["errcode"] == 47001


async def test_tokens_are_checked_first(sim, api):
    assert (await api.wechat(SEND, TEXT, token=""))["errcode"] == 41001
    assert (await api.wechat(SEND, TEXT, token="x"))["errcode"] == 40014
    token = api.wechat_token()
    sim.clock.advance(7200)
    assert (await api.wechat(SEND, TEXT, token=token))["errcode"] == 42001


async def test_daily_quota_answers_45009(sim, api):
    await sim.wechat.say("oA", "在吗")
    sim.wechat.state.quotas.daily[SEND] = 1
    assert (await api.wechat(SEND, TEXT))["errcode"] == 0
    assert (await api.wechat(SEND, TEXT))["errcode"] == 45009
    quota = await api.wechat("/cgi-bin/openapi/quota/get", {"cgi_path": SEND})
    assert quota["quota"] == {"daily_limit": 1, "used": 1, "remain": 0}


async def test_a_subscription_account_may_not_do_everything(sim, api):
    sim.wechat.state.followers.ensure("oA")
    sim.wechat.account.service = False
    template = {"touser": "oA", "template_id": "T", "data": {}}
    assert (await api.wechat("/cgi-bin/message/template/send", template))["errcode"] == 48001
    sim.wechat.account.service = True
    assert (await api.wechat("/cgi-bin/message/template/send", template))["errcode"] == 0
