"""Tokens: one for each secret, early ends, the lock."""

GET = "gettoken"


async def fetch(qy, corp_id=None, secret=None):
    corp = qy.sim.wecom.corp
    return await qy.call(GET, token="", corpid=corp_id or corp.corp_id, corpsecret=secret or corp.secret)


async def test_a_secret_gets_the_same_token_while_it_is_good(sim, qy):
    first, second = await fetch(qy), await fetch(qy)
    assert first["access_token"] == second["access_token"]
    assert first["expires_in"] == 7200
    other = await fetch(qy, secret=sim.wecom.corp.contact_secret)
    third = await fetch(qy, secret=sim.wecom.corp.kf_secret)
    assert len({first["access_token"], other["access_token"], third["access_token"]}) == 3
    sim.clock.advance(7200)
    assert (await fetch(qy))["access_token"] != first["access_token"]


async def test_an_end_that_comes_early(sim, qy):
    token = (await fetch(qy))["access_token"]
    sim.wecom.state.tokens.expire_all()
    assert (await qy.call("getcallbackip", token=token))["errcode"] == 42001
    fresh = (await fetch(qy))["access_token"]
    assert (await qy.call("getcallbackip", token=fresh))["ip_list"]
    sim.wecom.state.tokens.forget_all()
    assert (await qy.call("getcallbackip", token=fresh))["errcode"] == 40014
    assert (await qy.call("getcallbackip", token=""))["errcode"] == 41001


async def test_wrong_credentials_lock_after_too_many(sim, qy):
    sim.options.wecom_token_failures = 2
    assert (await qy.call(GET, token="", corpid="x"))["errcode"] == 41004
    assert (await qy.call(GET, token="", corpsecret="x"))["errcode"] == 41002
    assert (await fetch(qy, secret="wrong"))["errcode"] == 40001
    assert (await fetch(qy, corp_id="ww0"))["errcode"] == 40013
    assert (await fetch(qy))["errcode"] == 45009
    sim.clock.advance(3600)
    assert (await fetch(qy))["errcode"] == 0


async def test_an_untrusted_address_and_a_foreign_scope(sim, wecom, qy):
    contact = qy.token(sim.wecom.corp.contact_secret)
    body = {"touser": "lisi", "msgtype": "text", "agentid": sim.wecom.corp.agent_id, "text": {"content": "x"}}
    assert (await qy.call("message/send", body, token=contact))["errcode"] == 48002
    kf = qy.token(sim.wecom.corp.kf_secret)
    assert (await qy.call("externalcontact/get_follow_user_list", token=kf))["errcode"] == 48002
    sim.options.wecom_trusted = False
    answer = await qy.call("message/send", body)
    assert (answer["errcode"], "from ip: 127.0.0.1" in answer["errmsg"]) == (60020, True)
