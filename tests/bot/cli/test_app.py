"""The command line as a whole."""

import time

from tests.bot.cli.conftest import Run

COMMANDS = [
    "serve",
    "demo",
    "migrate",
    "check-config",
    "parse",
    "export",
    "employee",
    "token",
    "greetings",
    "broadcast",
    "simulate",
    "bench",
    "version",
]


def test_help_lists_every_command_and_loads_nothing_heavy(guanxi: Run) -> None:
    shown = guanxi("--help").stdout
    assert all(f"\n  {command} " in shown for command in COMMANDS)


def test_help_needs_no_settings_and_little_time(guanxi: Run) -> None:
    """The promise is 0.25 s; here the fastest of three stays far from what a heavy import costs."""
    taken = []
    for _ in range(3):
        started = time.monotonic()
        guanxi("--help", config="nowhere.toml")
        taken.append(time.monotonic() - started)
    assert min(taken) < 1.0


def test_wrong_usage_ends_with_two(guanxi: Run) -> None:
    for arguments in (
        ("fly",),
        ("employee",),
        ("employee", "add"),
        ("token", "create", "x", "--role", "king"),
        ("serve", "--role", "x"),
    ):
        assert guanxi(*arguments, status=2).stderr or arguments == ("employee",)


def test_help_imports_no_library_of_weight() -> None:
    import subprocess
    import sys

    code = "import sys, bot.cli.app; print([name for name in ('tortoise', 'aiohttp', 'wechatpy', 'jieba', 'msgspec') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
