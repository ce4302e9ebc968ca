"""Groups with customers in them."""

import pytest


async def test_groups_are_listed_and_shown(wecom, qy):
    customer = await wecom.add_external("WangWu", "赵总")
    first = await wecom.groups.create("WangWu", "老客户", ["lisi", customer])
    second = await wecom.groups.create("lisi", "新客户")
    page = await qy.contact("groupchat/list", {"limit": 1})
    rest = await qy.contact("groupchat/list", {"limit": 1, "cursor": page["next_cursor"]})
    assert [page["group_chat_list"][0]["chat_id"], rest["group_chat_list"][0]["chat_id"]] == [first, second]
    own = await qy.contact("groupchat/list", {"limit": 10, "owner_filter": {"userid_list": ["lisi"]}})
    assert [row["chat_id"] for row in own["group_chat_list"]] == [second]
    shown = (await qy.contact("groupchat/get", {"chat_id": first, "need_name": 1}))["group_chat"]
    people = {row["userid"]: (row["type"], row["name"]) for row in shown["member_list"]}
    assert people == {"WangWu": (1, "王五"), "lisi": (1, "李四"), customer: (2, "赵总")}
    plain = (await qy.contact("groupchat/get", {"chat_id": first}))["group_chat"]
    assert "name" not in plain["member_list"][0]


async def test_what_happens_in_a_group_is_pushed(wecom, qy, hook):
    customer = await wecom.add_external("WangWu", "赵总")
    chat_id = await wecom.groups.create("WangWu", "客户", [customer])
    details = []
    for step in (
        wecom.groups.join(chat_id, ["lisi"]),
        wecom.groups.quit(chat_id, ["lisi"]),
        wecom.groups.rename(chat_id, "大客户"),
        wecom.groups.announce(chat_id, "欢迎"),
        wecom.groups.hand_over(chat_id, "lisi"),
        wecom.groups.dismiss(chat_id),
    ):
        fields = (await step).fields
        assert (fields["FromUserName"], fields["Event"]) == ("sys", "change_external_chat")
        assert "AgentID" not in fields
        details.append(fields.get("UpdateDetail", fields["ChangeType"]))
    assert details == ["add_member", "del_member", "change_name", "change_notice", "change_owner", "dismiss"]
    joined = wecom.chat(chat_id)[1].body
    assert (joined["MemChangeCnt"], joined["JoinScene"], joined["MemChangeList"]) == (1, 3, {"Item": ["lisi"]})
    assert joined["LastMemVer"] != joined["CurMemVer"]
    assert (await qy.contact("groupchat/get", {"chat_id": chat_id}))["errcode"] == 40050
    assert (await qy.contact("groupchat/list", {"limit": 10}))["group_chat_list"] == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, 40058),
        ({"limit": 1001}, 40058),
        ({"limit": 1, "status_filter": 9}, 40058),
        ({"limit": 1, "owner_filter": {"userid_list": ["x"] * 101}}, 40032),
    ],
)
async def test_refusals(wecom, qy, body, code):
    assert (await qy.contact("groupchat/list", body))["errcode"] == code


async def test_tags_changed_in_the_console_are_pushed(wecom, hook):
    tag_id = await wecom.console_tags.create("级别", "A")
    group_id = next(iter(wecom.tags.groups))
    kinds = [wecom.last.fields["TagType"]]
    for step in (
        wecom.console_tags.rename(tag_id, "甲"),
        wecom.console_tags.shuffle(group_id),
        wecom.console_tags.delete(tag_id),
    ):
        fields = (await step).fields
        kinds.append(f"{fields['TagType']} {fields['ChangeType']}")
    assert kinds == ["tag", "tag update", "tag_group shuffle", "tag delete"]
    assert len(hook.seen) == 5
    with pytest.raises(KeyError):
        await wecom.console_tags.rename("x", "y")
