"""What is wrong with a field, said to people."""

import json
from typing import Any, Literal

import pytest
from msgspec import UNSET, Struct, UnsetType

from bot.api.bodies import Id, Instant, Money, Short, WrongFields, read_body
from bot.api.problems import choices
from crm_core.access import Role


class Every(Struct):
    """Every kind of field the API has."""

    name: Short = ""
    owner_id: Id | None = None
    at: Instant | None = None
    amount: Money | None = None
    many: list[Short] = []
    truth: bool = False
    kind: Literal["lead", "contact"] = "lead"
    role: Role | UnsetType = UNSET
    thing: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("name", 5, "需要文字"),
        ("name", None, "需要文字"),
        ("name", "长" * 65, "最多64个字符"),
        ("owner_id", "7", "需要整数"),
        ("owner_id", 0, "不能小于1"),
        ("owner_id", 2**60, f"不能大于{2**53}"),
        ("owner_id", 1e300, "需要整数"),
        ("at", "2026-11-25T10:00:00", "时间要带时区，如 2026-11-25T10:00:00+08:00"),
        ("at", "25.11.2026", "时间写成 2026-11-25T10:00:00+08:00"),
        ("at", 5, "时间写成 2026-11-25T10:00:00+08:00"),
        ("at", "0001-01-01T00:00:00+00:00", "年份需要在 1970 到 2199 之间"),
        ("amount", 1.5, "需要文字"),
        ("amount", "1.005", "格式不对"),
        ("many", "a", "需要列表"),
        ("many", [5], "需要文字"),
        ("truth", "yes", "需要 true 或 false"),
        ("kind", "x", "只能是 lead、contact"),
        ("role", "king", "只能是 sales、manager、marketer、admin、viewer"),
        ("role", 5, "需要文字"),
        ("thing", [], "需要对象"),
    ],
)
def test_what_is_wrong_is_said_in_one_chinese_sentence(name: str, value: object, sentence: str) -> None:
    with pytest.raises(WrongFields) as wrong:
        read_body(json.dumps({name: value}).encode(), Every)
    assert wrong.value.fields["problems"] == {name: sentence}


def test_a_field_names_its_words_as_far_as_its_type_does() -> None:
    assert choices(Literal["", "lead"] | None) == ["lead"]
    assert choices(str) == []
