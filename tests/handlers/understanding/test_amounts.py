"""Money, discounts, chances and references."""

import pytest

from handlers.understanding.amounts import mark_chances, mark_discounts, mark_money, mark_refs
from handlers.understanding.mentions import DISCOUNT, MONEY, PERCENT, REF, Sentence


def marked(text: str, marker, kind: str) -> list:
    sentence = Sentence(text)
    marker(sentence)
    return [mention.value for mention in sentence.of(kind)]


@pytest.mark.parametrize(
    ("said", "yuan"),
    [
        ("50万", "500000.00"),
        ("3.5w", "35000.00"),
        ("两千八", "2800.00"),
        ("1.2亿", "120000000.00"),
        ("八百块", "800.00"),
        ("十二万五", "125000.00"),
        ("8k", "8000.00"),
        ("四十来万", "400000.00"),
        ("30到50万", "500000.00"),
        ("30-50万", "500000.00"),
        ("三五万", "50000.00"),
        ("两三万", "30000.00"),
        ("¥3,500", "3500.00"),
        ("￥38,000.50", "38000.50"),
        ("12万5", "125000.00"),
        ("35块5", "35.50"),
        ("一个亿", "100000000.00"),
        ("一百二十万", "1200000.00"),
        ("预算３０万", "300000.00"),
        ("报价12800", "12800.00"),
        ("八万八", "88000.00"),
        ("一千五百元", "1500.00"),
        ("2000元", "2000.00"),
        ("五六十万", "600000.00"),
        ("1.5千万", "15000000.00"),
        ("20w左右", "200000.00"),
        ("五十多万", "500000.00"),
        ("单价1200", "1200.00"),
        ("人民币3万元", "30000.00"),
        ("二十万出头", "200000.00"),
        ("一万零五百", "10500.00"),
        ("两万", "20000.00"),
        ("10个w", "100000.00"),
        ("一共6800", "6800.00"),
        ("36万8", "368000.00"),
    ],
)
def test_amounts(said, yuan):
    assert [money.text() for money in marked(said, mark_money, MONEY)] == [yuan]


@pytest.mark.parametrize(
    "said",
    [
        "20台",
        "三百个客户",
        "4K显示器",
        "5G",
        "万一",
        "万科",
        "50万粉丝",
        "一百台设备",
        "降价10%",
        "第3条",
        "一千人",
        "30天",
        "2026",
        "3楼",
        "百分百",
        "一万多用户",
    ],
)
def test_what_is_no_amount(said):
    assert marked(said, mark_money, MONEY) == []


@pytest.mark.parametrize("said", ["便宜两万", "再降5000元", "贵了3万", "少了八百块", "优惠2000元"])
def test_difference_is_told_from_an_amount(said):
    assert all(money.difference for money in marked(said, mark_money, MONEY))


@pytest.mark.parametrize(
    ("said", "share"),
    [
        ("九折", "0.90"),
        ("八五折", "0.85"),
        ("打95折", "0.95"),
        ("88折", "0.88"),
        ("9折", "0.90"),
        ("8.8折", "0.88"),
        ("七折", "0.70"),
        ("半价", "0.50"),
    ],
)
def test_discounts(said, share):
    assert marked(said, mark_discounts, DISCOUNT) == [share]


@pytest.mark.parametrize("said", ["打折", "折扣", "折腾", "骨折"])
def test_what_is_no_discount(said):
    assert marked(said, mark_discounts, DISCOUNT) == []


@pytest.mark.parametrize(
    ("said", "percent"),
    [
        ("六成把握", 60),
        ("80%", 80),
        ("五五开", 50),
        ("把握三成", 30),
        ("概率70%", 70),
        ("百分之六十的把握", 60),
        ("七成半把握", 75),
        ("降价10%", None),
        ("首付30%", None),
    ],
)
def test_chances(said, percent):
    assert marked(said, mark_chances, PERCENT) == ([percent] if percent is not None else [])


@pytest.mark.parametrize(
    ("said", "ref"),
    [
        ("第2条", "2"),
        ("#1024", "1024"),
        ("＃33", "33"),
        ("第十二条", "12"),
        ("任务88", "88"),
        ("第三个", "3"),
        ("2号任务", "2"),
        ("第一个周一", None),
        ("第三季度", None),
        ("88号", None),
    ],
)
def test_references(said, ref):
    assert marked(said, mark_refs, REF) == ([ref] if ref else [])
