"""Known people and companies, honorifics, and unknown companies."""

import pytest

from handlers.understanding.mentions import COMPANY, PERSON, Sentence
from handlers.understanding.names import is_company, mark_companies, mark_known, mark_titled, read_known


def found(text: str, known: tuple[str, ...] = ()) -> dict[str, list[str]]:
    sentence, names = Sentence(text), read_known(known)
    mark_known(sentence, names)
    mark_titled(sentence, names)
    mark_companies(sentence)
    return {"people": [m.value for m in sentence.of(PERSON)], "companies": [m.value for m in sentence.of(COMPANY)]}


@pytest.mark.parametrize(
    ("said", "known", "person"),
    [
        ("张总", ("张伟", "李娜"), "张伟"),
        ("张总", ("张伟", "张磊"), "张总"),
        ("李老师", ("李娜",), "李娜"),
        ("王姐", ("王芳",), "王芳"),
        ("小张", ("张伟",), "张伟"),
        ("老李", ("李娜",), "李娜"),
        ("欧阳总", ("欧阳静",), "欧阳静"),
        ("刘总", ("李娜",), "刘总"),
        ("王总", ("王总=王建国", "王芳"), "王建国"),
        ("跟赵敏女士", (), "赵敏"),
        ("赵女士", (), "赵女士"),
        ("张伟总", ("张伟",), "张伟"),
        ("孙工", ("孙强",), "孙强"),
        ("司马经理", (), "司马经理"),
        ("接管李姐", ("李娜",), "李娜"),
        ("赵医生", ("赵敏",), "赵敏"),
        ("老王", ("王建国",), "王建国"),
        ("周律师", (), "周律师"),
    ],
)
def test_people(said, known, person):
    assert found(said, known)["people"] == [person]


@pytest.mark.parametrize(
    "said",
    [
        "总经理",
        "工作",
        "小程序",
        "小时",
        "老师",
        "老板",
        "老客户",
        "小区",
        "公司经理",
        "当时总监不在",
        "时间总是不够",
        "销售总监",
        "老总",
    ],
)
def test_words_that_are_no_people(said):
    assert found(said)["people"] == []


@pytest.mark.parametrize(
    ("said", "company"),
    [
        ("跟宏达贸易公司通了电话", "宏达贸易公司"),
        ("云帆科技有限公司", "云帆科技有限公司"),
        ("拜访了阳光小学", "阳光小学"),
        ("在美味餐厅", "美味餐厅"),
        ("去盛达物流", "盛达物流"),
        ("仁和医院的刘主任", "仁和医院"),
        ("联系宏图集团", "宏图集团"),
        ("给人民银行送资料", "人民银行"),
        ("到星光工作室", "星光工作室"),
        ("ABC科技", "ABC科技"),
    ],
)
def test_unknown_companies(said, company):
    assert found(said)["companies"] == [company]


@pytest.mark.parametrize("said", ["他们公司", "去公司", "我们学校", "这家店", "新公司", "做幼儿园"])
def test_words_that_are_no_companies(said):
    assert found(said)["companies"] == []


def test_alias_and_short_form_of_a_company():
    assert found("恒信那边", ("恒信=恒信集团",))["companies"] == ["恒信集团"]
    assert found("恒信那边", ("恒信集团",))["companies"] == ["恒信集团"]
    assert found("恒信那边", ("恒信集团", "恒信科技"))["companies"] == []


def test_company_ends():
    assert is_company("云帆科技")
    assert not is_company("张伟")


def test_broken_known_names_are_left_out():
    assert read_known(("", "=", "a=")).said == (("a", "a"),)


@pytest.mark.parametrize(
    ("said", "slot", "name"),
    [
        ("给苏州精工建个商机 网关 10万", "company", "苏州精工"),
        ("苏州精工说可以", "company", "苏州精工"),
        ("苏州孙总说可以", "person", "孙总"),
        ("孙工说可以", "person", "孙工"),
        ("和王建工聊了，可以", "person", "王建"),
    ],
)
def test_an_honorific_stands_behind_a_person_only(understand, said, slot, name):
    assert understand(said).slots[slot] == name
