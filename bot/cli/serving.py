"""`serve`, `demo`, `migrate`, `check-config`."""

import asyncio
import inspect
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.session import finish, prepare_folders, sentences, settings_of, write_line

if TYPE_CHECKING:  # names for annotations
    from bot.config import Settings


class ServeRole(StrEnum):
    """Which part of the product a process is."""

    ALL = "all"
    GATEWAY = "gateway"
    WORKER = "worker"


def serve(
    context: typer.Context,
    role: Annotated[ServeRole, typer.Option(help="all：一个进程做全部；gateway：只收消息；worker：只做后台。")] = ServeRole.ALL,
) -> None:
    """Run the product."""
    settings = settings_of(context)
    prepare_folders(settings)
    from bot import logs
    from bot.app import serve as start

    with sentences():
        logs.configure(settings=settings.logs, folder=settings.core.data_dir)
    _run(start(settings, role.value))


def demo(
    data: Annotated[Path | None, typer.Option(help="数据文件夹；不给则用完即弃。")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="页面的端口。")] = 8080,
) -> None:
    """Serve with simulated platforms and sample data."""
    from bot.demo import run

    _run(run(data, port))


def migrate(context: typer.Context) -> None:
    """Bring the database to the current schema."""
    settings = settings_of(context)
    prepare_folders(settings)

    async def work() -> list[str]:
        from bot.models import MODEL_MODULES
        from crm_core.clock import SystemClock
        from crm_core.db import Database

        database = Database(settings.database, MODEL_MODULES)
        await database.open()
        try:
            stamp = SystemClock().now().strftime("%Y%m%dT%H%M%S")
            return await database.migrate(backup=settings.core.data_dir / "backups" / f"before-migration-{stamp}.db")
        finally:
            await database.close()

    taken = finish(work())
    for name in taken:
        write_line(f"已执行 {name}")
    write_line("数据库结构已是最新")


def check_config(context: typer.Context) -> None:
    """Say what is wrong with the settings, nothing else."""
    settings = settings_of(context)
    if not settings.channels:
        write_line("还没有启用任何渠道：在 [channels.名称] 里把 enabled 设为 true")
    for name, (kind, own) in settings.channels.items():
        write_line(f"渠道 {name}（{kind}）：{_address(settings, name, own)}")
    write_line("设置没有问题")


def _address(settings: "Settings", name: str, own: object) -> str:
    from bot.settings import has_callback

    if not has_callback(own):
        return "Stream 模式，不需要回调地址"
    base = settings.server.public_url.rstrip("/")
    return f"回调地址 {base}/hook/{name}" if base else f"回调地址以 /hook/{name} 结尾，前面一段 [server] public_url 还没有写"


def _run(started: object) -> None:
    with sentences():
        result = asyncio.run(started) if inspect.iscoroutine(started) else started
    if isinstance(result, int) and result:
        raise typer.Exit(result)
