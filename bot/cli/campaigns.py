"""`greetings preview`, `broadcast preview|status`."""

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.session import with_core, write_line

if TYPE_CHECKING:  # names for annotations
    from campaigns.broadcasts import Broadcast
    from crm_core.access import Actor
    from crm_core.ports import Core

greetings = typer.Typer(help="节日和生日祝福。", no_args_is_help=True)
broadcast = typer.Typer(help="群发。", no_args_is_help=True)
BAR_WIDTH = 30
WATCH_SECONDS = 1.0
_FIRST_YEAR, _LAST_YEAR = 1901, 2099


@greetings.callback()
def _greetings() -> None:
    """Keep `preview` a subcommand although it is the only one."""


@greetings.command("preview", help="列出一年里计划的祝福：日期、时间、名称、原因、人数。")
def preview_greetings(
    context: typer.Context,
    year: Annotated[int, typer.Option(min=_FIRST_YEAR, max=_LAST_YEAR, help="年份。")],
) -> None:
    """List every planned greeting of a year."""

    async def work(core: "Core", _actor: "Actor") -> list[str]:
        from bot.cli.greeting_days import planned

        return ["\t".join(one.words()) for one in await planned(core, year)]

    lines = with_core(context, work)
    if not lines:
        typer.echo(f"{year} 年没有计划的祝福", err=True)
    for line in lines:
        write_line(line)


@broadcast.command("preview", help="试算一次群发：人数、样例、不发的原因。")
def preview_broadcast(context: typer.Context, broadcast_id: Annotated[int, typer.Argument(metavar="ID")]) -> None:
    """Try a broadcast without sending anything."""

    async def work(core: "Core", actor: "Actor") -> list[str]:
        from campaigns import audience

        found = await audience.preview(core, actor, broadcast_id)
        left_out = sum(found.suppressed.values())
        lines = [f"选中 {found.total} 人，发送 {found.total - left_out} 人，不发 {left_out} 人"]
        lines += [f"不发\t{_label(reason)}\t{count}" for reason, count in found.suppressed.items()]
        return lines + [f"样例\t{sample.person_id}\t{sample.text}" for sample in found.samples]

    for line in with_core(context, work):
        write_line(line)


@broadcast.command("status", help="显示一次群发的进度。")
def status(
    context: typer.Context,
    broadcast_id: Annotated[int, typer.Argument(metavar="ID")],
    watch: Annotated[bool, typer.Option("--watch", help="一直显示到结束。")] = False,
) -> None:
    """Show how far a broadcast is."""

    async def work(core: "Core", actor: "Actor") -> None:
        from campaigns import results
        from campaigns.broadcasts import Broadcast, BroadcastStatus
        from crm_core import access

        moving = (BroadcastStatus.SCHEDULED.value, BroadcastStatus.RUNNING.value)
        while True:
            row = await access.load(Broadcast, actor, broadcast_id)
            write_line(progress(row, await results.counts(core, row.id)))
            if not watch or row.status not in moving:
                return
            await core.clock.sleep(WATCH_SECONDS)

    with_core(context, work)


def _label(reason: str) -> str:
    from crm_core.policy import REASON_LABELS

    return {str(known): label for known, label in REASON_LABELS.items()}.get(reason, reason)


def progress(row: "Broadcast", counts: dict[str, int]) -> str:
    """Draw one line: the bar, and the counts by outcome."""
    from campaigns.broadcasts import BROADCAST_STATUS_LABELS, RECIPIENT_STATUS_LABELS, BroadcastStatus

    total = sum(counts.values())
    done = total - counts.get("planned", 0) - counts.get("claimed", 0)
    filled = BAR_WIDTH * done // total if total else 0
    bar = "█" * filled + "░" * (BAR_WIDTH - filled)
    outcomes = "，".join(f"{label} {counts[name]}" for name, label in RECIPIENT_STATUS_LABELS.items() if name in counts)
    state = BROADCAST_STATUS_LABELS[BroadcastStatus(row.status)]
    return f"{row.name}　{state}　{bar} {done}/{total}" + (f"　{outcomes}" if outcomes else "")
