"""`department add|list|change|close`: units of the house."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.session import with_core, write_line

if TYPE_CHECKING:  # names for annotations
    from crm_core.access import Actor
    from crm_core.ports import Core

app = typer.Typer(help="单位：总部、部门、经销商、门店。", no_args_is_help=True)
Number = Annotated[int, typer.Argument(metavar="ID")]


class KindName(StrEnum):
    """The kinds of `crm_core.distribution_rules.KIND_LABELS`."""

    HEADQUARTERS = "headquarters"
    DEPARTMENT = "department"
    DEALER = "dealer"
    SHOP = "shop"


@app.command(help="新建单位，最后一行是编号。")
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="名称。")],
    kind: Annotated[KindName, typer.Option(help="类型。")] = KindName.DEPARTMENT,
    parent: Annotated[int | None, typer.Option(help="上级单位的编号。")] = None,
) -> None:
    """Make a unit; the last line is the id."""

    async def work(core: "Core", actor: "Actor") -> int:
        from crm_core import departments

        return int((await departments.add(core, actor, name=name, kind=kind.value, parent_id=parent)).id)

    write_line(str(with_core(context, work)))


@app.command("list", help="列出单位，下级缩进。")
def list_departments(context: typer.Context) -> None:
    """List the units as a tree."""

    async def work(_core: "Core", _actor: "Actor") -> list[str]:
        from crm_core import departments

        return [f"{row.id}\t{'  ' * depth}{row.name}\t{row.kind}" for depth, row in await departments.tree()]

    for line in with_core(context, work):
        write_line(line)


@app.command(help="改单位的名称、类型或上级（0 为无上级）。")
def change(
    context: typer.Context,
    department_id: Number,
    name: Annotated[str | None, typer.Option(help="新名称。")] = None,
    kind: Annotated[KindName | None, typer.Option(help="类型。")] = None,
    parent: Annotated[int | None, typer.Option(help="上级单位的编号，0 为没有。")] = None,
) -> None:
    """Rename or move a unit."""

    async def work(core: "Core", actor: "Actor") -> str:
        from crm_core import departments

        given: dict[str, object] = {"name": name, "kind": kind.value if kind else None}
        values = {key: value for key, value in given.items() if value is not None}
        if parent is not None:
            values["parent_id"] = parent or None
        return str((await departments.change(core, actor, department_id, **values)).name)

    write_line(with_core(context, work))


@app.command(help="关闭空的单位。")
def close(context: typer.Context, department_id: Number) -> None:
    """Close an empty unit."""

    async def work(core: "Core", actor: "Actor") -> str:
        from crm_core import departments

        return str((await departments.close(core, actor, department_id)).name)

    write_line(with_core(context, work))
