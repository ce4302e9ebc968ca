"""What every command needs: the settings, an open database, and errors as one sentence with an exit status.

Nothing heavy is imported at the top of the files in this folder: `guanxi --help` has a quarter of a second.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from errno import EACCES, EADDRINUSE, EISDIR, ENOENT, ENOSPC, ENOTDIR
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import typer

if TYPE_CHECKING:  # names for annotations; the modules are loaded by the commands that need them
    from bot.config import Settings
    from crm_core.access import Actor
    from crm_core.db import Database
    from crm_core.ports import Core

T = TypeVar("T")
_FILE_ERRORS = {
    ENOENT: "没有这个文件",
    EACCES: "没有权限读写",
    EISDIR: "这是文件夹，不是文件",
    ENOTDIR: "路径里有一段不是文件夹",
    ENOSPC: "磁盘已满",
}
WORK_FAILED = 1
WRONG_USAGE = 2


def fail(sentence: str, status: int = WORK_FAILED) -> NoReturn:
    """Say why on standard error and end."""
    typer.echo(sentence, err=True)
    raise typer.Exit(status)


def settings_of(context: typer.Context) -> "Settings":
    """Read the settings file of this call; ends with 2 and every problem when it is wrong."""
    from bot.config import SettingsProblems, load

    path: Path = context.find_root().obj
    try:
        return load(path, os.environ)
    except SettingsProblems as problems:
        fail("\n".join(map(str, problems.problems)), WRONG_USAGE)


@contextmanager
def sentences() -> Iterator[None]:
    """Turn what a user can cause into one sentence and the exit status of the contract."""
    from crm_core.errors import CrmError, Invalid

    try:
        yield
    except Invalid as error:
        fail(error.sentence(), WRONG_USAGE)
    except CrmError as error:
        fail(error.sentence())
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        fail(_sentence_of(error))


def prepare_folders(settings: "Settings") -> None:
    """Make the folders of the data and the database, for their owner alone. Ends with 1 when one cannot be written."""
    # The address of a server is no path: a folder of its name would show the password in it.
    database = (settings.database.path.parent,) if settings.database.embedded else ()
    for folder in (settings.core.data_dir, *database):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            writable = os.access(folder, os.W_OK | os.X_OK)
        except OSError:
            writable = False
        if not writable:
            fail(f"文件夹 {folder} 不可写，请修改权限或 [core] data_dir、[database] url")


@asynccontextmanager
async def opened(settings: "Settings") -> AsyncIterator["Core"]:
    """Open the database beside whatever serves it; a new embedded one is made, an old one refused."""
    from bot.models import MODEL_MODULES
    from crm_core.clock import SystemClock
    from crm_core.db import Database
    from crm_core.outbox import DatabaseOutbox
    from crm_core.ports import Core
    from crm_core.state import DatabaseState

    is_new = settings.database.embedded and not settings.database.path.exists()
    database, clock, outbox = Database(settings.database, MODEL_MODULES), SystemClock(), DatabaseOutbox()
    await _open(database)
    try:
        if is_new:
            await database.migrate()
        await database.require_current()
        core = Core(
            clock=clock,
            db=database,
            outbox=outbox,
            state=DatabaseState(database, clock),
            settings=settings.core,
            **channel_rules(settings),
        )
        outbox.bind(core)
        yield core
    finally:
        await database.close()


async def _open(database: "Database") -> None:
    from tortoise.exceptions import OperationalError

    from crm_core.errors import CrmError

    try:
        await database.open()
    except CrmError:
        await database.close()
        raise
    except OperationalError as error:
        await database.close()
        fail(f"数据库 {database.settings.path} 打不开：{error}")


def channel_rules(settings: "Settings") -> dict[str, Any]:
    """Tell the windows of the channels and which of them reach employees, as the serving process has them."""
    from bot.channel import group_channels
    from bot.config import channel_kinds
    from bot.httpclient import HttpClient
    from crm_core.clock import SystemClock

    if not settings.channels:
        return {}
    kinds, http, clock = channel_kinds(), HttpClient(), SystemClock()
    made = {name: kinds[kind](name, own, http, clock) for name, (kind, own) in settings.channels.items()}
    staff = frozenset(name for name, (kind, _) in settings.channels.items() if kinds[kind].is_staffs)
    reach = {name: channel.limits.reach for name, channel in made.items()}
    return {"reach": reach, "staff_channels": staff, "group_channels": group_channels(kinds, settings.channels)}


def with_core(context: typer.Context, work: "Callable[[Core, Actor], Awaitable[T]]") -> T:
    """Run one piece of work over the database, as the operator of this machine."""
    settings = settings_of(context)
    prepare_folders(settings)

    async def run() -> T:
        from crm_core.access import Actor

        async with opened(settings) as core:
            return await work(core, Actor.of_system("cli"))

    return finish(run())


def finish(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, with errors as sentences."""
    with sentences():
        return asyncio.run(work)


def _sentence_of(error: OSError) -> str:
    if error.errno == EADDRINUSE:
        return "端口已被占用，请修改 [server] port 或停止占用它的程序"
    words = _FILE_ERRORS.get(error.errno or 0)
    if words and error.filename:
        return f"{words}：{error.filename}"
    return f"{error.strerror or '读写失败'}：{error.filename}" if error.filename else f"系统错误：{error.strerror or error}"


def write_line(text: str) -> None:
    """Write one line of result."""
    sys.stdout.write(text + "\n")
