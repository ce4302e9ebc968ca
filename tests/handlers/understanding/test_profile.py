"""Contact data and tags."""

import pytest


@pytest.mark.parametrize(
    ("said", "slots"),
    [
        ("张伟换号了 新电话１３７１２３４５６７８", {"person": "张伟", "phone": "13712345678"}),
        ("李娜生日农历八月十五", {"person": "李娜", "birthday": "lunar:08-15"}),
        ("李娜生日农历闰四月十五", {"person": "李娜", "birthday": "lunar:04L-15"}),
        ("张伟生日1988年5月3日", {"person": "张伟", "birthday": "1988-05-03"}),
        ("王总生日5月20号", {"person": "王建国", "birthday": "05-20"}),
        ("李娜的生日是2月29号", {"person": "李娜", "birthday": "02-29"}),
        ("王总升采购总监了", {"person": "王建国", "title": "采购总监"}),
        ("张伟跳槽到宏达贸易公司了", {"person": "张伟", "company": "宏达贸易公司"}),
        ("张总的办公地址搬到浦东大道100号了", {"person": "张伟", "address": "浦东大道100号"}),
        ("张总微信：zhang_wei88", {"person": "张伟", "wechat_id": "zhang_wei88"}),
        ("更新张伟邮箱 a@new.com", {"person": "张伟", "email": "a@new.com"}),
    ],
)
def test_changes(said, slots, understand):
    meaning = understand(said)
    assert (meaning.intent, meaning.slots) == ("update_contact", slots)


@pytest.mark.parametrize(
    ("said", "tags", "off"),
    [
        ("给张伟打上VIP标签", ["VIP"], False),
        ("恒信集团加标签 大客户、续费", ["大客户", "续费"], False),
        ("去掉李娜的价格敏感标签", ["价格敏感"], True),
        ("把王总的VIP标签去掉", ["VIP"], True),
        ("张伟标记为重点客户", ["重点客户"], False),
        ("给李娜打个标签 高意向", ["高意向"], False),
        ("给恒信集团贴两个标签：制造业和老客户", ["制造业", "老客户"], False),
    ],
)
def test_tags_on_and_off(said, tags, off, understand):
    slots = understand(said).slots
    assert (slots["tags"], slots.get("remove", False)) == (tags, off)
