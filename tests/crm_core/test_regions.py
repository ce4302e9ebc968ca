"""Regions: one spelling and one code, however they are written."""

import pytest

from crm_core.regions import find_region


@pytest.mark.parametrize(
    ("said", "text", "code"),
    [
        ("上海市浦东", "上海浦东", "310115"),
        ("上海浦东新区", "上海浦东", "310115"),
        ("浦东新区", "上海浦东", "310115"),
        ("上海市 上海市 浦东新区", "上海浦东", "310115"),
        ("北京市市辖区海淀区", "北京海淀", "110108"),
        ("江苏省/苏州市/昆山市", "江苏苏州昆山", "320583"),
        ("苏州昆山", "江苏苏州昆山", "320583"),
        ("吉林", "吉林", "220000"),
        ("吉林省吉林市", "吉林吉林", "220200"),
        ("内蒙古自治区呼和浩特市", "内蒙古呼和浩特", "150100"),
        ("云南大理州", "云南大理", "532900"),
        ("浙江省杭州市余杭区文一西路1号", "浙江杭州余杭文一西路1号", "330110"),
        ("Ｓhanghai", "Shanghai", ""),
        ("", "", ""),
    ],
)
def test_one_place_has_one_spelling_and_one_code(said: str, text: str, code: str) -> None:
    found = find_region(said)
    assert (found.text, found.code) == (text, code)


@pytest.mark.parametrize("said", ["朝阳区", "江北区", "西湖区", "鼓楼区", "火星"])
def test_a_name_of_several_places_is_kept_and_not_guessed(said: str) -> None:
    assert find_region(said).code == ""
    assert find_region(said).text == said


def test_a_district_is_looked_for_where_it_is_said_to_be() -> None:
    assert find_region("重庆江北").code == "500105"
    assert find_region("宁波江北").code == "330205"
    assert find_region("北京朝阳").code == "110105"
    assert find_region("朝阳市").code == "211300"
