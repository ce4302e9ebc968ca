"""The door of the Stream: credentials, subscriptions, tickets."""

import aiohttp
import pytest


async def test_the_request_of_the_vectors_is_answered(sim, api, load_cases):
    case = next(case for case in load_cases("dingtalk_inbound") if case["id"] == "DDS-001")["frame"]
    sim.dingtalk.app.client_id = case["request"]["json"]["clientId"]
    sim.dingtalk.app.client_secret = case["request"]["json"]["clientSecret"]
    made = await api.post("/v1.0/gateway/connections/open", case["request"]["json"])
    assert made.keys() == case["response"].keys()
    assert made["endpoint"] == sim.base_url.replace("http", "ws") + "/connect"


async def test_a_ticket_opens_one_connection(sim, api, open_request):
    made = await open_request()
    async with api.session.ws_connect(made["endpoint"], params={"ticket": made["ticket"]}):
        assert len(sim.dingtalk.gateway.open) == 1
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await api.session.ws_connect(made["endpoint"], params={"ticket": made["ticket"]})
    assert caught.value.status == 401


@pytest.mark.parametrize(("seconds", "good"), [(89.9, True), (90.0, False)])
async def test_a_ticket_lives_for_ninety_seconds(sim, api, open_request, seconds, good):
    made = await open_request()
    sim.clock.advance(seconds)
    if good:
        await (await api.session.ws_connect(made["endpoint"], params={"ticket": made["ticket"]})).close()
    else:
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await api.session.ws_connect(made["endpoint"], params={"ticket": made["ticket"]})


async def test_a_ticket_is_good_for_its_endpoint_only(sim, api, open_request):
    old = await open_request()
    await sim.dingtalk.gateway.redirect()
    new = await open_request()
    assert new["endpoint"] != old["endpoint"]
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await api.session.ws_connect(new["endpoint"], params={"ticket": old["ticket"]})
    await (await api.session.ws_connect(new["endpoint"], params={"ticket": new["ticket"]})).close()


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"clientSecret": "wrong"}, 401, "authFailed"),
        ({"clientId": None}, 401, "authFailed"),
        ({"subscriptions": []}, 400, "invalidParameter.subscriptions"),
        ({"subscriptions": None}, 400, "invalidParameter.subscriptions"),
        ({"subscriptions": [{"type": "EVENT", "topic": "user_add_org"}]}, 400, "invalidParameter.subscriptions"),
        ({"subscriptions": [{"type": "DANCE", "topic": "*"}]}, 400, "invalidParameter.subscriptions"),
        ({"subscriptions": ["*"]}, 400, "invalidParameter.subscriptions"),
        ({"subscriptions": [{"type": "CALLBACK", "topic": ""}]}, 400, "invalidParameter.subscriptions"),
    ],
)
async def test_refused_openings(open_request, changes, status, code):
    answer = await open_request(**changes)
    assert (answer["status"], answer["code"]) == (status, code)


async def test_the_door_can_be_shut(sim, api, open_request):
    sim.dingtalk.knobs.refuse_tickets = True
    made = await open_request()
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await api.session.ws_connect(made["endpoint"], params={"ticket": made["ticket"]})
    sim.dingtalk.knobs.refuse_opening = True
    assert (await open_request())["status"] == 503
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await api.session.ws_connect(made["endpoint"], params={"ticket": "never given"})
