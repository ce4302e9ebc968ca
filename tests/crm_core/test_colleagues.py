"""Who is meant by 小王: one of the house, several, or nobody."""

import pytest

from crm_core import colleagues, employees
from crm_core.access import Role
from crm_core.errors import Invalid
from crm_core.ports import Core
from tests.factories import SYSTEM


async def a_house(core: Core) -> None:
    for name in ("王磊", "陈晨", "欧阳娜", "林小舟"):
        await employees.add(core, SYSTEM, name=name, role=Role.SALES)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("王磊", "王磊"),
        ("小王", "王磊"),
        ("老陈", "陈晨"),
        ("王经理", "王磊"),
        ("王磊经理", "王磊"),
        ("磊哥", "王磊"),
        ("欧阳总", "欧阳娜"),
        ("小娜", "欧阳娜"),
        (" 林经理 ", "林小舟"),
    ],
)
async def test_a_colleague_is_found_as_people_call_them(core: Core, said: str, meant: str) -> None:
    await a_house(core)
    assert (await colleagues.one_called(SYSTEM, said)).name == meant


@pytest.mark.parametrize("said", ["小赵", "", "王", "小", "王总王总", "%", "_总"])
async def test_who_is_nobody_is_told_so(core: Core, said: str) -> None:
    await a_house(core)
    with pytest.raises(colleagues.NoSuchColleague):
        await colleagues.one_called(SYSTEM, said)


async def test_of_two_the_full_name_is_asked_for(core: Core) -> None:
    await a_house(core)
    await employees.add(core, SYSTEM, name="王芳", role=Role.SALES)
    with pytest.raises(Invalid, match="王磊"):
        await colleagues.one_called(SYSTEM, "小王")
    assert (await colleagues.one_called(SYSTEM, "王芳")).name == "王芳"


async def test_who_left_is_meant_only_where_that_makes_sense(core: Core) -> None:
    await a_house(core)
    left = await colleagues.one_called(SYSTEM, "小王")
    await employees.depart(core, SYSTEM, left.id)
    with pytest.raises(colleagues.NoSuchColleague):
        await colleagues.one_called(SYSTEM, "小王")
    assert (await colleagues.one_called(SYSTEM, "小王", departed=True)).id == left.id
