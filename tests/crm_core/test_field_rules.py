"""Own fields: settings that cannot be, and values read by type."""

from datetime import date
from decimal import Decimal

import pytest

from crm_core.errors import Invalid
from crm_core.field_rules import FieldSettings, OwnFields, read_value

NUMBER = FieldSettings("customer", "machines", "设备数", "number")
DAY = FieldSettings("lead", "until", "到期", "date")
CHOICE = FieldSettings("contact", "level", "等级", "choice", ("高", "低"), required=True)


@pytest.mark.parametrize(
    ("said", "number"),
    [("12", "12"), ("1.5万", "15000"), ("1,200", "1200"), ("-3", "-3"), (7, "7"), ("45天", "45"), ("30%", "30")],
)
def test_numbers(said: object, number: str) -> None:
    assert read_value(NUMBER, said).number == Decimal(number)


@pytest.mark.parametrize("said", ["很多", "1e9", "9" * 14, "1.2.3", True, ["1"]])
def test_what_is_no_number(said: object) -> None:
    with pytest.raises(Invalid):
        read_value(NUMBER, said)


def test_days_and_choices_and_emptying() -> None:
    assert read_value(DAY, "2026-12-31").on_date == read_value(DAY, "2026年12月31日").on_date == date(2026, 12, 31)
    assert read_value(DAY, "").is_empty
    assert read_value(CHOICE, "高").shown() == "高"
    for field, wrong in ((DAY, "2026-02-30"), (DAY, "明天"), (CHOICE, "中"), (CHOICE, "")):
        with pytest.raises(Invalid):
            read_value(field, wrong)


def test_settings_that_cannot_be_are_all_told() -> None:
    wrong = OwnFields(
        (
            FieldSettings("order", "a"),
            FieldSettings("lead", "b", type="colour"),
            FieldSettings("lead", "c", type="choice"),
            FieldSettings("lead", "d e"),
            FieldSettings("customer", "x", "欠款"),
        )
    )
    assert [key for key, _ in wrong.problems()] == ["fields.1", "fields.2", "fields.3", "fields.4", "fields.5"]
    assert OwnFields((NUMBER, DAY, CHOICE)).problems() == []
