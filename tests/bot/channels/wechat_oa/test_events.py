"""What events tell, those beside the given cases."""

import pytest

from bot.channel import BadRequest
from bot.channels.wechat_oa.events import event_data


@pytest.mark.parametrize(
    ("event", "tree", "expected"),
    [
        ("subscribe", {"EventKey": "scanbarcode|SCAN"}, {"event_key": "scanbarcode|SCAN"}),
        ("subscribe", {}, {"event_key": ""}),
        ("view_miniprogram", {"EventKey": "p/a", "MenuId": 4}, {"event_key": "p/a", "menu_id": "4", "url": "p/a"}),
        (
            "pic_sysphoto",
            {"EventKey": "k", "SendPicsInfo": {"Count": "1", "PicList": {"item": {"PicMd5Sum": "m"}}}},
            {"event_key": "k", "count": 1, "pic_md5_sums": ["m"]},
        ),
        (
            "location_select",
            {"EventKey": "k", "SendLocationInfo": {"Location_X": "23", "Location_Y": "113.5", "Scale": "15", "Label": "广州"}},
            {"event_key": "k", "latitude": 23, "longitude": 113.5, "scale": 15, "label": "广州", "place_name": ""},
        ),
        (
            "templatesendjobfinish",
            {"MsgID": "7", "Status": "success"},
            {"job_msg_id": "7", "raw_status": "success", "delivered": True},
        ),
        (
            "subscribe_msg_change_event",
            {"List": {"TemplateId": "T", "SubscribeStatusString": "reject"}},
            {"items": [{"template_id": "T", "status": "reject"}]},
        ),
        (
            "subscribe_msg_sent_event",
            {"List": [{"TemplateId": "T", "MsgID": "1", "ErrorCode": 0, "ErrorStatus": "success"}]},
            {"items": [{"template_id": "T", "job_msg_id": "1", "error_code": 0, "error_status": "success"}]},
        ),
        (
            "freepublishjobfinish",
            {"Event": "x", "PublishEventInfo": {"publish_id": 5, "publish_status": 0, "article_id": "a"}},
            {
                "publish_id": "5",
                "publish_status": 0,
                "article_id": "a",
                "raw": {"PublishEventInfo": {"publish_id": 5, "publish_status": 0, "article_id": "a"}},
            },
        ),
        ("brand_new", {"EventKey": "k", "New": {"A": "1"}}, {"event_key": "k", "raw": {"EventKey": "k", "New": {"A": "1"}}}),
    ],
)
def test_event_tells_its_data(event: str, tree: dict[str, object], expected: dict[str, object]) -> None:
    assert event_data(event, tree) == expected


def test_an_event_with_a_wrong_shape_is_refused() -> None:
    for event, tree in [
        ("masssendjobfinish", {"MsgID": "1", "TotalCount": "many"}),
        ("scancode_push", {"EventKey": "k", "ScanCodeInfo": "x"}),
        ("subscribe_msg_popup_event", {"List": ["x"]}),
    ]:
        with pytest.raises(BadRequest):
            event_data(event, tree)
