"""`backup`, `restore`, `move-database`."""

import shutil
import sys
import tempfile
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.session import WRONG_USAGE, fail, finish, prepare_folders, settings_of, write_line

if TYPE_CHECKING:  # names for annotations
    from collections.abc import Awaitable, Callable, Iterator

    from bot.config import Settings
    from crm_core.backups import Manifest
    from crm_core.stores import Store, Table

FILE_NAME = "guanxi-{at:%Y%m%d-%H%M%S}.db"
_TEMPORARY = "restoring-"
FILE_PATTERN = "guanxi-????????-??????.db"


def backup(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="备份写到这里，只覆盖以前的备份；给文件夹则按时间起名，并清理超过保留天数的旧备份。")
    ],
) -> None:
    """Copy the database consistently, also while it is served; the last line is the file."""
    settings = settings_of(context)
    finish(_backup(settings, file))


async def _backup(settings: "Settings", file: Path) -> None:
    from crm_core import backups
    from crm_core.clock import SystemClock

    now = SystemClock().now()
    target = file / FILE_NAME.format(at=now) if file.is_dir() else file
    if settings.database.embedded:
        if not settings.database.path.exists():
            fail(f"数据库 {settings.database.path} 还不存在，没有可备份的内容")
        with _progress("备份") as told:
            manifest = await backups.take_of_file(settings.database.path, target, _tables(), now, told)
    else:
        manifest = await _backup_server(settings, target, now)
    await _note(settings, target, manifest)
    if file.is_dir():
        _prune(file, now - timedelta(days=settings.core.backup_keep_days))
    write_line(f"已备份 {manifest.rows} 行" + (f"；审计末块 {manifest.audit}" if manifest.audit else ""))
    write_line(str(target))


async def _backup_server(settings: "Settings", target: Path, now: Any) -> "Manifest":
    from crm_core import backups
    from crm_core.copying import copy
    from crm_core.stores import PostgresStore, SqliteStore

    part = backups.begin(target)
    source = await PostgresStore.open(settings.database.url, snapshot=True)
    try:
        steps = await source.steps()
        if not steps:
            fail("数据库里还没有数据，先运行 guanxi migrate")
        await _make_schema(part, last=steps[-1])
        store = SqliteStore(part)
        tables = [each for table in _tables() if (each := backups.present(store.raw, table)) is not None]
        with _progress("备份") as told:
            try:
                await copy(source, store, tables, told)
            finally:
                await store.close()
        return await backups.finish(part, target, tables, now, lambda *_: None)
    finally:
        await source.close()
        part.unlink(missing_ok=True)


async def _make_schema(path: Path, *, last: str = "") -> None:
    from bot.models import MODEL_MODULES
    from crm_core.db import Database, DatabaseSettings

    database = Database(DatabaseSettings(f"sqlite://{path}", durability="process"), MODEL_MODULES)
    await database.open()
    try:
        await database.migrate(last=last)
    finally:
        await database.close()


async def _note(settings: "Settings", target: Path, manifest: "Manifest") -> None:
    """Write down that this backup exists; a database of an older schema cannot, and its backup stands all the same."""
    from bot.cli.session import opened
    from crm_core.access import Actor, record
    from crm_core.backups import Backup
    from crm_core.errors import CrmError

    try:
        async with opened(settings) as core, core.db.transaction():
            row = await Backup.add(core, path=str(target.resolve()), taken_at=core.clock.now(), rows=manifest.rows)
            await record(core, Actor.of_system("cli"), "backup.take", row)
    except CrmError as error:
        typer.echo(error.sentence(), err=True)


def _prune(folder: Path, before: Any) -> None:
    for path in folder.glob(FILE_PATTERN):
        if path.stat().st_mtime < before.timestamp():
            path.unlink()


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="备份文件。")],
) -> None:
    """Check a backup, then let it become the database; what was there is kept aside."""
    settings = settings_of(context)
    prepare_folders(settings)
    finish(_restore(settings, file))


async def _restore(settings: "Settings", file: Path) -> None:
    from bot import after_restore, erasures
    from bot.cli.people import erase_again
    from crm_core import backups
    from crm_core.clock import SystemClock
    from crm_core.db import known_steps

    with _progress("核对") as told:
        manifest = await backups.inspect(file, _tables(), known_steps(), told)
    now = SystemClock().now()
    await erasures.keep_trail(settings)
    if settings.database.embedded:
        # Before anything is replaced, so that a cut in between cannot leave a restored database without its mark.
        with after_restore.marked(settings.core.data_dir, now, manifest.taken_at):
            await _restore_file(settings, file, f"{now:%Y%m%dT%H%M%S}")
    else:
        await _restore_server(settings, file, partial(after_restore.mark_server, at=now, taken_at=manifest.taken_at))
    await erase_again(settings)
    write_line(after_restore.TOLD)
    checked = (
        f"{manifest.rows} 行，{len(manifest.tables)} 张表与清单一致" if manifest.tables else "备份没有清单，只核对了文件完整"
    )
    write_line(f"已恢复：{checked}")


async def _restore_file(settings: "Settings", file: Path, stamp: str) -> None:
    from crm_core import backups

    aside = settings.core.data_dir / "backups" / f"before-restore-{stamp}.db"
    had = settings.database.path.exists()
    with _unserved(settings):
        await backups.put_in_place(file, settings.database.path, aside)
    if had:
        write_line(f"原来的数据留在 {aside}")


async def _restore_server(settings: "Settings", file: Path, mark: "Callable[[Any], Awaitable[None]]") -> None:
    from crm_core.copying import compare, copy
    from crm_core.sqlite_dialect import back_up
    from crm_core.stores import PostgresStore, SqliteStore

    await _refuse_served(settings.database.url)
    await _bring_up_to_date(settings.database)
    for left in settings.core.data_dir.glob(f"{_TEMPORARY}*"):  # by a restore that was killed; it holds personal data
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=settings.core.data_dir, prefix=_TEMPORARY) as folder:
        # A backup of an older schema is brought up in a copy: its own file stays as it was taken.
        current = Path(folder) / "current.db"
        back_up(file, current)
        await _make_schema(current)
        source = SqliteStore(current, read_only=True)
        target = await PostgresStore.open(settings.database.url, whole=True)
        try:
            await target.empty(_tables())
            with _progress("恢复") as told:
                await copy(source, target, _tables(), told)
                await compare(source, target, _tables())
            await mark(target.connection)
            await target.commit()
        finally:
            await target.close()
            await source.close()


def move_database(
    context: typer.Context,
    source: Annotated[
        str, typer.Argument(metavar="FROM", help="原数据库：config（当前设置）、env:变量名，或 sqlite:… / postgres:… 地址。")
    ],
    target: Annotated[str, typer.Argument(metavar="TO", help="新数据库，写法相同；地址里有密码时请用 env:变量名。")],
) -> None:
    """Copy everything into another database and compare both row by row; run again, it goes on where it ended."""
    settings = settings_of(context)
    finish(_move(settings, *(_address(settings, told) for told in (source, target))))


def _address(settings: "Settings", told: str) -> str:
    """Give the address that is meant; ends with 2 when it is none. A password is better not told on a command line."""
    import os

    from bot.config import SettingsProblems, parse

    if told == "config":
        return settings.database.url
    variable = told.removeprefix("env:") if told.startswith("env:") else ""
    url = os.environ.get(variable, "") if variable else told
    if variable and not url:
        fail(f"环境变量 {variable} 没有设置", WRONG_USAGE)
    try:
        return parse({"database": {"url": url}}, {}, Path.cwd()).database.url
    except SettingsProblems as problems:
        sentence = problems.problems[0].sentence
        place = told if told.startswith("env:") or "@" not in told else "地址"
        fail(f"{place}：{sentence}", WRONG_USAGE)


async def _move(settings: "Settings", source: str, target: str) -> None:
    from dataclasses import replace

    from crm_core.copying import compare, copy

    if source == target:
        fail("两个地址相同")
    from_database, to_database = (replace(settings.database, url=url) for url in (source, target))
    await _bring_up_to_date(to_database)
    from_settings = replace(settings, database=from_database)
    with _unserved(from_settings), _unserved(replace(settings, database=to_database)):
        here, there = await _open_store(source, read_only=True), await _open_store(target)
        try:
            with _progress("搬迁") as told:
                await copy(here, there, _tables(), told)
            with _progress("核对") as told:
                rows = await compare(here, there, _tables(), told)
        finally:
            await there.close()
            await here.close()
    write_line(f"已搬迁并逐行核对 {rows} 行；请把 [database] url 改为新地址后启动")


async def _bring_up_to_date(database: Any) -> None:
    from bot.models import MODEL_MODULES
    from crm_core.db import Database

    opened = Database(database, MODEL_MODULES)
    await opened.open()
    try:
        await opened.migrate()
    finally:
        await opened.close()


async def _open_store(url: str, *, read_only: bool = False) -> "Store":
    from crm_core.stores import PostgresStore, SqliteStore

    if not url.startswith("sqlite:"):
        await _refuse_served(url)
        return await PostgresStore.open(url, snapshot=read_only)
    path = Path(url.removeprefix("sqlite://"))
    if not path.exists():
        fail(f"数据库 {path} 不存在")
    return SqliteStore(path, read_only=read_only)


@contextmanager
def _unserved(settings: "Settings") -> "Iterator[None]":
    """Hold off `serve` from an embedded database meanwhile. Raises: AlreadyServed."""
    from crm_core.db import AlreadyServed
    from crm_core.sqlite_dialect import OnlyOne

    if not settings.database.embedded:
        yield
        return
    lock = OnlyOne(settings.database.path)
    if not lock.take():
        raise AlreadyServed(path=settings.database.path)
    try:
        yield
    finally:
        lock.give_back()


async def _refuse_served(url: str) -> None:
    """End when a process of ours works on this server's database: it would go on writing."""
    from crm_core.stores import PostgresStore

    store: PostgresStore = await PostgresStore.open(url)
    try:
        others = await store.connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'guanxi%'"
            " AND pid <> pg_backend_pid()"
        )
    finally:
        await store.close()
    if others:
        fail("数据库正被 guanxi 使用，请先停止 serve")


def _tables() -> "list[Table]":
    from bot.models import all_models
    from crm_core.stores import tables_of

    return tables_of(all_models())


@contextmanager
def _progress(what: str) -> "Iterator[Callable[[str, int], None]]":
    """Count rows on the error output while somebody looks; silent in scripts."""
    count = 0
    watched = sys.stderr.isatty()

    def told(table: str, rows: int) -> None:
        nonlocal count
        count += rows
        if watched:
            sys.stderr.write(f"\r{what} {count} 行（{table}）\x1b[K")
            sys.stderr.flush()

    yield told
    if watched and count:
        sys.stderr.write("\n")
