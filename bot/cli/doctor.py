"""`guanxi doctor`."""

import asyncio
from typing import TYPE_CHECKING

import typer

from bot.cli.session import WORK_FAILED, settings_of, write_line

if TYPE_CHECKING:  # names for annotations
    from bot.config import Settings


def doctor(context: typer.Context) -> None:
    """Look at everything these settings need; one line each, the cause and the mend where something is wrong."""
    settings = settings_of(context)
    wrong = asyncio.run(_report(settings))
    write_line("全部正常" if not wrong else f"有 {wrong} 处需要处理")
    if wrong:
        raise typer.Exit(WORK_FAILED)


async def _report(settings: "Settings") -> int:
    from bot.doctor import State, examine
    from crm_core.clock import SystemClock

    wrong = 0
    async for finding in examine(settings, SystemClock()):
        write_line(str(finding))
        wrong += finding.state is State.BAD
    return wrong
