"""An address that calls too much sees nothing but its punishment."""


async def test_five_minutes_of_punishment(sim, api):
    sim.dingtalk.knobs.ip_calls = 3
    codes = [(await api.get("/gettoken", appkey="x", appsecret="y")).get("errcode") for _ in range(4)]
    assert codes == [40089, 40089, 40089, None]
    sim.clock.advance(299)
    assert (await api.get("/gettoken"))["status"] == 1111
    sim.dingtalk.knobs.punish_html = True
    async with api.session.post(f"{sim.base_url}/v1.0/oauth2/accessToken", json={}) as answer:
        assert (answer.status, answer.content_type) == (200, "text/html")
    sim.clock.advance(1)
    assert (await api.get("/gettoken"))["errcode"] == 40089


async def test_calls_of_the_past_do_not_count(sim, api):
    sim.dingtalk.knobs.ip_calls = 2
    for _ in range(5):
        assert "status" not in await api.get("/gettoken")
        sim.clock.advance(20)


async def test_a_punishment_by_hand(sim, api):
    sim.dingtalk.punishment.punish(10)
    assert (await api.get("/gettoken"))["punish"] == "deny"
    sim.clock.advance(10)
    assert "status" not in await api.get("/gettoken")
