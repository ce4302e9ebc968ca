"""`version`, `parse`, `simulate`, `bench`."""

import json
import platform
import socket

from tests.bot.cli.conftest import Run


def test_version_tells_what_is_running(guanxi: Run) -> None:
    shown = guanxi("version").stdout
    assert shown.startswith("guanxi ")
    assert f"Python {platform.python_version()}" in shown
    assert "\nschema 0" in shown
    assert "\nSQLite 3." in shown


def test_parse_hands_its_arguments_on(guanxi: Run) -> None:
    shown = guanxi("parse", "--now", "2026-11-25T10:00:00+08:00", "--known", "张伟", "昨天下午跟张伟通了电话").stdout
    assert json.loads(shown)["intent"] == "log_follow_up"
    guanxi("parse", status=2)
    assert "--batch" in guanxi("parse", "--help").stdout


def test_a_busy_port_is_one_sentence(guanxi: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        shown = guanxi("simulate", "--port", str(taken.getsockname()[1]), status=1)
    assert "端口已被占用" in shown.stderr
    assert shown.stderr.count("\n") == 1
