"""`guanxi employee` and what its last line is."""

from pathlib import Path

from bot.cli.employees import ROLES, RoleName
from crm_core.access import ROLE_LABELS, Role
from tests.bot.cli.conftest import Run


def test_the_roles_are_those_of_the_core() -> None:
    assert [role.value for role in RoleName] == [role.value for role in Role]
    assert {role.value: label for role, label in ROLE_LABELS.items()} == ROLES


def test_somebody_is_added_bound_listed_and_leaves(guanxi: Run, folder: Path) -> None:
    boss = guanxi("employee", "add", "陈经理", "--role", "manager").last
    assert boss == "1"
    me = guanxi(
        "employee", "add", "小王", "--role", "sales", "--mobile", "13800138000", "--department", "华东", "--manager", boss
    )
    assert me.last == "2"
    assert me.stderr == "已添加销售小王，部门华东。绑定聊天账号：guanxi employee bind-code 2\n"
    code = guanxi("employee", "bind-code", "2").last
    assert len(code) == 8
    assert code.isalnum()
    listed = guanxi("employee", "list").stdout
    assert "2\t小王\t销售\t华东\t138****8000\t在职" in listed
    guanxi("employee", "depart", "2")
    assert "已离职" in guanxi("employee", "list").stdout
    assert "已离职" in guanxi("employee", "bind-code", "2", status=1).stderr


def test_roles_in_words_and_a_move_to_another_unit(guanxi: Run, folder: Path) -> None:
    number = guanxi("employee", "add", "小王", "--role", "销售").last
    refused = guanxi("employee", "add", "小李", "--role", "老板", status=2).stderr
    assert refused.startswith("没有「老板」这个角色，可选：sales（销售）、")
    assert guanxi("employee", "change", number, "--department", "华东部", "--role", "主管").last == "已修改：小王"
    assert "小王\t主管\t华东部" in guanxi("employee", "list").stdout
    assert "请写出要改什么" in guanxi("employee", "change", number, status=2).stderr


def test_what_cannot_be_added(guanxi: Run, folder: Path) -> None:
    assert "手机号" in guanxi("employee", "add", "小王", "--role", "sales", "--mobile", "12", status=2).stderr
    assert "没有找到" in guanxi("employee", "add", "小王", "--role", "sales", "--manager", "9", status=1).stderr
    assert "没有找到" in guanxi("employee", "bind-code", "9", status=1).stderr
