"""Contact ways: QR codes with a state."""

import pytest

WAY = {"type": 2, "scene": 2, "state": "expo", "user": ["WangWu", "lisi"], "skip_verify": True}


async def test_a_way_is_made_shown_changed_and_deleted(wecom, qy):
    made = await qy.contact("add_contact_way", WAY)
    assert made["qr_code"].startswith("https://")
    key = {"config_id": made["config_id"]}
    assert (await qy.contact("get_contact_way", key))["contact_way"]["state"] == "expo"
    assert (await qy.contact("update_contact_way", {**key, "state": "expo2"}))["errcode"] == 0
    assert (await qy.contact("get_contact_way", key))["contact_way"]["state"] == "expo2"
    assert (await qy.contact("list_contact_way", {"limit": 10}))["contact_way"] == [key]
    assert (await qy.contact("del_contact_way", key))["errcode"] == 0
    assert (await qy.contact("get_contact_way", key))["errcode"] == 41044


async def test_scans_go_round_and_carry_the_state(wecom, qy, hook):
    made = await qy.contact("add_contact_way", WAY)
    for name in ("赵", "钱"):
        await wecom.customers.scan(made["config_id"], name)
        assert wecom.last.fields["State"] == "expo"
    assert [len(wecom.state.relations.customers_of(userid)) for userid in ("WangWu", "lisi")] == [1, 1]


async def test_a_button_has_no_picture(wecom, qy):
    made = await qy.contact("add_contact_way", {"type": 1, "scene": 1, "user": ["lisi"]})
    assert "qr_code" not in made


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"type": 3}, 41039),
        ({"scene": 3}, 41040),
        ({"type": None}, 41037),
        ({"scene": None}, 41038),
        ({"state": "x" * 31}, 40058),
        ({"user": []}, 40058),
        ({"type": 1}, 41041),
        ({"user": ["nobody"]}, 60111),
        ({"user": ["sleeper"]}, 41054),
        ({"user": ["noaccess"]}, 84074),
    ],
)
async def test_refusals(wecom, qy, changes, code):
    wecom.add_member("sleeper", "睡", status=4)
    wecom.add_member("noaccess", "无", may_contact=False)
    assert (await qy.contact("add_contact_way", WAY | changes))["errcode"] == code
    assert wecom.ways.ways == {}
