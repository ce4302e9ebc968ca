"""Names for comparing: one width, no legal form, by sound, the surname read as one."""

import pytest

from crm_core.name_keys import CompanyName, company_key, company_name, person_key, plain_name, warm_up, with_keys


@pytest.mark.parametrize(
    "names",
    [
        ("东风机械有限公司", "东风机械公司", "东风机械", "东风机械股份有限公司", "东风机械（有限责任公司）", " 东风 机械 "),
        ("ＡＢＣ科技", "ABC科技有限公司", "abc科技有限责任公司", "ａｂｃ 科技"),
        ("东风机械（上海）有限公司", "上海东风机械有限公司", "东风机械(上海)", "上海市东风机械公司"),
        ("Acme Co., Ltd.", "ACME", "acme ltd"),
    ],
)
def test_legal_form_width_and_brackets_make_no_difference(names: tuple[str, ...]) -> None:
    assert len({company_name(name) for name in names}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("东风机械有限公司", "东风汽车有限公司"),
        ("恒信集团", "恒信有限公司"),
        ("东风机械有限公司", "东风机械有限公司上海分公司"),
        ("上海东风机械", "北京东风机械"),
    ],
)
def test_other_companies_stay_others(one: str, other: str) -> None:
    assert company_name(one) != company_name(other)


def test_place_and_core_are_told_apart_and_a_legal_form_alone_says_nothing() -> None:
    assert company_name("上海东风机械厂") == CompanyName("东风机械厂", "上海")
    assert company_name("上海公司") == CompanyName("上海")
    assert company_name("") == company_name(None) == company_name("公司") == CompanyName("")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("单雄信", "shan xiong xin"),
        ("曾国藩", "zeng guo fan"),
        ("仇和", "qiu he"),
        ("解晓东", "xie xiao dong"),
        ("查良镛", "zha liang yong"),
        ("尉迟恭", "yu chi gong"),
        ("欧阳娜娜", "ou yang na na"),
        ("张 伟", "zhang wei"),
        ("章伟", "zhang wei"),
        ("Tom Lee", "tomlee"),
        ("", ""),
    ],
)
def test_surnames_are_read_as_surnames(name: str, key: str) -> None:
    assert person_key(name) == key


@pytest.mark.parametrize("name", ["微信访客115", "企业微信客户3", "未知", "先生", "  ", "12345", None, "👍"])
def test_placeholders_are_nobodys_name(name: str | None) -> None:
    assert plain_name(name) == person_key(name) == ""


def test_homophones_stand_under_one_key() -> None:
    warm_up()
    assert company_key("云帆科技") == company_key("云凡科技有限公司") == "yun fan ke ji"
    assert len(company_key("长" * 500)) <= 96


def test_keys_go_along_with_the_names_that_are_written() -> None:
    assert with_keys("leads", {"name": "张伟", "need": "x"}) == {"name": "张伟", "need": "x", "name_key": "zhang wei"}
    assert with_keys("customers", {"name": "东风机械公司"})["name_key"] == "dong feng ji xie"
    assert with_keys("employees", {"name": "张伟"}) == {"name": "张伟"}
