"""`migrate`, `check-config`, and how `serve` and `demo` fail."""

import socket
from pathlib import Path

from tests.bot.cli.conftest import Run

WECHAT = """
[channels.wechat]
kind = "wechat_oa"
app_id = "wx1"
original_id = "gh_1"
app_secret_env = "WX_SECRET"
token_env = "WX_TOKEN"
mode = "plain"
"""
STREAM = """
[channels.ding]
kind = "dingtalk"
client_id = "ding1"
client_secret_env = "WX_SECRET"
receive = "stream"
"""


def test_migrate_brings_a_database_up_once(guanxi: Run, empty_folder: Path) -> None:
    assert "已执行 0001_initial" in guanxi("migrate").stdout
    assert (empty_folder / "crm.db").exists()
    assert guanxi("migrate").stdout == "数据库结构已是最新\n"
    assert not (empty_folder / "store" / "backups").exists()


def test_check_config_says_what_is_there_and_touches_nothing(guanxi: Run, empty_folder: Path) -> None:
    assert "还没有启用任何渠道" in guanxi("check-config").stdout
    with (empty_folder / "config.toml").open("a") as file:
        file.write(WECHAT)
    assert "环境变量 WX_SECRET 没有设置" in guanxi("check-config", status=2).stderr
    shown = guanxi("check-config", WX_SECRET="s", WX_TOKEN="t").stdout
    assert "渠道 wechat（wechat_oa）" in shown
    assert "/hook/wechat" in shown
    assert "PUBLIC_URL" not in shown
    assert "[server] public_url 还没有写" in shown
    address = guanxi("check-config", WX_SECRET="s", WX_TOKEN="t", GUANXI_SERVER__PUBLIC_URL="https://crm.example.cn/").stdout
    assert "回调地址 https://crm.example.cn/hook/wechat\n" in address
    with (empty_folder / "config.toml").open("a") as file:
        file.write(STREAM)
    assert "渠道 ding（dingtalk）：Stream 模式，不需要回调地址" in guanxi("check-config", WX_SECRET="s", WX_TOKEN="t").stdout
    assert sorted(path.name for path in empty_folder.iterdir()) == ["config.toml"]


def test_serve_on_a_busy_port_is_one_sentence(process: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        shown = process("serve", status=1, GUANXI_SERVER__PORT=str(taken.getsockname()[1]))
    assert "端口已被占用" in shown.stderr


def test_demo_takes_a_port_only_a_machine_has(guanxi: Run) -> None:
    guanxi("demo", "--port", "99999", status=2)
