"""What the commands about deals share: impossible values are told at once."""

import pytest

from crm_core.errors import Invalid
from handlers.opportunity_words import refuse_impossible


@pytest.mark.parametrize(
    "said",
    [
        "2月30号成交",
        "2026年2月29日",
        "13月1号",
        "4月31日前",
        "120%把握",
        "金额 -5万",
        "金额负5万",
        "改成 -300元",
    ],
)
def test_what_cannot_be_is_refused(said: str) -> None:
    with pytest.raises(Invalid):
        refuse_impossible(said)


@pytest.mark.parametrize(
    "said", ["2月29号成交", "100%把握", "12月31日 50万", "型号A-5 3万", "2026-12-31", "5-8万", "负责人是李总"]
)
def test_what_can_be_is_let_through(said: str) -> None:
    refuse_impossible(said)
