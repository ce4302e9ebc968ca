"""`token create|list|revoke`: keys to the API."""

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.employees import RoleName
from bot.cli.session import with_core, write_line

if TYPE_CHECKING:  # names for annotations
    from crm_core.access import Actor
    from crm_core.ports import Core

app = typer.Typer(help="API 令牌。", no_args_is_help=True)


@app.command(help="生成令牌，只显示这一次，最后一行是令牌。")
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="令牌的名称。")],
    role: Annotated[RoleName | None, typer.Option(help="角色。")] = None,
    employee: Annotated[int | None, typer.Option(help="以这名员工的身份行事。")] = None,
    scope: Annotated[list[str] | None, typer.Option(help="RESOURCE:read 或 RESOURCE:write，可重复；不给则不限。")] = None,
) -> None:
    """Make a token, shown this once; the last line is the token."""

    async def work(core: "Core", actor: "Actor") -> str:
        from crm_core import tokens
        from crm_core.access import Role

        return await tokens.create(
            core, actor, name=name, role=Role(role.value) if role else None, employee_id=employee, scopes=tuple(scope or ())
        )

    write_line(with_core(context, work))


@app.command("list", help="列出令牌，不显示令牌本身。")
def list_tokens(context: typer.Context) -> None:
    """List tokens, never the tokens themselves."""

    async def work(_core: "Core", _actor: "Actor") -> list[str]:
        from crm_core.tokens import ApiToken

        return [
            "\t".join((row.name, row.role, row.scopes or "全部", "已吊销" if row.revoked_at else "有效"))
            for row in await ApiToken.all().order_by("id")
        ]

    for line in with_core(context, work):
        write_line(line)


@app.command(help="吊销令牌，立即失效。")
def revoke(context: typer.Context, name: Annotated[str, typer.Argument(help="令牌的名称。")]) -> None:
    """End a token at once."""

    async def work(core: "Core", actor: "Actor") -> None:
        from crm_core import tokens

        await tokens.revoke(core, actor, name)

    with_core(context, work)
    write_line(f"令牌 {name} 已吊销")
