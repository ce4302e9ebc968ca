"""The menu with its limits, and a person's tap on it."""

import pytest

CREATE = "/cgi-bin/menu/create"
CLICK = {"type": "click", "name": "价格", "key": "价格"}
VIEW = {"type": "view", "name": "官网", "url": "https://e.cn"}


@pytest.mark.parametrize(
    ("buttons", "code"),
    [
        ([CLICK] * 4, 40016),
        ([{**CLICK, "type": "none"}], 40017),
        ([{**CLICK, "name": "六个汉字太长"}], 40018),
        ([{**CLICK, "key": "k" * 129}], 40019),
        ([{**VIEW, "url": "https://" + "a" * 1024}], 40020),
        ([{**VIEW, "url": "e.cn"}], 40055),
        ([{"name": "一", "sub_button": [{"name": "二", "sub_button": [CLICK]}]}], 40022),
        ([{"name": "一", "sub_button": [CLICK] * 6}], 40023),
        ([{"name": "一", "sub_button": [{**CLICK, "type": "none"}]}], 40024),
        ([{"name": "一", "sub_button": [{**CLICK, "name": "长" * 21}]}], 40025),
        ([{"name": "一", "sub_button": [{**CLICK, "key": ""}]}], 40026),
        ([{"name": "一", "sub_button": [{**VIEW, "url": ""}]}], 40027),
        ([{"name": "一", "sub_button": [{**VIEW, "url": "e.cn"}]}], 40054),
        ([{"type": "media_id", "name": "一"}], 40007),
        ([{"type": "miniprogram", "name": "一"}], 45064),
        (["odd"], 40017),
    ],
)
async def test_refused(api, buttons, code):
    assert (await api.wechat(CREATE, {"button": buttons}))["errcode"] == code


async def test_a_tap_is_pushed_as_what_the_item_is(sim, api, program):
    sim.wechat.account.mode = "plain"
    await api.wechat(CREATE, {"button": [{"name": "产品", "sub_button": [CLICK, VIEW]}]})
    await sim.wechat.tap("oA", "价格")
    await sim.wechat.tap("oA", "官网")
    first, second = (seen.body.decode() for seen in program.seen)
    assert "<Event><![CDATA[CLICK]]></Event><EventKey><![CDATA[价格]]>" in first
    assert "<Event><![CDATA[VIEW]]></Event><EventKey><![CDATA[https://e.cn]]>" in second
    assert sim.wechat.state.windows.count_left("oA") == 3
    with pytest.raises(KeyError):
        await sim.wechat.tap("oA", "产品")


async def test_the_same_menu_twice_is_complained_of(sim, api):
    for _ in range(2):
        await api.wechat(CREATE, {"button": [CLICK]})
    assert [complaint.where for complaint in sim.complaints] == [CREATE]
