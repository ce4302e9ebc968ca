"""`employee add|list|change|depart|bind-code`: people of the house."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.session import WRONG_USAGE, fail, with_core, write_line

if TYPE_CHECKING:  # names for annotations
    from crm_core.access import Actor
    from crm_core.ports import Core

app = typer.Typer(help="员工。", no_args_is_help=True)
ROLES = {"sales": "销售", "manager": "主管", "marketer": "市场", "admin": "管理员", "viewer": "只读"}
"""The labels of `crm_core.access.ROLE_LABELS`, for the same reason as below."""
ROLE_HELP = "角色：" + "、".join(f"{code}（{label}）" for code, label in ROLES.items()) + "。"


class RoleName(StrEnum):
    """The roles of `crm_core.access.Role`, which is too heavy to load for a help text; a test compares the two."""

    @classmethod
    def _missing_(cls, value: object) -> "RoleName | None":
        return next((cls(code) for code, label in ROLES.items() if label == value), None)

    SALES = "sales"
    MANAGER = "manager"
    MARKETER = "marketer"
    ADMIN = "admin"
    VIEWER = "viewer"


@app.command(help="添加员工，最后一行是编号。")
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="姓名。")],
    role: Annotated[str, typer.Option(help=ROLE_HELP, metavar="ROLE")],
    mobile: Annotated[str | None, typer.Option(help="手机号。")] = None,
    department: Annotated[str | None, typer.Option(help="部门，没有则新建。")] = None,
    manager: Annotated[int | None, typer.Option(help="主管的员工编号。")] = None,
) -> None:
    """Take somebody into the house; the last line is the id."""
    wanted = _role(role)

    async def work(core: "Core", actor: "Actor") -> int:
        from crm_core import employees
        from crm_core.access import Role

        made = await employees.add(
            core, actor, name=name, role=Role(wanted.value), mobile=mobile, department=department, manager_id=manager
        )
        return int(made.id)

    number = with_core(context, work)
    where = f"，部门{department}" if department else ""
    typer.echo(f"已添加{ROLES[wanted.value]}{name.strip()}{where}。绑定聊天账号：guanxi employee bind-code {number}", err=True)
    write_line(str(number))


@app.command("list", help="列出员工。")
def list_employees(context: typer.Context) -> None:
    """List the people of the house."""

    async def work(_core: "Core", _actor: "Actor") -> list[str]:
        from crm_core import departments
        from crm_core.employees import Employee
        from crm_core.values import mask_phone

        units = await departments.names()
        return [
            "\t".join(
                (
                    str(row.id),
                    row.name,
                    ROLES.get(row.role, row.role),
                    units.get(row.department_id or 0, "-"),
                    mask_phone(row.mobile) or "-",
                    "已离职" if row.departed_at else "在职",
                )
            )
            for row in await Employee.all().order_by("id")
        ]

    for line in with_core(context, work):
        write_line(line)


@app.command(help="改员工的部门、角色、手机号或主管。")
def change(
    context: typer.Context,
    employee_id: Annotated[int, typer.Argument(metavar="ID")],
    department: Annotated[str | None, typer.Option(help="部门，没有则新建。")] = None,
    role: Annotated[str | None, typer.Option(help=ROLE_HELP, metavar="ROLE")] = None,
    mobile: Annotated[str | None, typer.Option(help="手机号。")] = None,
    manager: Annotated[int | None, typer.Option(help="主管的员工编号。")] = None,
) -> None:
    """Move somebody to another unit, or change what is known of them."""
    given = {"department": department, "role": _role(role).value if role else None, "mobile": mobile, "manager_id": manager}
    values = {key: value for key, value in given.items() if value is not None}
    if not values:
        fail("请写出要改什么，例如 --department 华东部", WRONG_USAGE)

    async def work(core: "Core", actor: "Actor") -> str:
        from crm_core import employees

        return (await employees.update(core, actor, employee_id, **values)).name

    write_line(f"已修改：{with_core(context, work)}")


def _role(said: str) -> RoleName:
    """Read a role by its word or its label; ends with 2 for anything else."""
    try:
        return RoleName(said)
    except ValueError:
        fail(f"没有「{said}」这个角色，可选：{'、'.join(f'{code}（{label}）' for code, label in ROLES.items())}", WRONG_USAGE)


@app.command(help="员工离职：令牌和聊天权限立即失效。")
def depart(context: typer.Context, employee_id: Annotated[int, typer.Argument(metavar="ID")]) -> None:
    """End somebody's rights at once."""

    async def work(core: "Core", actor: "Actor") -> str:
        from crm_core import employees

        return (await employees.depart(core, actor, employee_id)).name

    write_line(f"{with_core(context, work)}已离职")


@app.command("bind-code", help="生成一次性绑定码，员工在聊天里发送「绑定 绑定码」。最后一行是绑定码。")
def bind_code(context: typer.Context, employee_id: Annotated[int, typer.Argument(metavar="ID")]) -> None:
    """Make a one-time code; the last line is the code."""

    async def work(core: "Core", actor: "Actor") -> str:
        from crm_core import employees

        return await employees.make_bind_code(core, actor, employee_id)

    write_line(with_core(context, work))
