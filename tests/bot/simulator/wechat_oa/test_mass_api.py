"""Mass messages."""

import pytest

SEND = "/cgi-bin/message/mass/send"
SEND_ALL = "/cgi-bin/message/mass/sendall"


def mass(openids: list[str], key: str = "", content: str = "新春快乐") -> dict:
    body = {"touser": openids, "msgtype": "text", "text": {"content": content}}
    return {**body, "clientmsgid": key} if key else body


@pytest.fixture
def people(sim) -> list[str]:
    names = ["oA", "oB", "oC"]
    for name in names:
        sim.wechat.state.followers.ensure(name)
    return names


async def test_a_key_holds_24_hours_and_gives_the_old_id(sim, api, people):
    first = await api.wechat(SEND, mass(people, "k1"))
    again = await api.wechat(SEND, mass(people, "k1"))
    assert (first["errcode"], again["errcode"]) == (0, 45065)
    assert again["msg_id"] == first["msg_id"]
    assert sim.wechat.count_received() == 3
    sim.clock.advance(24 * 3600)
    assert (await api.wechat(SEND, mass(people, "k1")))["errcode"] == 0
    assert sim.wechat.count_received("oA") == 2


async def test_without_a_key_audience_and_content_are_the_key(sim, api, people):
    assert (await api.wechat(SEND, mass(people)))["errcode"] == 0
    assert (await api.wechat(SEND, mass(people)))["errcode"] == 45065
    assert (await api.wechat(SEND, mass(people, content="别的")))["errcode"] == 0


async def test_four_a_month_for_each_person(sim, api, people):
    for number in range(5):
        assert (await api.wechat(SEND, mass(people, f"k{number}")))["errcode"] == 0
    assert sim.wechat.count_received("oA") == 4
    sim.clock.advance(31 * 86_400)
    await api.wechat(SEND, mass(people, "next"))
    assert sim.wechat.count_received("oA") == 5


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (mass(["oA"]), 40130),
        ({"touser": "oA", "msgtype": "text", "text": {"content": "x"}}, 40031),
        (mass([f"o{number}" for number in range(10_001)]), 40032),
        (mass(["oA", "oB"], "k" * 65), 45067),
        ({"touser": ["oA", "oB"], "msgtype": "none"}, 40008),
        ({"touser": ["oA", "oB"], "msgtype": "text", "text": {}}, 44004),
    ],
)
async def test_refused_lists_and_shapes(api, people, body, code):
    assert (await api.wechat(SEND, body))["errcode"] == code


async def test_to_all_once_a_day_and_four_a_month(sim, api, people):
    def body(number: int) -> dict:
        return {"filter": {"is_to_all": True}, "msgtype": "text", "text": {"content": "x"}, "clientmsgid": f"k{number}"}

    codes = [(await api.wechat(SEND_ALL, body(number)))["errcode"] for number in range(2)]
    for number in range(2, 6):
        sim.clock.advance(86_400)
        codes.append((await api.wechat(SEND_ALL, body(number)))["errcode"])
    assert codes == [0, 45028, 0, 0, 0, 45028]
    assert (await api.wechat(SEND_ALL, {"filter": 7, "msgtype": "text"}))["errcode"] == 47001


async def test_by_tag(sim, api, people):
    sim.wechat.state.followers.ensure("oB").tag_ids.add(100)
    body = {"filter": {"is_to_all": False, "tag_id": 100}, "msgtype": "mpnews", "mpnews": {"media_id": "M"}}
    answer = await api.wechat(SEND_ALL, body)
    assert answer["msg_data_id"] == answer["msg_id"]
    assert (sim.wechat.count_received("oB"), sim.wechat.count_received("oA")) == (1, 0)


async def test_result_event_and_state(sim, api, people, program):
    sim.wechat.account.mode = "plain"
    sim.wechat.state.followers.ensure("oB").blocked = True
    answer = await api.wechat(SEND, mass([*people, "oNobody"]))
    await sim.settle()
    event = program.seen[0].body.decode()
    assert "MASSSENDJOBFINISH" in event
    assert "<TotalCount>4</TotalCount><FilterCount>4</FilterCount><SentCount>2</SentCount><ErrorCount>2</ErrorCount>" in event
    state = await api.wechat("/cgi-bin/message/mass/get", {"msg_id": answer["msg_id"]})
    assert state == {"msg_id": answer["msg_id"], "msg_status": "SEND_SUCCESS"}
    assert (await api.wechat("/cgi-bin/message/mass/get", {"msg_id": "9"}))["errcode"] == 40059


async def test_a_subscription_account_has_one_a_day_and_no_lists(sim, api, people):
    sim.wechat.account.service = False
    assert (await api.wechat(SEND, mass(people)))["errcode"] == 48001
    body = {"filter": {"is_to_all": False, "tag_id": 100}, "msgtype": "text", "text": {"content": "x"}}
    codes = [(await api.wechat(SEND_ALL, {**body, "clientmsgid": key}))["errcode"] for key in "ab"]
    sim.clock.advance(86_400)
    codes.append((await api.wechat(SEND_ALL, {**body, "clientmsgid": "c"}))["errcode"])
    assert codes == [0, 45028, 0]


async def test_a_key_may_be_answered_too_fast(sim, api, people):
    sim.wechat.mass.too_fast_seconds = 60
    await api.wechat(SEND, mass(people, "k1"))
    assert (await api.wechat(SEND, mass(people, "k1")))["errcode"] == 45066
    sim.clock.advance(61)
    assert (await api.wechat(SEND, mass(people, "k1")))["errcode"] == 45065


async def test_preview_delete_and_speed(sim, api, people):
    preview = {"touser": "oA", "msgtype": "text", "text": {"content": "x"}}
    assert (await api.wechat("/cgi-bin/message/mass/preview", preview))["errcode"] == 0
    assert (await api.wechat("/cgi-bin/message/mass/preview", {**preview, "touser": "oZ"}))["errcode"] == 40003
    assert [entry.via for entry in sim.wechat.received("oA")] == ["preview"]
    sent = await api.wechat(SEND, {"touser": people, "msgtype": "mpnews", "mpnews": {"media_id": "M"}, "clientmsgid": "k"})
    assert (await api.wechat("/cgi-bin/message/mass/delete", {"msg_id": sent["msg_id"]}))["errcode"] == 0
    state = await api.wechat("/cgi-bin/message/mass/get", {"msg_id": sent["msg_id"]})
    assert state["msg_status"] == "DELETE"
    assert (await api.wechat("/cgi-bin/message/mass/speed/set", {"speed": 4}))["errcode"] == 0
    assert (await api.wechat("/cgi-bin/message/mass/speed/get", {})) == {"speed": 4, "realspeed": 10}
    assert (await api.wechat("/cgi-bin/message/mass/speed/set", {"speed": 5}))["errcode"] == 45084
    assert (await api.wechat("/cgi-bin/message/mass/speed/set", {"speed": "x"}))["errcode"] == 45083
    text = await api.wechat(SEND, mass(people, "k2"))
    await api.wechat("/cgi-bin/message/mass/delete", {"msg_id": text["msg_id"]})
    assert "cannot be deleted" in sim.complaints[-1].what


async def test_pictures_must_be_kept_and_a_list_names_everybody_once(sim, api, people):
    images = {"touser": people, "msgtype": "images", "images": {"media_ids": ["M"]}, "clientmsgid": "k"}
    assert (await api.wechat(SEND, images))["errcode"] == 40007
    images["images"]["media_ids"] = [sim.wechat.media.keep(b"\xff\xd8")]
    assert (await api.wechat(SEND, images))["errcode"] == 0
    assert sim.complaints == []
    await api.wechat(SEND, mass(["oA", "oA"]))
    assert [complaint.where for complaint in sim.complaints] == ["mass", "mass"]


async def test_results_are_held_and_may_be_bad(sim, api, people, program):
    sim.wechat.account.mode = "plain"
    sim.wechat.mass.hold_results, sim.wechat.mass.result_status = True, "err(20001)"
    answer = await api.wechat(SEND, mass(people, "k"))
    await sim.settle()
    assert program.seen == []
    sim.wechat.mass.release_results()
    await sim.settle()
    assert "err(20001)" in program.seen[0].body.decode()
    assert sim.wechat.count_received() == 0
    assert (await api.wechat("/cgi-bin/message/mass/get", {"msg_id": answer["msg_id"]}))["msg_status"] == "SEND_FAIL"
