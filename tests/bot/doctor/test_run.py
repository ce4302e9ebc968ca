"""The doctor's report as a whole, as its command prints it; and what concerns this machine."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bot.doctor import house
from bot.doctor.findings import State
from bot.doctor.run import _address, _skew
from bot.simulator import Simulator
from crm_core.clock import SystemClock
from tests.bot.cli.conftest import CONFIG, Run, driver, empty_folder, folder, guanxi  # noqa: F401 - fixtures
from tests.bot.cli.conftest import _migrated as _migrated
from tests.bot.doctor.conftest import settings_of

MIB = 1024 * 1024


async def test_a_disk_that_fills(simulator: Simulator, tmp_path: Path) -> None:
    settings = settings_of(simulator, tmp_path)
    states = [house.disk(settings, lambda _, free=free: (0, 0, free * MIB)).state for free in (100, 1_000, 50_000)]
    assert states == [State.BAD, State.DOUBTFUL, State.GOOD]


async def test_a_data_folder_that_is_a_file(simulator: Simulator, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    assert house.folders(settings_of(simulator, tmp_path)).state is State.BAD


def test_no_font_with_chinese(tmp_path: Path) -> None:
    finding = house.fonts((f"{tmp_path}/**/wqy-*.ttc",))
    assert finding.state is State.DOUBTFUL
    assert "fonts-wqy-microhei" in finding.mend
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "wqy-x.ttc").write_text("")
    assert house.fonts((f"{tmp_path}/**/wqy-*.ttc",)).state is State.GOOD


def test_a_clock_that_is_off() -> None:
    now = SystemClock().now()
    assert _skew(now, now - timedelta(minutes=10)).cause == "本机快了 600 秒，签名会被拒绝"
    assert _skew(now - timedelta(minutes=2), now).state is State.DOUBTFUL
    assert _skew(now, now + timedelta(seconds=2)).state is State.GOOD


async def test_the_public_address(simulator: Simulator, tmp_path: Path) -> None:
    settings = settings_of(simulator, tmp_path)
    states = [
        _address(replace(settings, server=replace(settings.server, public_url=url))).state
        for url in ("", "http://127.0.0.1", "http://a.cn", "https://a.cn")
    ]
    assert states == [State.BAD, State.DOUBTFUL, State.DOUBTFUL, State.GOOD]


async def test_stream_alone_needs_no_public_address(simulator: Simulator, tmp_path: Path) -> None:
    settings = settings_of(simulator, tmp_path)
    settings = replace(settings, server=replace(settings.server, public_url=""))
    kind, ding = settings.channels["dingtalk"]
    alone = replace(settings, channels={"dingtalk": (kind, replace(ding, receive="stream"))})
    assert str(_address(alone)) == "✓ 公网地址：没有设置，启用的渠道都不需要"
    beside = replace(settings, channels={**settings.channels, **alone.channels})
    assert _address(beside).state is State.BAD


def test_a_house_without_channels(guanxi: Run, folder: Path) -> None:  # noqa: F811
    told = guanxi("doctor")
    assert "- 公网地址：没有设置，启用渠道后再看" in told.stdout
    assert "! 备份：还没有备份过" in told.stdout
    assert "! 渠道：还没有启用任何渠道；在 [channels.名称] 里写 enabled = true" in told.stdout
    assert told.last.startswith("没有不能用的，有 2 处")


def test_units_that_rules_name_and_nobody_made(guanxi: Run, folder: Path) -> None:  # noqa: F811
    rules = '[distribution]\nenabled = true\n[[distribution.rules]]\nname = "华东"\ndepartment = "华东部"\n'
    (folder / "config.toml").write_text(CONFIG + rules, encoding="utf-8")
    assert (
        "! 分发：[[distribution.rules]] 里的单位「华东部」还没有；运行 guanxi department add 华东部" in guanxi("doctor").stdout
    )
    guanxi("department", "add", "华东部")
    assert "! 分发" not in guanxi("doctor").stdout


def test_a_backup_that_is_there_old_or_gone(guanxi: Run, folder: Path) -> None:  # noqa: F811
    guanxi("backup", "one.db")
    assert "✓ 备份" in guanxi("doctor").stdout
    with closing(sqlite3.connect(folder / "crm.db")) as raw:
        raw.execute("UPDATE backups SET taken_at = '2026-01-01 00:00:00+00:00'")
        raw.commit()
    assert "天前的" in guanxi("doctor").stdout
    (folder / "one.db").unlink()
    assert "已不在原处" in guanxi("doctor").stdout


def test_a_broken_database(guanxi: Run, folder: Path) -> None:  # noqa: F811
    (folder / "crm.db").write_bytes(b"broken" * 4096)
    assert "✗ 数据库：打不开" in guanxi("doctor", status=1).stdout


def test_an_old_schema(guanxi: Run, folder: Path) -> None:  # noqa: F811
    with closing(sqlite3.connect(folder / "crm.db")) as raw:
        raw.execute("DELETE FROM tortoise_migrations WHERE name = (SELECT max(name) FROM tortoise_migrations)")
        raw.commit()
    assert "✗ 数据库结构：缺 1 步升级；运行 guanxi migrate" in guanxi("doctor", status=1).stdout


def test_no_database_yet(guanxi: Run, folder: Path) -> None:  # noqa: F811
    (folder / "crm.db").unlink()
    assert "还不存在" in guanxi("doctor").stdout
    assert not (folder / "crm.db").exists()


def test_redis_that_does_not_answer(guanxi: Run, folder: Path, unused_tcp_port: int) -> None:  # noqa: F811
    settings = CONFIG + f'[redis]\nurl = "redis://127.0.0.1:{unused_tcp_port}/0"\n'
    (folder / "config.toml").write_text(settings, encoding="utf-8")
    assert "✗ Redis：没有应答" in guanxi("doctor", status=1).stdout


def test_settings_that_are_wrong_are_told_first(guanxi: Run, folder: Path) -> None:  # noqa: F811
    shutil.copy(folder / "config.toml", folder / "other.toml")
    (folder / "config.toml").write_text('[server]\nport = "x"\n', encoding="utf-8")
    assert "[server] port" in guanxi("doctor", status=2).stderr
