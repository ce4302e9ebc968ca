"""`python -m bot.simulator`: the simulators alone."""

import argparse

from bot.simulator.accounts import SimulatorOptions
from bot.simulator.run import run_simulator


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m bot.simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9090)
    parser.add_argument("--wechat-callback", default="", help="callback address of the Official Account")
    parser.add_argument("--dingtalk-callback", default="", help="callback address of the DingTalk robot")
    parser.add_argument("--wecom-callback", default="", help="callback address of the WeCom application")
    parser.add_argument("--kf-callback", default="", help="callback address of the WeCom customer service")
    parser.add_argument("--counting-only", action="store_true", help="keep numbers only, for loads")
    arguments = parser.parse_args()
    run_simulator(
        arguments.host,
        arguments.port,
        options=SimulatorOptions(counting_only=arguments.counting_only),
        wechat_callback_url=arguments.wechat_callback,
        dingtalk_callback_url=arguments.dingtalk_callback,
        wecom_callback_url=arguments.wecom_callback,
        kf_callback_url=arguments.kf_callback,
    )


if __name__ == "__main__":
    main()
