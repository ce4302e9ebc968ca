"""Validation: a reason for each field that cannot be stored."""

import pytest

from crm_core.errors import Invalid
from crm_core.lead_rules import ImportSettings, LeadSettings, SourceRule
from crm_core.validation import Problem, checked, cleaned, cleaned_company, problems_of

SHOW = SourceRule("展会", aliases=("展销会", "Expo"), requires=("phone", "company"))


def test_each_wrong_field_has_its_own_reason() -> None:
    found = checked({"name": "张伟", "mobile": "123", "email": "x", "birthday": "13-40", "openid": "o1", "region": "上海"})
    assert [problem.field for problem in found.problems] == ["mobile", "email", "birthday", "openid"]
    assert all(problem.reason for problem in found.problems)
    assert (found.values["region"], found.values["region_code"]) == ("上海", "310000")


def test_a_number_goes_where_it_belongs() -> None:
    assert checked({"phone": "13800138000"}).values == {"mobile": "+8613800138000"}
    assert checked({"phone": "021-62881234"}).values == {"landline": "+862162881234"}
    assert checked({"mobile": "021-62881234"}).values == {"mobile": None, "landline": "+862162881234"}
    same = {"mobile": "13800138000", "phone": "13800138000"}
    assert checked(same).values == {"mobile": "+8613800138000"}  # as a released row that was corrected
    both = checked({"mobile": "13800138000", "landline": "021-62881234", "phone": "13900139000"})
    assert [problem.field for problem in both.problems] == ["phone"]


def test_a_wrong_birthday_is_told_in_plain_words() -> None:
    said = "没有「1990-13-40」这一天，生日可以写 1990-01-15、01-15 或 农历正月十五"
    assert problems_of({"birthday": "1990-13-40"}) == [Problem("birthday", said)]


def test_a_remark_joins_the_need() -> None:
    assert checked({"need": "20台", "remark": "要发票"}).values == {"need": "20台\n要发票"}
    assert checked({"need": "20台要发票", "remark": "要发票"}).values == {"need": "20台要发票"}
    assert checked({"remark": "要发票"}).values == {"need": "要发票"}


def test_what_a_source_requires() -> None:
    assert problems_of({"name": "张伟", "mobile": "13800138000", "company": "东风"}, SHOW) == []
    assert problems_of({"name": "张伟", "landline": "021-62881234", "company": "东风"}, SHOW) == []
    assert [each.field for each in problems_of({"name": "张伟"}, SHOW)] == ["phone", "company"]
    assert problems_of({"mobile": "1", "company": "东风"}, SHOW) == [Problem("mobile", "手机号格式不对")]


def test_sources_have_one_spelling() -> None:
    settings = LeadSettings(sources=(SHOW,))
    assert settings.source("expo") == ("展会", SHOW)
    assert settings.source(" 展销会 ") == ("展会", SHOW)
    assert settings.source("抖音") == ("抖音", None)


def test_the_first_problem_is_raised() -> None:
    with pytest.raises(Invalid, match="invalid"):
        cleaned({"email": "x"})
    assert cleaned({"name": "李四 先生"})["name"] == "李四"
    assert cleaned_company({"name": "老师有限公司老师", "region": "浦东"})["name"] == "老师有限公司老师"
    with pytest.raises(Invalid):
        cleaned_company({"name": "长" * 200})


def test_settings_tell_all_that_is_wrong() -> None:
    assert SHOW.problems() == []
    assert [key for key, _ in SourceRule("", requires=("x",)).problems()] == ["name", "requires"]
    assert LeadSettings(sources=(SHOW, SourceRule("Expo"))).problems()
    assert ImportSettings().problems() == []
    assert {key for key, _ in ImportSettings(on_duplicate="x", max_rows=0, reader_memory_mib=1).problems()} == {
        "on_duplicate",
        "max_rows",
        "reader_memory_mib",
    }
