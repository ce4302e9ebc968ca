"""Customers through the API: lists, details, remarks."""


async def test_lists_and_details(sim, wecom, qy):
    first = await wecom.add_external("WangWu", "赵总", "store_88")
    second = await wecom.add_external("WangWu", "钱总")
    await wecom.customers.add("lisi", "赵总", external_userid=first)
    assert (await qy.contact("get_follow_user_list"))["follow_user"] == ["WangWu", "lisi"]
    assert (await qy.contact("list", userid="wangwu"))["external_userid"] == [first, second]
    shown = await qy.contact("get", external_userid=first)
    assert shown["external_contact"]["name"] == "赵总"
    assert [(row["userid"], row.get("state")) for row in shown["follow_user"]] == [("WangWu", "store_88"), ("lisi", None)]
    assert "next_cursor" not in shown
    assert sim.complaints == []


async def test_details_come_in_pages(wecom, qy):
    keys = [await wecom.add_external("WangWu", str(number)) for number in range(3)]
    keys.append(await wecom.add_external("lisi", "3"))
    body, seen = {"userid_list": ["WangWu", "lisi"], "limit": 3}, []
    while True:
        page = await qy.contact("batch/get_by_user", body)
        seen += [row["external_contact"]["external_userid"] for row in page["external_contact_list"]]
        if not page["next_cursor"]:
            break
        body["cursor"] = page["next_cursor"]
    assert seen == keys
    assert page["external_contact_list"][0]["follow_info"]["tag_id"] == []
    assert (await qy.contact("batch/get_by_user", {"userid_list": ["lisi"], "limit": 101}))["errcode"] == 40058
    assert (await qy.contact("batch/get_by_user", {"userid_list": ["x"] * 101}))["errcode"] == 40032


async def test_five_hundred_members_to_a_page(wecom, qy):
    key = await wecom.add_external("WangWu", "赵总")
    for number in range(500):
        wecom.add_member(f"m{number}", "员")
        wecom.state.relations.connect(f"m{number}", key)
    first = await qy.contact("get", external_userid=key)
    second = await qy.contact("get", external_userid=key, cursor=first["next_cursor"])
    assert [len(first["follow_user"]), len(second["follow_user"])] == [500, 1]


async def test_a_remark_is_written_and_pushes_nothing(sim, wecom, qy, hook):
    key = await wecom.add_external("WangWu", "赵总")
    body = {"userid": "WangWu", "external_userid": key, "remark": "大客户", "remark_mobiles": ["13800000009"]}
    assert (await qy.contact("remark", body))["errcode"] == 0
    shown = (await qy.contact("get", external_userid=key))["follow_user"][0]
    assert (shown["remark"], shown["remark_mobiles"]) == ("大客户", ["13800000009"])
    assert len(hook.seen) == 1
    await qy.contact("remark", {**body, "remark": "很" * 30})
    assert "cut off" in sim.complaints[0].what
    assert (await qy.contact("remark", {"userid": "WangWu", "external_userid": "wmX"}))["errcode"] == 40096
    assert (await qy.contact("remark", {**body, "userid": "lisi"}))["errcode"] == 84061


async def test_strangers_and_ends(wecom, qy):
    assert (await qy.contact("list", userid="lisi"))["errcode"] == 84061
    assert (await qy.contact("list"))["errcode"] == 41009
    assert (await qy.contact("get"))["errcode"] == 41035
    assert (await qy.contact("get", external_userid="wmX"))["errcode"] == 40096
    key = await wecom.add_external("WangWu", "赵总")
    wecom.add_member("noaccess", "无", may_contact=False)
    assert (await qy.contact("list", userid="noaccess"))["errcode"] == 84061
    await wecom.remove_external("WangWu", key)
    assert (await qy.contact("get", external_userid=key))["errcode"] == 84061
    other = await wecom.add_external("WangWu", "钱总")
    await wecom.external_leaves("WangWu", other)
    assert (await qy.contact("list", userid="WangWu"))["errcode"] == 84061
    assert wecom.state.relations.count() == 0
