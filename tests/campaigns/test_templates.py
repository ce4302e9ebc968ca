"""Templates: a closed language; values are data; what is not in it is refused when it is saved."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns import templates
from campaigns.templates import MAX_BODY, MAX_BYTES, PLACEHOLDERS, Recipient, body_of, check_body, placeholders_of, render
from crm_core.access import Role
from crm_core.errors import Conflict, Invalid, Refused
from crm_core.messages import Kind
from tests.factories import make_actor

NOW = datetime(2026, 11, 25, 2, tzinfo=UTC)
WANG = Recipient(name="王建国", title="总经理", company="东风机械厂", owner="小李")
TEXTS = st.text(alphabet=st.characters(codec="utf-8"), max_size=40)


@pytest.mark.parametrize(
    ("body", "person", "text"),
    [
        ("{称呼}，中秋快乐", WANG, "王总，中秋快乐"),
        ("{称呼}，中秋快乐", Recipient(), "您，中秋快乐"),
        ("{姓名}（{职位}）{公司} {负责人} {日期}", WANG, "王建国（总经理）东风机械厂 小李 11月25日"),
        ("{姓名}{职位}{公司}{负责人}", Recipient(), "您贵公司客户经理"),
        ("{称呼}{称呼}", WANG, "王总王总"),
        ("没有占位符", WANG, "没有占位符"),
        ("{{满减}}{称呼}", WANG, "{满减}王总"),
    ],
)
def test_placeholders_are_filled_in(body, person, text):
    check_body("text", body)
    assert render(body, person, NOW) == text


@pytest.mark.parametrize(
    "body",
    [
        "",
        "   ",
        "{名字}",
        "{}",
        "{称呼.__class__}",
        "{称呼!r}",
        "{称呼:>10}",
        "{ 称呼 }",
        "{称呼|大写}",
        "{1+1}",
        "{{7*7}}",
        "{{称呼}}",
        "{{ config }}",
        "{{{称呼}}}",
        "{% for x in y %}",
        "{__import__('os')}",
        "${称呼",
        "称呼}",
        "{称{姓名}呼}",
        "好" * (MAX_BODY + 1),
    ],
)
def test_anything_else_is_refused(body):
    with pytest.raises(Invalid) as error:
        check_body("text", body)
    assert error.value.fields["field"] == "body"


@given(
    name=TEXTS,
    company=TEXTS,
    body=st.lists(st.sampled_from([*(f"{{{name}}}" for name in PLACEHOLDERS), "好", "，"]), min_size=1),
)
def test_values_are_data_whatever_they_hold(name, company, body):
    text = "".join(body)
    check_body("text", text)
    person = Recipient(name="{公司}" + name, company="{姓名}{{" + company, owner="{7*7}")
    rendered = render(text, person, NOW)
    assert len(rendered.encode()) <= MAX_BYTES
    if "{公司}" in text and len(text) < 30 and not company:
        assert "{姓名}{{" in rendered


@given(TEXTS)
def test_a_body_is_either_refused_or_rendered(body):
    try:
        check_body("text", body)
    except Invalid:
        return
    assert set(placeholders_of(body)) <= set(PLACEHOLDERS)
    assert isinstance(render(body, WANG, NOW), str)


def test_output_is_capped_and_a_line_break_in_a_value_begins_no_field():
    assert len(render("{公司}" * 200, Recipient(company="厂" * 500), NOW).encode()) <= MAX_BYTES
    text = render("TM1\nfirst: {姓名}", Recipient(name="王\nurl: http://evil"), NOW)
    assert body_of("wechat_template", text).url == ""


def test_a_platform_template_names_its_number_first():
    check_body("wechat_template", "TM0-_1\nfirst: {称呼}")
    for body in ("{称呼}\nfirst: a", "编号\nfirst: a"):
        with pytest.raises(Invalid):
            check_body("wechat_template", body)
    body = body_of("wechat_template", "TM01\nfirst: 您好\n\nremark：再见")
    assert (body.kind, body.template_id, body.template_data) == (Kind.TEMPLATE, "TM01", {"first": "您好", "remark": "再见"})


def test_placeholders_are_listed_once():
    assert placeholders_of("{称呼}{公司}{称呼}{{满减}}") == ["称呼", "公司"]


async def test_versions_count_up_and_two_changes_at_once_conflict(core, marketer, monkeypatch):
    made = await templates.create_template(core, marketer, name="新品", kind="text", body="{称呼}")
    changed = await templates.change_template(core, marketer, made.id, body="{姓名}", name="改名")
    assert (changed.version, changed.body, changed.name) == (2, "{姓名}", "改名")
    with pytest.raises(Invalid):
        await templates.change_template(core, marketer, made.id, body="{错}")
    stale = await templates.Template.get(id=made.id)
    await templates.Template.filter(id=made.id).update(version=9)

    async def load(*_):
        return stale

    # The other writer comes between reading and writing: only a conditional update notices.
    monkeypatch.setattr(templates.access, "load", load)
    with pytest.raises(Conflict):
        await templates.change_template(core, marketer, made.id, body="{姓名}")


@pytest.mark.parametrize(("values", "field"), [({"name": ""}, "name"), ({"kind": "letter"}, "kind"), ({"body": "{x}"}, "body")])
async def test_what_is_no_template_is_refused(core, marketer, values, field):
    with pytest.raises(Invalid) as error:
        await templates.create_template(core, marketer, **{"name": "新品", "kind": "text", "body": "{称呼}", **values})
    assert error.value.fields["field"] == field
    with pytest.raises(Refused):
        await templates.create_template(core, await make_actor(core, "小李", Role.SALES), name="新品", kind="text", body="好")
