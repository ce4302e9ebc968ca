"""The corporation's tags."""


async def test_tags_are_made_listed_changed_and_deleted(wecom, qy, hook):
    made = (await qy.contact("add_corp_tag", {"group_name": "级别", "tag": [{"name": "A"}, {"name": "B", "order": 2}]}))[
        "tag_group"
    ]
    tag_a, tag_b = (row["id"] for row in made["tag"])
    again = await qy.contact("add_corp_tag", {"group_id": made["group_id"], "tag": [{"name": "C"}]})
    assert [row["name"] for row in again["tag_group"]["tag"]] == ["C"]
    listed = (await qy.contact("get_corp_tag_list", {}))["tag_group"]
    assert [row["name"] for row in listed[0]["tag"]] == ["A", "B", "C"]
    some = (await qy.contact("get_corp_tag_list", {"tag_id": [tag_b]}))["tag_group"]
    assert [row["id"] for row in some[0]["tag"]] == [tag_b]
    assert (await qy.contact("get_corp_tag_list", {"group_id": ["x"]}))["tag_group"] == []
    assert (await qy.contact("edit_corp_tag", {"id": tag_a, "name": "甲", "order": 3}))["errcode"] == 0
    assert (await qy.contact("del_corp_tag", {"tag_id": [tag_b]}))["errcode"] == 0
    assert (await qy.contact("del_corp_tag", {"group_id": [made["group_id"]]}))["errcode"] == 0
    assert (await qy.contact("get_corp_tag_list", {}))["tag_group"] == []
    assert hook.seen == []  # changes through the API push nothing


async def test_a_customer_is_marked(wecom, qy):
    key = await wecom.add_external("WangWu", "赵总")
    made = (await qy.contact("add_corp_tag", {"group_name": "级别", "tag": [{"name": "A"}, {"name": "B"}]}))["tag_group"]
    tag_a, tag_b = (row["id"] for row in made["tag"])
    body = {"userid": "WangWu", "external_userid": key}
    assert (await qy.contact("mark_tag", {**body, "add_tag": [tag_a, tag_b]}))["errcode"] == 0
    assert (await qy.contact("mark_tag", {**body, "remove_tag": [tag_a]}))["errcode"] == 0
    tags = (await qy.contact("get", external_userid=key))["follow_user"][0]["tags"]
    assert tags == [{"group_name": "级别", "tag_name": "B", "tag_id": tag_b, "type": 1}]
    assert (await qy.contact("mark_tag", body))["errcode"] == 40058
    assert (await qy.contact("mark_tag", {**body, "add_tag": ["x"]}))["errcode"] == 40068
    assert (await qy.contact("mark_tag", {**body, "userid": "lisi", "add_tag": [tag_a]}))["errcode"] == 84061
    await qy.contact("del_corp_tag", {"tag_id": [tag_b]})
    assert (await qy.contact("get", external_userid=key))["follow_user"][0]["tags"] == []


async def test_refusals(wecom, qy):
    assert (await qy.contact("add_corp_tag", {"group_name": "级别", "tag": [{"name": "x" * 31}]}))["errcode"] == 40072
    assert (await qy.contact("add_corp_tag", {"group_name": "", "tag": [{"name": "A"}]}))["errcode"] == 40072
    assert (await qy.contact("add_corp_tag", {"group_id": "x", "tag": [{"name": "A"}]}))["errcode"] == 40068
    await qy.contact("add_corp_tag", {"group_name": "级别", "tag": [{"name": "A"}]})
    assert (await qy.contact("add_corp_tag", {"group_name": "级别", "tag": [{"name": "A"}]}))["errcode"] == 40071
    assert (await qy.contact("edit_corp_tag", {"id": "x", "name": "y"}))["errcode"] == 40068
    assert (await qy.contact("del_corp_tag", {}))["errcode"] == 40058
    assert (await qy.contact("del_corp_tag", {"tag_id": ["x"]}))["errcode"] == 40068
