"""A question before what cannot be undone: put to a person at a terminal, or answered by what is piped in."""

import io
import os
import select
import sys

import typer

from bot.cli.session import WRONG_USAGE, fail

WAIT_SECONDS = 5.0
"""How long a pipe may stay silent: another program may have left its own open and never write into it."""
AT_ONCE_SECONDS = 0.3
_MOST_BYTES = 1024
_YES = {"", "y", "yes", "是"}
_NO = {"n", "no", "否"}


def agreed(question: str) -> bool:
    """Tell whether it may be done. Without a terminal only a piped no stops it: programs call us too.

    Ends with 2 when what is piped in is neither: a list that was meant for somebody else must not count as a yes.
    """
    if sys.stdin is None:
        return True
    if sys.stdin.isatty():
        return typer.confirm(question, err=True)
    word = _piped_line(question).strip().casefold()
    if word not in _YES | _NO:
        fail("标准输入里的内容不是 y 或 n，什么也没有做；在脚本里请加 --yes", WRONG_USAGE)
    return word in _YES


def _piped_line(question: str) -> str:
    try:
        number = sys.stdin.fileno()
    except io.UnsupportedOperation:
        return sys.stdin.readline()
    ready, _, _ = select.select([number], [], [], AT_ONCE_SECONDS)
    if not ready:
        # Perhaps a person without a terminal (ssh, docker exec), who sees here what is waited for.
        typer.echo(f"{question}（{WAIT_SECONDS:.0f}秒内可输入 n 取消）", err=True)
        ready, _, _ = select.select([number], [], [], WAIT_SECONDS)
    # What is there, and no more: a line without an end would keep us for ever.
    text = os.read(number, _MOST_BYTES) if ready else b""
    return text.decode("utf-8", "replace").partition("\n")[0]
