"""Directory, menu, callback addresses."""

import pytest


async def test_members_and_departments(sim, wecom, qy):
    sales = wecom.add_department("销售部")
    wecom.add_member("a", "甲", "13900000000", department=sales.number, position="经理")
    wecom.add_member("hidden", "藏", visible=False)
    assert (await qy.call("user/get", userid="A"))["mobile"] == "13900000000"
    names = await qy.call("user/simplelist", department_id="1")
    assert [row["userid"] for row in names["userlist"]] == ["WangWu", "lisi"]
    rows = await qy.call("user/list", department_id="1", fetch_child="1")
    assert [row["name"] for row in rows["userlist"]] == ["王五", "李四", "甲"]
    assert [row["name"] for row in (await qy.call("department/list"))["department"]] == ["模拟企业", "销售部"]
    below = await qy.call("department/list", id=str(sales.number))
    assert below["department"][0]["parentid"] == 1
    assert (await qy.call("department/get", id="1"))["department"]["id"] == 1
    assert len((await qy.call("department/simplelist"))["department_id"]) == 2
    sim.options.wecom_shows_mobiles = False
    assert "mobile" not in await qy.call("user/get", userid="a")
    assert (await qy.call("user/getuserid", {"mobile": "13900000000"}))["userid"] == "a"


async def test_ids_come_in_pages(wecom, qy):
    first = await qy.call("user/list_id", {"limit": 1})
    second = await qy.call("user/list_id", {"limit": 1, "cursor": first["next_cursor"]})
    assert [first["dept_user"][0]["userid"], second["dept_user"][0]["userid"]] == ["WangWu", "lisi"]
    assert "next_cursor" not in second


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("user/get", {}, 41009),
        ("user/get", {"userid": "nobody"}, 60111),
        ("user/get", {"userid": "hidden"}, 60011),
        ("user/list", {"department_id": "9"}, 60003),
        ("department/list", {"id": "x"}, 40058),
        ("menu/get", {"agentid": "1000002"}, 46003),
        ("menu/get", {"agentid": "7"}, 40056),
        ("menu/get", {}, 41011),
    ],
)
async def test_refusals(wecom, qy, path, query, code):
    wecom.add_member("hidden", "藏", visible=False)
    assert (await qy.call(path, **query))["errcode"] == code


async def test_an_unknown_mobile(wecom, qy):
    assert (await qy.call("user/getuserid", {"mobile": "1"}))["errcode"] == 46004
    assert (await qy.call("user/list_id", {"limit": 0}))["errcode"] == 40058
    assert (await qy.call("user/list_id", {"cursor": "?"}))["errcode"] == 40058


async def test_the_menu(wecom, qy):
    menu = {"button": [{"name": "线索", "type": "click", "key": "leads"}]}
    agent = str(wecom.corp.agent_id)
    assert (await qy.call("menu/create", menu, agentid=agent))["errcode"] == 0
    assert (await qy.call("menu/get", agentid=agent))["button"] == menu["button"]
    assert (await qy.call("menu/delete", agentid=agent))["errcode"] == 0
    assert (await qy.call("menu/create", {"button": menu["button"] * 4}, agentid=agent))["errcode"] == 40016
    assert (await qy.call("menu/create", {"button": [{}]}, agentid=agent))["errcode"] == 40018
    assert (await qy.call("menu/create", {"button": [{"name": "x", "sub_button": [1] * 6}]}, agentid=agent))["errcode"] == 40023
    assert wecom.application.menu is None
    assert (await qy.call("agent/get", agentid=agent))["agentid"] == wecom.corp.agent_id


async def test_where_pushes_come_from(wecom, qy):
    assert (await qy.call("getcallbackip"))["ip_list"] == ["127.0.0.1"]
