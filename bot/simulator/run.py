"""The simulators alone in a process, for trying and for load (`guanxi simulate`)."""

import asyncio
import json
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict

from bot.simulator.accounts import DingTalkApp, SimulatorOptions, WeChatAccount, WeComCorp
from bot.simulator.simulator import Simulator


def run_simulator(
    host: str = "127.0.0.1",
    port: int = 9090,
    *,
    wechat: WeChatAccount | None = None,
    dingtalk: DingTalkApp | None = None,
    wecom: WeComCorp | None = None,
    options: SimulatorOptions | None = None,
    wechat_callback_url: str = "",
    dingtalk_callback_url: str = "",
    wecom_callback_url: str = "",
    kf_callback_url: str = "",
) -> None:
    """Serve until SIGINT or SIGTERM; one JSON line with address and made-up credentials is printed first.

    Raises: OSError if the port is busy.
    """
    simulator = Simulator(wechat, dingtalk, wecom=wecom, options=options)
    simulator.wechat.callback_url = wechat_callback_url
    simulator.dingtalk.callback_url = dingtalk_callback_url
    simulator.wecom.callback_url = wecom_callback_url
    simulator.kf.callback_url = kf_callback_url
    asyncio.run(serve(simulator, host, port, announce=_print_line))


async def serve(simulator: Simulator, host: str, port: int, *, announce: Callable[[str], object]) -> None:
    """Start a simulator, announce it, and stop it at a signal."""
    await simulator.start(host, port)
    try:
        announce(describe(simulator))
        await _wait_for_signal()
    finally:
        await simulator.stop()


def describe(simulator: Simulator) -> str:
    """Give address and credentials of a running simulator as one line of JSON."""
    return json.dumps(
        {
            "base_url": simulator.base_url,
            "wechat_oa": asdict(simulator.wechat.account),
            "dingtalk": asdict(simulator.dingtalk.app),
            "wecom": {"api_base": simulator.wecom_api_base, **asdict(simulator.wecom.corp)},
        },
        ensure_ascii=False,
    )


async def _wait_for_signal() -> None:
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    try:
        await stopped.wait()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _print_line(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
