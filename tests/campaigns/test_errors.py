"""What a person reads when something in a template, broadcast or greeting cannot be used: Chinese words alone."""

import re

import pytest

from campaigns import templates
from campaigns.errors import FIELD_LABELS, Unusable
from crm_core.errors import Invalid
from tests.campaigns.conftest import make_broadcast
from tests.campaigns.test_greetings import make_plan


@pytest.mark.parametrize(
    "values", [{"name": ""}, {"kind": "letter"}, {"body": ""}, {"body": "{错}"}, {"body": "{{称呼}}"}, {"body": "好" * 1001}]
)
async def test_sentences_about_templates_hold_no_name_of_the_program(core, marketer, values):
    with pytest.raises(Unusable) as error:
        await templates.create_template(core, marketer, **{"name": "新品", "kind": "text", "body": "好", **values})
    assert not re.search("[A-Za-z_]", error.value.sentence())


@pytest.mark.parametrize(
    "values", [{"name": ""}, {"festival": ""}, {"festival": "x"}, {"time": "9:00"}, {"time": "23:00"}, {"channel": "x"}]
)
async def test_sentences_about_greetings_hold_no_name_of_the_program(core, marketer, values):
    with pytest.raises(Unusable) as error:
        await make_plan(core, marketer, approved=False, **values)
    assert not re.search("[A-Za-z_]", error.value.sentence())


async def test_sentences_about_broadcasts_hold_no_name_of_the_program(core, marketer):
    with pytest.raises(Unusable) as error:
        await make_broadcast(core, marketer, kind="welcome")
    assert error.value.sentence() == "模板：群发只能用文字模板或公众号模板消息"


def test_the_program_still_reads_the_field_and_every_label_is_chinese():
    error = Unusable(field="body", reason="请填写模板内容")
    assert isinstance(error, Invalid)
    assert (error.fields["field"], error.sentence()) == ("body", "模板内容：请填写模板内容")
    assert not re.search("[A-Za-z_]", "".join(FIELD_LABELS.values()))
    assert Unusable(field="别的", reason="不对").sentence() == "别的：不对"
