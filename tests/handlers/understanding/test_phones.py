"""Phone numbers, addresses and WeChat ids."""

import pytest

from handlers.understanding.mentions import EMAIL, LINK, PHONE, Sentence
from handlers.understanding.phones import find_wechat_id, malformed_phone, mark_addresses


def marked(text: str, kind: str) -> list[str]:
    sentence = Sentence(text)
    mark_addresses(sentence)
    return [mention.value for mention in sentence.of(kind)]


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("13800138000", "13800138000"),
        ("138 0013 8000", "13800138000"),
        ("+86 139-1234-5678", "13912345678"),
        ("0086 13912345678", "13912345678"),
        ("１３７１２３４５６７８", "13712345678"),
        ("电话138-0013-8000。", "13800138000"),
        ("8613800138000", "13800138000"),
        ("186.1234.5678", "18612345678"),
        ("021-62881234", "021-62881234"),
        ("(021)62881234", "021-62881234"),
        ("0571 8765 4321", "0571-87654321"),
        ("010 6288 1234", "010-62881234"),
    ],
)
def test_numbers(said, number):
    assert marked(said, PHONE) == [number]


@pytest.mark.parametrize("said", ["138001380001", "12345678901", "订单20261125001", "13800", "#13800138000"])
def test_what_is_no_number(said):
    assert marked(said, PHONE) == []


def test_mail_and_link():
    assert marked("邮箱info@yunfan.cn，", EMAIL) == ["info@yunfan.cn"]
    assert marked("见 https://example.com/a?b=1 好", LINK) == ["https://example.com/a?b=1"]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("微信号 lina_2020", "lina_2020"),
        ("微信：Zhang-Wei88", "Zhang-Wei88"),
        ("vx abc12345", "abc12345"),
        ("微信聊了", None),
        ("微信ok", None),
    ],
)
def test_wechat_ids(said, found):
    assert find_wechat_id(Sentence(said)) == found


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("新线索 王五 1380013800", "1380013800"),
        ("新线索 王五 138001380000 想要20台", "138001380000"),
        ("张伟换号了 138-0013-80001", "138-0013-80001"),
        ("王五 12345678901", "12345678901"),
        ("张三 13800138000 和 李四 1390013900", "1390013900"),
        ("王五 13800138000", None),
        ("订单号1380013800", None),
        ("单号：1380013800", None),
        ("#1380013800", None),
        ("QQ 1380013800", None),
        ("预算1380013800元", None),
        ("1 2 3 4 5 6 7 8 9", None),
        ("021-62881234", None),
    ],
)
def test_malformed_mobile(text, number):
    assert malformed_phone(text) == number
