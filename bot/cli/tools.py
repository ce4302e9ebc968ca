"""`parse`, `simulate`, `bench`, `version`."""

import platform
from typing import Annotated

import typer

from bot.cli.session import fail, sentences, write_line


def parse(context: typer.Context) -> None:
    """Show what a sentence is understood as."""
    from bot.cli.parse import app

    app(args=context.args, prog_name="guanxi parse")


def bench(context: typer.Context) -> None:
    """Run the benchmarks."""
    from bot.bench import main

    _exit_with(main(context.args))


def simulate(
    host: Annotated[str, typer.Option(help="监听地址。")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="监听端口。")] = 9090,
    wechat_callback: Annotated[str, typer.Option(help="公众号的回调地址。")] = "",
    dingtalk_callback: Annotated[str, typer.Option(help="钉钉机器人的回调地址。")] = "",
    wecom_callback: Annotated[str, typer.Option(help="企业微信应用的回调地址。")] = "",
    kf_callback: Annotated[str, typer.Option(help="微信客服的回调地址。")] = "",
    counting_only: Annotated[bool, typer.Option("--counting-only", help="只计数，用于压测。")] = False,
) -> None:
    """Run the platform simulators alone."""
    from bot.simulator import SimulatorOptions
    from bot.simulator.run import run_simulator

    with sentences():
        run_simulator(
            host,
            port,
            options=SimulatorOptions(counting_only=counting_only),
            wechat_callback_url=wechat_callback,
            dingtalk_callback_url=dingtalk_callback,
            wecom_callback_url=wecom_callback,
            kf_callback_url=kf_callback,
        )


def version(context: typer.Context) -> None:
    """Tell what is running."""
    import sqlite3
    from importlib import metadata

    from crm_core.db import known_steps

    write_line(f"guanxi {metadata.version('guanxi')}")
    write_line(f"schema {known_steps()[-1]}")
    write_line(f"Python {platform.python_version()}")
    write_line(f"SQLite {sqlite3.sqlite_version}")


def _exit_with(status: object) -> None:
    if isinstance(status, int) and status:
        fail("", status)
