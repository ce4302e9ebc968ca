"""`guanxi audit verify`."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.session import WRONG_USAGE, fail, sentences, with_core, write_line

if TYPE_CHECKING:
    from crm_core.access import Actor
    from crm_core.audit import Verified
    from crm_core.ports import Core

app = typer.Typer(help="审计记录。", no_args_is_help=True)
SHOWN = 20
"""Findings told one by one."""
_DIGEST = re.compile(r"[0-9a-f]{16,64}")
"""A whole digest or enough of its beginning; the log writes it in parts."""


@app.callback()
def about() -> None:
    """Hold the subcommands."""


@app.command("verify", help="核对审计链：事后改动、删除、插入都会被发现。")
def verify(
    context: typer.Context,
    expect: Annotated[
        list[str] | None,
        typer.Option("--expect", metavar="DIGEST", help="以前留存的末块摘要（日志、备份输出里的），应仍在链中；可写多次。"),
    ] = None,
    backup: Annotated[
        list[Path] | None, typer.Option("--backup", metavar="FILE", help="以前的备份，其中的末块应仍在链中；可写多次。")
    ] = None,
) -> None:
    """Walk the chain; ends with 1 when something does not hold."""
    expected = [*map(_read_digest, expect or []), *_digests_of(backup or [])]

    async def work(core: "Core", _: "Actor") -> "Verified":
        from crm_core import audit

        await audit.seal(core)
        return await audit.verify(core, expected)

    found = with_core(context, work)
    if found.problems:
        rest = f"\n另有 {len(found.problems) - SHOWN} 处" if len(found.problems) > SHOWN else ""
        fail("审计链不完整：\n" + "\n".join(found.problems[:SHOWN]) + rest)
    erased = f"，其中 {found.erased} 条的内容已随个人信息删除" if found.erased else ""
    kept = f"，留存的 {len(expected)} 个摘要都在链中" if expected else ""
    write_line(f"审计链完整：{found.entries} 条，{found.blocks} 块{erased}{kept}；末块 {found.digest or '无'}")


def _read_digest(word: str) -> str:
    digest = word.replace(":", "").strip().lower()
    if not _DIGEST.fullmatch(digest):
        fail(f"--expect {word} 不是摘要：需要 16 到 64 位十六进制", WRONG_USAGE)
    return digest


def _digests_of(files: list[Path]) -> list[str]:
    if not files:
        return []
    from crm_core.backups import kept_digest

    with sentences():
        return list(filter(None, map(kept_digest, files)))
