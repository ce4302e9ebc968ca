"""One normalisation for what comes from anywhere."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_core import normalising, wording


@pytest.mark.parametrize(
    ("said", "stored"),
    [
        ("13800138000", "+8613800138000"),
        ("１３８ 0013 8000", "+8613800138000"),
        ("+86 138-0013-8000", "+8613800138000"),
        ("021-62881234", "+862162881234"),
        ("12345", None),
        ("abc", None),
        ("", None),
    ],
)
def test_phone(said: str, stored: str | None) -> None:
    assert normalising.phone(said) == stored


@pytest.mark.parametrize(
    ("said", "stored", "honorific"),
    [
        ("张　伟", "张伟", ""),
        (" 李四 先生", "李四", "先生"),
        ("王芳（女士）", "王芳", "女士"),
        ("王总", "王总", ""),
        ("赵总经理", "赵总经理", ""),
        ("欧阳娜娜总监", "欧阳娜娜", "总监"),
        ("ＪＯＨＮ  Smith", "JOHN Smith", ""),
        ("张\u200b伟\x00", "张伟", ""),
    ],
)
def test_name(said: str, stored: str, honorific: str) -> None:
    assert normalising.name(said) == stored
    assert normalising.honorific(said) == honorific


def test_company() -> None:
    assert normalising.company("ＡＢ科技(上海) 有限公司") == "AB科技（上海） 有限公司"
    assert normalising.company("ABC (China) Ltd") == "ABC (China) Ltd"


@pytest.mark.parametrize(
    ("said", "stored"),
    [("A.b@Example.CN", "a.b@example.cn"), (" x＠qq.com", "x@qq.com"), ("a@b", None), ("a b@c.cn", None), ("@x.cn", None)],
)
def test_email(said: str, stored: str | None) -> None:
    assert normalising.email(said) == stored


def test_openid_wechat_id_and_credit_code() -> None:
    assert normalising.openid("o6_bmjrPTlm6_2sgVt7hMZOPfL2M") == "o6_bmjrPTlm6_2sgVt7hMZOPfL2M"
    assert normalising.openid("x6_bmjrPTlm6_2sgVt7hMZOPfL2M") is None
    assert normalising.openid("o123") is None
    assert normalising.wechat_id("zhang_wei-1") == "zhang_wei-1"
    assert normalising.wechat_id("张伟") is None
    assert normalising.credit_code("9131 0000 6073 6617 1g".replace("g", "G")) in (None, "91310000607366171G")
    assert normalising.credit_code("91350100M000100Y43") == "91350100M000100Y43"
    assert normalising.credit_code("91350100M000100Y44") is None


@pytest.mark.parametrize(
    "said",
    [
        "2026-01-05 09:03",
        "2026/1/5 9:03",
        "2026年1月5日 9:03",
        "2026-01-05T01:03:00Z",
        "2026-01-05T09:03:00+08:00",
        "20260105 09:03",
    ],
)
def test_instants_of_all_writings_are_the_same(said: str) -> None:
    assert normalising.instant(said) == datetime(2026, 1, 5, 1, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    "said", ["2026-02-30", "2026-13-01", "1850-01-01", "2026-01-05 25:00", "gestern", "99999999999", "2026-1"]
)
def test_impossible_dates_are_none(said: str) -> None:
    assert normalising.instant(said) is None


def test_birthdays() -> None:
    assert normalising.birthday("1980/1/15") == "1980-01-15"
    assert normalising.birthday("1月5日") == "01-05"
    assert normalising.birthday("lunar:08-15") == "lunar:08-15"
    assert normalising.birthday("农历正月十五") == "lunar:01-15"
    assert normalising.birthday("农历闰四月 初一") == "lunar:04L-01"
    assert normalising.birthday("阴历腊月廿三日") == "lunar:12-23"
    assert normalising.birthday("农历一月四十") is None
    assert normalising.birthday("02-30") is None


def test_free_text_keeps_its_lines_and_its_punctuation() -> None:
    assert wording.lines(" 要20台，\r\n含税\x07 ") == "要20台，\n含税"
    assert wording.words("a\tb\n c") == "a b c"


@given(st.text(max_size=80))
def test_nothing_makes_it_fall(text: str) -> None:
    for function in (
        normalising.phone,
        normalising.name,
        normalising.company,
        normalising.region,
        normalising.email,
        normalising.wechat_id,
        normalising.openid,
        normalising.credit_code,
        normalising.instant,
        normalising.birthday,
    ):
        function(text)
    assert normalising.words(normalising.words(text)) == normalising.words(text)
