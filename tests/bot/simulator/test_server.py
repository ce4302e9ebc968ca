"""The one server of all platforms."""

import aiohttp


async def test_unknown_paths_are_404_and_recorded(sim, api):
    async with api.session.get(f"{sim.base_url}/cgi-bin/nothing") as answer:
        assert answer.status == 404
    assert sim.records.count_calls("/cgi-bin/nothing") == 1


async def test_answers_are_raw_utf8_json(sim, api):
    async with api.session.get(f"{sim.base_url}/gettoken", params={"appkey": "x", "appsecret": "y"}) as answer:
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
        assert "不合法".encode() in await answer.read()


async def test_control_paths_are_neither_recorded_nor_disturbed(sim, api):
    sim.faults.add("*", "status", times=None)
    assert "cursor" in await api.get("/_sim/state")
    assert sim.records.calls() == []


async def test_a_whole_mass_send_of_ten_thousand_is_read(sim, api):
    openids = [f"oSimMass{number:020d}" for number in range(10_000)]
    answer = await api.wechat("/cgi-bin/message/mass/send", {"touser": openids, "msgtype": "text", "text": {"content": "x"}})
    assert answer["errcode"] == 0


async def test_stopping_lets_hanging_calls_go(sim, api):
    sim.faults.add("/gettoken", "hang")
    url = f"{sim.base_url}/gettoken"
    try:
        async with api.session.get(url, timeout=aiohttp.ClientTimeout(total=0.1)):
            raise AssertionError("answered")
    except TimeoutError:
        pass  # the fixture's stop must not wait for the hanging call


async def test_refusals_are_counted_by_code(sim, api):
    await api.wechat("/cgi-bin/user/get", token="x")
    await api.dingtalk("/v1.0/robot/groupMessages/send", {}, token="x")
    assert sim.records.refusals == {
        ("/cgi-bin/user/get", "40014"): 1,
        ("/v1.0/robot/groupMessages/send", "InvalidAuthentication"): 1,
    }
    calls = await api.get("/_sim/calls")
    assert calls["refusals"][0] == {"path": "/cgi-bin/user/get", "code": "40014", "count": 1}
