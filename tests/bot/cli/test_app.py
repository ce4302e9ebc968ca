"""The command line as a whole."""

import subprocess
import sys
import time

import pytest

from tests.bot.cli.conftest import Run

COMMANDS = [
    *("serve", "demo", "migrate", "check-config", "parse", "export", "employee", "token"),
    *("greetings", "broadcast", "simulate", "bench", "version"),
]
WRONG = [
    "fly",
    "employee add",
    "token create x --role king",
    "serve --role x",
    "greetings preview",
    "broadcast status x",
]


def test_help_lists_every_command(guanxi: Run) -> None:
    shown = guanxi("--help").stdout
    assert all(f"\n  {command} " in shown for command in COMMANDS)


def test_help_needs_no_settings_and_little_time(process: Run) -> None:
    """The promise is 0.25 s; here the fastest of three stays far from what a heavy import costs."""
    taken = []
    for _ in range(3):
        started = time.monotonic()
        process("--config", "nowhere.toml", "--help")
        taken.append(time.monotonic() - started)
    assert min(taken) < 1.0


def test_help_imports_no_library_of_weight() -> None:
    heavy = ("tortoise", "aiohttp", "wechatpy", "jieba", "msgspec")
    code = f"import sys, bot.cli.app; print([name for name in {heavy} if name in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


@pytest.mark.parametrize("line", WRONG)
def test_wrong_usage_ends_with_two(guanxi: Run, line: str) -> None:
    assert guanxi(*line.split(), status=2).stderr
