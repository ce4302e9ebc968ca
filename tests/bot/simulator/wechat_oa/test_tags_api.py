"""Tags with their limits."""

import pytest

CREATE, UPDATE, DELETE = "/cgi-bin/tags/create", "/cgi-bin/tags/update", "/cgi-bin/tags/delete"
TAG = "/cgi-bin/tags/members/batchtagging"


async def make(api, name: str = "展会") -> int:
    return (await api.wechat(CREATE, {"tag": {"name": name}}))["tag"]["id"]


async def test_renamed_listed_and_deleted(sim, api):
    number = await make(api)
    for name in ("oA", "oB"):
        sim.wechat.state.followers.ensure(name)
    assert (await api.wechat(TAG, {"tagid": number, "openid_list": ["oA", "oB"]}))["errcode"] == 0
    page = await api.wechat("/cgi-bin/user/tag/get", {"tagid": number, "next_openid": ""})
    assert (page["count"], page["data"]["openid"], page["next_openid"]) == (2, ["oA", "oB"], "oB")
    last = await api.wechat("/cgi-bin/user/tag/get", {"tagid": number, "next_openid": "oB"})
    assert (last["count"], "data" in last) == (0, False)
    assert (await api.wechat("/cgi-bin/tags/getidlist", {"openid": "oA"}))["tagid_list"] == [number]
    assert (await api.wechat("/cgi-bin/tags/getidlist", {"openid": "oZ"}))["errcode"] == 40003
    assert (await api.wechat(UPDATE, {"tag": {"id": number, "name": "展会"}}))["errcode"] == 0
    assert (await api.wechat(UPDATE, {"tag": {"id": number, "name": "门店"}}))["errcode"] == 0
    assert (await api.wechat(DELETE, {"tag": {"id": number}}))["errcode"] == 0
    assert sim.wechat.state.followers.find("oA").tag_ids == set()


@pytest.mark.parametrize(
    ("path", "tag", "code"),
    [
        (UPDATE, {"id": 2, "name": "x"}, 45058),
        (DELETE, {"id": 1}, 45058),
        (DELETE, {"id": 9}, 45159),
        (UPDATE, {"id": 9, "name": "x"}, 45159),
        (CREATE, {"name": ""}, 45158),
        (CREATE, {"name": "星标组"}, 45157),
    ],
)
async def test_refused(api, path, tag, code):
    assert (await api.wechat(path, {"tag": tag}))["errcode"] == code


async def test_a_hundred_tags_and_twenty_a_person(sim, api):
    numbers = [await make(api, f"t{number}") for number in range(100)]
    assert (await api.wechat(CREATE, {"tag": {"name": "more"}}))["errcode"] == 45056
    for name in ("oA", "oB"):
        sim.wechat.state.followers.ensure(name)
    for number in numbers[:20]:
        await api.wechat(TAG, {"tagid": number, "openid_list": ["oA"]})
    assert (await api.wechat(TAG, {"tagid": numbers[20], "openid_list": ["oB", "oA"]}))["errcode"] == 45059
    assert sim.wechat.state.followers.find("oB").tag_ids == set()
    assert (await api.wechat(TAG, {"tagid": numbers[0], "openid_list": ["oA"] * 51}))["errcode"] == 40032
