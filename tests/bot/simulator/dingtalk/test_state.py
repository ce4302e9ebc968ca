"""Tokens, people and files of the organisation."""

SEND = "/v1.0/robot/oToMessages/batchSend"


async def test_the_same_token_is_given_and_extended(sim):
    app, state = sim.dingtalk.app, sim.dingtalk.state
    first = state.give_token(app.client_id, app.client_secret)
    sim.clock.advance(7000)
    assert state.give_token(app.client_id, app.client_secret) == first
    sim.clock.advance(7000)
    assert state.is_good(first)
    state.expire_token()
    assert not state.is_good(first)
    assert state.give_token(app.client_id, app.client_secret) != first
    assert state.give_token(app.client_id, "wrong") is None


async def test_bad_tokens_in_the_newer_form(sim, api):
    status, answer = await api.dingtalk(SEND, {}, token="wrong")
    assert (status, answer["code"]) == (400, "InvalidAuthentication")
    sim.options.invalid_token_status = 401
    assert (await api.dingtalk(SEND, {}, token=""))[0] == 401


async def test_bodies_have_to_be_objects(api):
    status, answer = await api.dingtalk(SEND, [1])
    assert (status, answer["code"]) == (400, "invalidParameter.body.format")


async def test_people_join_by_themselves(sim):
    person = sim.dingtalk.state.ensure_staff("s1")
    assert sim.dingtalk.state.ensure_staff("s1") is person
    code = sim.dingtalk.state.keep_file(b"x", "image/png")
    assert sim.dingtalk.state.files[code] == (b"x", "image/png")


async def test_tokens_may_end_earlier_than_they_promise(sim, api):
    app = sim.dingtalk.app
    sim.dingtalk.knobs.token_life_seconds = 60
    made = await api.post("/v1.0/oauth2/accessToken", {"appKey": app.client_id, "appSecret": app.client_secret})
    assert made["expireIn"] == 7200
    sim.clock.advance(60)
    assert not sim.dingtalk.state.is_good(made["accessToken"])


async def test_people_are_found_by_union_id(sim):
    person = sim.dingtalk.state.ensure_staff("s1")
    assert sim.dingtalk.state.staff_id_of(person.union_id) == "s1"
    assert sim.dingtalk.state.staff_id_of("union-nobody") == "union-nobody"
