"""Calls of a wrong shape get an errcode, never a broken platform."""

import pytest

PATHS = {
    "message/send": ("touser", "msgtype", "agentid", "text", "news", "template_card", "miniprogram_notice"),
    "message/update_template_card": ("userids", "agentid", "response_code", "button", "template_card"),
    "menu/create": ("button",),
    "externalcontact/batch/get_by_user": ("userid_list", "cursor", "limit"),
    "externalcontact/remark": ("userid", "external_userid", "remark", "remark_mobiles"),
    "externalcontact/mark_tag": ("userid", "external_userid", "add_tag"),
    "externalcontact/add_corp_tag": ("group_name", "tag", "order"),
    "externalcontact/get_corp_tag_list": ("tag_id", "group_id"),
    "externalcontact/add_contact_way": ("type", "scene", "user", "state"),
    "externalcontact/groupchat/list": ("limit", "owner_filter", "status_filter"),
    "externalcontact/add_msg_template": ("chat_type", "external_userid", "sender", "tag_filter", "text", "attachments"),
    "externalcontact/send_welcome_msg": ("welcome_code", "text", "attachments"),
    "externalcontact/get_groupmsg_list_v2": ("chat_type", "start_time", "end_time", "limit"),
    "externalcontact/get_groupmsg_send_result": ("msgid", "userid", "limit"),
}
STRANGE = [None, 0, -1, True, "x", "text", "single", "WangWu", [], [1], ["x"], [None], [{}], {}, {"content": 1}]
STRANGE += [{"group_list": 1}, {"userid_list": 1}, {"articles": [1]}, {"card_type": "button_interaction", "button_list": 3}]


@pytest.mark.parametrize("path", PATHS)
async def test_no_shape_breaks_the_platform(wecom, qy, path):
    for name in PATHS[path]:
        for value in STRANGE:
            good = {"agentid": wecom.corp.agent_id, "msgtype": "text", "touser": "lisi", "text": {"content": "x"}}
            body = {key: good[key] for key in PATHS[path] if key in good} | {name: value}
            answer = await qy.call(path, body, agentid=str(wecom.corp.agent_id))
            assert isinstance(answer["errcode"], int), (name, value)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"', b"\xff"])
async def test_no_json_object_is_47001(sim, wecom, qy, body):
    assert (await qy.call("externalcontact/remark", body))["errcode"] == 47001
    assert sim.complaints


async def test_inner_shapes_are_noted(sim, wecom, qy):
    await wecom.add_external("WangWu", "赵总")
    body = {"sender": "WangWu", "text": {"content": "x"}, "tag_filter": {"group_list": 7}}
    assert (await qy.contact("add_msg_template", body))["errcode"] == 40058
    assert "inside" in sim.complaints[-1].what
