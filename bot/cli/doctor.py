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
    wrong, doubted = asyncio.run(_report(settings))
    minor = f"{doubted} 处（!）现在能用但该处理" if doubted else ""
    if wrong:
        write_line(f"有 {wrong} 处需要处理" + (f"，另有 {minor}" if minor else ""))
    else:
        write_line(f"没有不能用的，有 {minor}" if minor else "全部正常")
    if wrong:
        raise typer.Exit(WORK_FAILED)


async def _report(settings: "Settings") -> tuple[int, int]:
    """Tell how many findings keep something from working, and how many will one day."""
    from bot.doctor import State, examine
    from crm_core.clock import SystemClock

    wrong = doubted = 0
    async for finding in examine(settings, SystemClock()):
        write_line(str(finding))
        wrong += finding.state is State.BAD
        doubted += finding.state is State.DOUBTFUL
    return wrong, doubted
