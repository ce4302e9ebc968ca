"""Fields in the words of people."""

from crm_core.errors import Invalid
from crm_core.field_labels import OF_RECORDS, label_of


def test_sentences_begin_with_words_of_people() -> None:
    assert Invalid(field="email", reason="格式不对").sentence() == "邮箱：格式不对"
    assert Invalid(field="mobile", reason="手机号格式不对").sentence() == "手机号格式不对"
    assert Invalid(field="conditions.all.0", reason="没有这个条件").sentence() == "没有这个条件"
    assert Invalid(field="放行", reason="请写序号").sentence() == "放行：请写序号"


def test_each_known_field_has_a_name() -> None:
    assert all(label_of(field) == label for field, label in OF_RECORDS.items())
    assert (label_of("employee_id"), label_of("nothing_known"), label_of("姓名")) == ("员工", "", "姓名")
