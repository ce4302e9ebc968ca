"""Rules made by people: read from words, in force at once, ended for good."""

import pytest

from crm_core import rule_book
from crm_core.access import Actor, Role
from crm_core.errors import Invalid, Refused
from crm_core.match_rules import SAME, Rule
from crm_core.matching import find_duplicates
from crm_core.ports import Core
from tests.factories import SYSTEM, make_lead

ADMIN = Actor(role=Role.ADMIN, name="admin")


async def test_a_rule_holds_at_once_and_no_more_when_ended(core: Core) -> None:
    await make_lead(core, "张伟", source="展会", campaign="春季")
    asked = {"name": "张伟", "company": "东风机械", "source": "展会", "campaign": "春季"}
    assert await find_duplicates(core, SYSTEM, **asked) == []
    rule = Rule(("name",), action=SAME, weight=90, same_source=True, same_campaign=True, within_days=30)
    made = await rule_book.add_rule(core, ADMIN, rule)
    assert made.rule == rule
    assert made.name == "姓名相同，同来源，同活动，30天内 → 合并（90分）"
    found = await find_duplicates(core, SYSTEM, **asked)
    assert [(one.score, one.verdict.action) for one in found] == [(90, SAME)]
    assert [one.id for one in await rule_book.list_rules(ADMIN)] == [made.id]
    await rule_book.end_rule(core, ADMIN, made.id)
    await rule_book.end_rule(core, ADMIN, made.id)
    assert await rule_book.list_rules(ADMIN) == []
    assert await find_duplicates(core, SYSTEM, **asked) == []


@pytest.mark.parametrize("role", [Role.SALES, Role.VIEWER, Role.MARKETER])
async def test_only_managers_make_rules(core: Core, role: Role) -> None:
    actor = Actor(role=role, name="x")
    with pytest.raises(Refused):
        await rule_book.add_rule(core, actor, Rule(("mobile",)))
    made = await rule_book.add_rule(core, Actor(role=Role.MANAGER, name="x"), Rule(("mobile",)), name="号码")
    with pytest.raises(Refused):
        await rule_book.end_rule(core, actor, made.id)
    assert made.name == "号码"


async def test_a_wrong_rule_is_refused_with_its_field(core: Core) -> None:
    with pytest.raises(Invalid) as refused:
        await rule_book.add_rule(core, ADMIN, Rule(("shoe",)))
    assert refused.value.fields["field"] == "all_of"


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        ("姓名+公司", Rule(("name", "company"))),
        ("手机号+姓名 同来源 同活动 30天内 合并 80分", Rule(("mobile", "name"), "person", SAME, 80, True, True, 30)),
        ("信用代码 合并 100", Rule(("credit_code",), "company", SAME, 100)),
        ("姓名同音＋座机 待清洗", Rule(("name_pinyin", "landline"))),
    ],
)
def test_rules_are_read_from_words(words: str, rule: Rule) -> None:
    assert rule_book.read_rule(words) == rule


@pytest.mark.parametrize("words", ["", "鞋码", "姓名 也许", "姓名+鞋码 合并"])
def test_what_is_no_rule_is_refused_with_an_example(words: str) -> None:
    with pytest.raises(Invalid):
        rule_book.read_rule(words)
