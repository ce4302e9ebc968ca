"""Files a command must not write over: what the product lives on, and what is no result of ours."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.session import WRONG_USAGE, fail

if TYPE_CHECKING:  # names for annotations
    from bot.config import Settings

_SQLITE_HEAD = b"SQLite format 3\0"
_BESIDE = ("", "-wal", "-shm", "-journal", ".lock")


def refuse_target(settings: "Settings", settings_file: Path, out: Path) -> None:
    """End with one sentence when an export must not be written there: 2 for a file of ours, 1 for a missing folder."""
    if not out.parent.is_dir():
        fail(f"文件夹 {out.parent} 不存在")
    if out.is_dir():
        fail(f"{out} 是文件夹，请写出文件名", WRONG_USAGE)
    if out.exists() and not out.is_file():
        fail(f"{out} 不是普通文件，请换个文件名", WRONG_USAGE)
    if any(_is_same(out, ours) for ours in _ours(settings)) or _is_database(out):
        fail(f"{out} 是数据库文件，不能用导出覆盖，请换个文件名", WRONG_USAGE)
    if _is_same(out, settings_file):
        fail(f"{out} 是设置文件，不能用导出覆盖，请换个文件名", WRONG_USAGE)


def _ours(settings: "Settings") -> list[Path]:
    if not settings.database.embedded:
        return []
    database = settings.database.path.resolve()
    return [database.with_name(database.name + ending) for ending in _BESIDE]


def _is_same(one: Path, other: Path) -> bool:
    """Compare by name, and by the file itself where both are there: a link has another name."""
    return one.resolve() == other.resolve() or (one.exists() and other.exists() and one.samefile(other))


def _is_database(path: Path) -> bool:
    if not path.is_file() or not os.access(path, os.R_OK):
        return False
    with path.open("rb") as file:
        return file.read(len(_SQLITE_HEAD)) == _SQLITE_HEAD
