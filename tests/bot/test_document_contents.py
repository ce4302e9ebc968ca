"""What documents of WeChat and WeCom tell alike; the given cases go through the channels."""

import pytest

from bot.channel import BadRequest
from bot.document_contents import chosen_pictures, chosen_place, image, link, location, scanned_code, video, voice

PLACE = {"Location_X": "31.2", "Location_Y": 121.4, "Scale": "16", "Label": "上海"}
READ_PLACE = {"latitude": 31.2, "longitude": 121.4, "scale": 16, "label": "上海"}


def test_messages_have_a_text_and_data() -> None:
    assert image({"MediaId": "m", "PicUrl": "u"}) == ("", {"media_id": "m", "pic_url": "u"})
    assert voice({"MediaId": "m", "Format": "amr"}) == ("", {"media_id": "m", "format": "amr"})
    assert voice({"Recognition": "你好"})[0] == "你好"
    assert video({"MediaId": "m"}) == ("", {"media_id": "m", "thumb_media_id": ""})
    assert location(PLACE) == ("上海", READ_PLACE)
    assert link({"Title": "t", "Url": "u"}) == ("t", {"title": "t", "description": "", "url": "u"})


def test_menu_events_have_data_whether_one_or_many() -> None:
    assert scanned_code({"ScanCodeInfo": {"ScanType": "qrcode", "ScanResult": "r"}}) == {
        "scan_type": "qrcode",
        "scan_result": "r",
    }
    for item in ({"PicMd5Sum": "a"}, [{"PicMd5Sum": "a"}]):
        pictures = {"SendPicsInfo": {"Count": "1", "PicList": {"item": item}}}
        assert chosen_pictures(pictures) == {"count": 1, "pic_md5_sums": ["a"]}
    assert chosen_place({"SendLocationInfo": {**PLACE, "Poiname": "外滩"}}) == {**READ_PLACE, "place_name": "外滩"}


def test_an_odd_value_is_refused() -> None:
    for read in (scanned_code, chosen_pictures, chosen_place):
        with pytest.raises(BadRequest):
            read({"ScanCodeInfo": "x", "SendPicsInfo": "x", "SendLocationInfo": "x"})
