"""`guanxi audit verify`."""

from typing import TYPE_CHECKING

import typer

from bot.cli.session import fail, with_core, write_line

if TYPE_CHECKING:
    from crm_core.access import Actor
    from crm_core.audit import Verified
    from crm_core.ports import Core

app = typer.Typer(help="审计记录。", no_args_is_help=True)
SHOWN = 20
"""Findings told one by one."""


@app.callback()
def about() -> None:
    """Hold the subcommands."""


@app.command("verify", help="核对审计链：事后改动、删除、插入都会被发现。")
def verify(context: typer.Context) -> None:
    """Walk the chain; ends with 1 when something does not hold."""

    async def work(core: "Core", _: "Actor") -> "Verified":
        from crm_core import audit

        await audit.seal(core)
        return await audit.verify(core)

    found = with_core(context, work)
    if found.problems:
        rest = f"\n另有 {len(found.problems) - SHOWN} 处" if len(found.problems) > SHOWN else ""
        fail("审计链不完整：\n" + "\n".join(found.problems[:SHOWN]) + rest)
    erased = f"，其中 {found.erased} 条的内容已随个人信息删除" if found.erased else ""
    write_line(f"审计链完整：{found.entries} 条，{found.blocks} 块{erased}；末块 {found.digest[:16] or '无'}")
