"""`guanxi employee` and what its last line is."""

from pathlib import Path

from bot.cli.employees import RoleName
from crm_core.access import Role
from tests.bot.cli.conftest import Run


def test_the_roles_are_those_of_the_core() -> None:
    assert [role.value for role in RoleName] == [role.value for role in Role]


def test_somebody_is_added_bound_listed_and_leaves(guanxi: Run, folder: Path) -> None:
    boss = guanxi("employee", "add", "陈经理", "--role", "manager").last
    assert boss == "1"
    me = guanxi(
        "employee", "add", "小王", "--role", "sales", "--mobile", "13800138000", "--department", "华东", "--manager", boss
    )
    assert me.last == "2"
    code = guanxi("employee", "bind-code", "2").last
    assert len(code) == 8
    assert code.isalnum()
    listed = guanxi("employee", "list").stdout
    assert "2\t小王\tsales\t138****8000\t在职" in listed
    guanxi("employee", "depart", "2")
    assert "已离职" in guanxi("employee", "list").stdout
    assert "已离职" in guanxi("employee", "bind-code", "2", status=1).stderr


def test_what_cannot_be_added(guanxi: Run, folder: Path) -> None:
    assert "手机号" in guanxi("employee", "add", "小王", "--role", "sales", "--mobile", "12", status=2).stderr
    assert "没有找到" in guanxi("employee", "add", "小王", "--role", "sales", "--manager", "9", status=1).stderr
    assert "没有找到" in guanxi("employee", "bind-code", "9", status=1).stderr
