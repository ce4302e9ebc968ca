"""`employee add|list|depart|bind-code`: people of the house."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.session import with_core, write_line

if TYPE_CHECKING:  # names for annotations
    from crm_core.access import Actor
    from crm_core.ports import Core

app = typer.Typer(help="员工。", no_args_is_help=True)


class RoleName(StrEnum):
    """The roles of `crm_core.access.Role`, which is too heavy to load for a help text; a test compares the two."""

    SALES = "sales"
    MANAGER = "manager"
    MARKETER = "marketer"
    ADMIN = "admin"
    VIEWER = "viewer"


@app.command(help="添加员工，最后一行是编号。")
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="姓名。")],
    role: Annotated[RoleName, typer.Option(help="角色。")],
    mobile: Annotated[str | None, typer.Option(help="手机号。")] = None,
    department: Annotated[str | None, typer.Option(help="部门，没有则新建。")] = None,
    manager: Annotated[int | None, typer.Option(help="主管的员工编号。")] = None,
) -> None:
    """Take somebody into the house; the last line is the id."""

    async def work(core: "Core", actor: "Actor") -> int:
        from crm_core import employees
        from crm_core.access import Role

        made = await employees.add(
            core, actor, name=name, role=Role(role.value), mobile=mobile, department=department, manager_id=manager
        )
        return int(made.id)

    write_line(str(with_core(context, work)))


@app.command("list", help="列出员工。")
def list_employees(context: typer.Context) -> None:
    """List the people of the house."""

    async def work(_core: "Core", _actor: "Actor") -> list[str]:
        from crm_core.employees import Employee
        from crm_core.values import mask_phone

        return [
            "\t".join((str(row.id), row.name, row.role, mask_phone(row.mobile) or "-", "已离职" if row.departed_at else "在职"))
            for row in await Employee.all().order_by("id")
        ]

    for line in with_core(context, work):
        write_line(line)


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
