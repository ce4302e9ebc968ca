"""The address book as a sync reads it."""

import pytest


@pytest.fixture
def house(sim):
    dingtalk = sim.dingtalk
    dingtalk.add_department(10, "销售部")
    dingtalk.add_department(11, "华南组", 10)
    dingtalk.add_staff("s1", "小王", mobile="13800000001", department_ids=(11,), is_admin=True)
    dingtalk.add_staff("s2", "小李", mobile="13800000002", department_ids=(11,))
    dingtalk.add_staff("x", "外人", outsider=True, department_ids=(11,))
    return dingtalk


async def test_a_tree_is_walked(house, api):
    async def ask(path: str, **fields: object) -> object:
        answer = await api.post(path, fields, access_token=api.dingtalk_token())
        assert (answer["errcode"], answer["errmsg"]) == (0, "ok")
        return answer["result"]

    assert [row["dept_id"] for row in await ask("/topapi/v2/department/listsub")] == [10]
    below = await ask("/topapi/v2/department/listsub", dept_id=10)
    assert [(row["dept_id"], row["name"], row["parent_id"]) for row in below] == [(11, "华南组", 10)]
    assert (await ask("/topapi/user/listid", dept_id=11)) == {"userid_list": ["s1", "s2"]}
    person = await ask("/topapi/v2/user/get", userid="s1")
    assert (person["name"], person["mobile"], person["dept_id_list"], person["admin"]) == ("小王", "13800000001", [11], True)
    assert (await ask("/topapi/v2/user/getbymobile", mobile="13800000002")) == {"userid": "s2"}
    assert (await ask("/topapi/user/getbyunionid", unionid=person["unionid"]))["userid"] == "s1"
    assert (await ask("/topapi/v2/department/get", dept_id=1))["name"] == "公司"
    first = await ask("/topapi/v2/user/list", dept_id=11, cursor=0, size=1)
    assert ([row["userid"] for row in first["list"]], first["has_more"], first["next_cursor"]) == (["s1"], True, 1)
    second = await ask("/topapi/v2/user/list", dept_id=11, cursor=1, size=1)
    assert ([row["userid"] for row in second["list"]], second["has_more"]) == (["s2"], False)


@pytest.mark.parametrize(
    ("path", "fields", "code"),
    [
        ("/topapi/v2/user/get", {"userid": "nobody"}, 60121),
        ("/topapi/v2/user/get", {"userid": "x"}, 60121),
        ("/topapi/v2/user/getbymobile", {"mobile": "13900000000"}, 60121),
        ("/topapi/v2/user/getbymobile", {}, 400002),
        ("/topapi/user/listid", {"dept_id": 99}, 60003),
        ("/topapi/user/listid", {"dept_id": "x"}, 400002),
        ("/topapi/v2/user/list", {"dept_id": 1, "cursor": 0, "size": 101}, 400002),
    ],
)
async def test_what_is_not_there(house, api, path, fields, code):
    assert (await api.post(path, fields, access_token=api.dingtalk_token()))["errcode"] == code


async def test_bodies_may_be_forms(house, api):
    url = f"{api.sim.base_url}/topapi/v2/user/get"
    async with api.session.post(url, params={"access_token": api.dingtalk_token()}, data={"userid": "s1"}) as answer:
        assert (await answer.json())["result"]["name"] == "小王"


async def test_tokens_are_checked(api):
    assert (await api.post("/topapi/v2/user/get", {"userid": "s1"}, access_token="x"))["errcode"] == 40014
