"""Salutations: surname and honorific when the title tells one, else the full name, else 您."""

import pytest

from campaigns.salutations import salutation, surname_of


@pytest.mark.parametrize(
    ("name", "title", "said"),
    [
        ("王建国", "总经理", "王总"),
        ("王建国", "副总", "王总"),
        ("王建国", "CEO", "王总"),
        ("欧阳娜娜", "采购总监", "欧阳总"),
        ("欧阳", "总经理", "欧总"),
        ("李娜", "采购经理", "李经理"),
        ("李娜", "女士", "李女士"),
        ("张伟", "先生", "张先生"),
        ("张伟", "董事长", "张董"),
        ("张伟", "高级工程师", "张工"),
        ("张伟", "主治医师", "张医生"),
        ("张伟", "班主任", "张主任"),
        ("张伟", "", "张伟"),
        ("张伟", "采购", "张伟"),
        ("王总", "", "王总"),
        ("赵女士", "总经理", "赵女士"),
        ("John", "CEO", "John"),
        ("东风机械厂", "总经理", "东风机械厂"),
        ("微信访客12", "", "您"),
        ("微信用户", "", "您"),
        ("13800138000", "", "您"),
        ("😀", "", "您"),
        ("  ", "总经理", "您"),
    ],
)
def test_people_are_addressed_properly(name, title, said):
    assert salutation(name, title) == said


def test_double_surnames_stay_whole():
    assert [surname_of(name) for name in ("欧阳修", "欧阳", "王芳", "")] == ["欧阳", "欧", "王", ""]
