"""`export KIND`: a resource as CSV, XLSX or JSON lines, page by page."""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.session import WRONG_USAGE, fail, settings_of, with_core
from bot.cli.targets import refuse_target

if TYPE_CHECKING:  # names for annotations
    from crm_core.access import Actor
    from crm_core.ports import Core


class ExportFormat(StrEnum):
    """How the rows are written."""

    CSV = "csv"
    XLSX = "xlsx"
    JSONL = "jsonl"


def export(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="资源，如 leads、customers、follow-ups。")],
    format: Annotated[ExportFormat, typer.Option("--format", help="格式。")] = ExportFormat.CSV,
    since: Annotated[str | None, typer.Option(help="只要此后改动过的：2026-11-01 或带时区的时间。")] = None,
    out: Annotated[Path | None, typer.Option(help="写到文件，只有本用户能读，覆盖已有的导出；不给则写到标准输出。")] = None,
) -> None:
    """Write every row of a resource; phones are masked as everywhere outside a record."""
    from bot.cli.sheets import exported, parse_since, resources

    known = resources()
    if kind not in known:
        fail(f"没有资源 {kind}，可选：{'、'.join(sorted(known))}", WRONG_USAGE)
    if format is ExportFormat.XLSX and out is None:
        fail("xlsx 需要 --out 文件", WRONG_USAGE)
    try:
        start = parse_since(since) if since else None
    except ValueError:
        fail(f"--since 读不懂：{since}，例如 2026-11-01", WRONG_USAGE)

    if out is not None:
        refuse_target(settings_of(context), context.find_root().obj, out)

    async def work(core: "Core", actor: "Actor") -> int:
        if out is None:
            return await exported(core, actor, known[kind], format.value, sys.stdout.buffer, since=start, tell=_tell)
        # Beside the target first: an export that is cut off must not look like a whole one.
        part = out.with_name(f".{out.name}.{os.getpid()}.part")
        try:
            # Names and addresses: for the owner's eyes alone, as backups are.
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
                count = await exported(core, actor, known[kind], format.value, stream, since=start, tell=_tell)
            part.replace(out)
        finally:
            part.unlink(missing_ok=True)
        return count

    count = with_core(context, work)
    typer.echo(f"已导出 {count} 行", err=True)


def _tell(sentence: str) -> None:
    typer.echo(sentence, err=True)
