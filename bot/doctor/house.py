"""What concerns this machine: folders, disk, fonts, database, backups, Redis."""

import os
import shutil
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from tortoise.exceptions import OperationalError

from bot.config import Settings
from bot.doctor.findings import Finding, bad, doubtful, good
from bot.models import MODEL_MODULES
from crm_core.backups import Backup
from crm_core.clock import Clock
from crm_core.db import Database
from crm_core.employees import Department
from crm_core.errors import CrmError, Unavailable

LEAST_FREE_MIB = 500
TIGHT_FREE_MIB = 2_000
BACKUP_OLD = timedelta(days=2)
WAL_LARGE_MIB = 512
MIB = 1024 * 1024
FONTS = (
    "/usr/share/fonts/**/wqy-*.ttc",
    "/usr/share/fonts/**/NotoSansCJK*",
    "/usr/share/fonts/**/NotoSansSC*",
    "/usr/share/fonts/**/SourceHanSans*",
    "/usr/share/fonts/**/simhei.ttf",
    "/System/Library/Fonts/PingFang.ttc",
    "/Library/Fonts/*CJK*",
)


def folders(settings: Settings) -> Finding:
    """Look whether the data folder can be written."""
    folder = settings.core.data_dir
    nearest = next((each for each in (folder, *folder.parents) if each.exists()), Path("/"))
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return good("数据文件夹", str(folder))
    return bad("数据文件夹", f"{folder} 不可写", "修改文件夹权限，或改 [core] data_dir")


def disk(settings: Settings, usage: "Callable[[Path], tuple[int, int, int]]" = shutil.disk_usage) -> Finding:
    """Look how much room is left where the data is."""
    folder = settings.core.data_dir
    nearest = next((each for each in (folder, *folder.parents) if each.exists()), Path("/"))
    free = usage(nearest)[2] // MIB
    if free < LEAST_FREE_MIB:
        return bad("磁盘", f"只剩 {free} MiB", "清理磁盘或扩容；写满后会拒收消息")
    if free < TIGHT_FREE_MIB:
        return doubtful("磁盘", f"只剩 {free} MiB", "请尽快清理或扩容")
    return good("磁盘", f"剩余 {free // 1024} GiB")


def fonts(patterns: tuple[str, ...] = FONTS) -> Finding:
    """Look for a font that has Chinese characters: reports are pictures."""
    for pattern in patterns:
        root, _, rest = pattern.partition("**/")
        place, name = (Path(root), f"**/{rest}") if rest else (Path(pattern).parent, Path(pattern).name)
        if place.is_dir() and next(place.glob(name), None):
            return good("中文字体")
    return doubtful("中文字体", "没有找到中文字体，图表会改发文字", "安装：apt-get install fonts-wqy-microhei")


async def database(settings: Settings, clock: Clock) -> AsyncIterator[Finding]:
    """Look whether the database opens, is of today's schema, and is backed up."""
    where = settings.database
    if where.embedded and not where.path.exists():
        yield doubtful("数据库", f"{where.path} 还不存在", "首次运行 guanxi serve 时会自动建立")
        return
    opened = Database(where, MODEL_MODULES)
    try:
        try:
            await opened.open()
            missing = await opened.missing_migrations()
        except Unavailable:
            yield bad("数据库", "正忙或无法写入", "检查磁盘、文件权限，以及是否有程序长时间占用数据库")
            return
        except CrmError as error:
            yield bad("数据库", error.sentence(), "核对 [database] url")
            return
        except (OperationalError, OSError, ValueError) as error:
            yield bad("数据库", f"打不开（{type(error).__name__}）", "核对 [database] url；文件损坏时用 guanxi restore 恢复")
            return
        yield good("数据库", where.place)
        if missing:
            yield bad("数据库结构", f"缺 {len(missing)} 步升级", "运行 guanxi migrate")
            return
        yield good("数据库结构")
        yield await _backups(clock)
        async for found in _units(settings):
            yield found
        if where.embedded:
            yield _write_ahead(where.path)
    finally:
        await opened.close()


async def _units(settings: Settings) -> AsyncIterator[Finding]:
    """Look whether the units that rules give leads to are there."""
    rules = settings.core.distribution.rules if settings.core.distribution.enabled else ()
    there = set(await Department.filter(closed_at=None).values_list("name", flat=True))
    for name in sorted({rule.department for rule in rules if rule.department} - there):
        yield doubtful("分发", f"[[distribution.rules]] 里的单位「{name}」还没有", f"运行 guanxi department add {name}")


async def _backups(clock: Clock) -> Finding:
    newest = await Backup.all().order_by("-taken_at").first()
    hint = "定时运行 guanxi backup，见 deploy/guanxi-backup.timer"
    if newest is None:
        return doubtful("备份", "还没有备份过", hint)
    age = clock.now() - newest.taken_at
    if not Path(newest.path).exists():  # noqa: ASYNC240 - a command of its own
        return doubtful("备份", f"最近一份 {newest.path} 已不在原处", "若已移到别处可忽略，否则请重新备份")
    if age > BACKUP_OLD:
        return doubtful("备份", f"最近一份是 {age.days} 天前的", hint)
    return good("备份", f"{int(age.total_seconds() // 3600)} 小时前")


def _write_ahead(path: Path) -> Finding:
    wal = path.with_name(path.name + "-wal")
    size = wal.stat().st_size // MIB if wal.exists() else 0
    if size > WAL_LARGE_MIB:
        return doubtful("预写日志", f"{wal.name} 已有 {size} MiB", "有程序长时间读着数据库；找到并结束它")
    return good("预写日志", f"{size} MiB")


async def redis(settings: Settings) -> Finding | None:
    """Look whether Redis answers, when it is set."""
    if not settings.redis.url:
        return None
    from redis.asyncio import Redis
    from redis.exceptions import AuthenticationError, RedisError

    # None would stand above a password in the address.
    more: dict[str, Any] = {"password": settings.redis.password.reveal()} if settings.redis.password else {}
    client = Redis.from_url(settings.redis.url, socket_connect_timeout=2, socket_timeout=2, **more)
    try:
        await client.ping()
    except AuthenticationError:
        return bad("Redis", "密码不对", "核对 [redis] password_env 指向的环境变量")
    except (RedisError, OSError, TimeoutError):
        return bad("Redis", "没有应答", "启动 Redis，或把 [redis] url 置空；没有它时自动改用数据库")
    finally:
        await client.aclose()
    return good("Redis")
