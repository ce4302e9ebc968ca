"""The simulated platforms in a process of their own, with a crowd of followers who have just written.

`python -m bot.bench.platform COUNT [--keep]` prints one line of JSON as `guanxi simulate` does; --keep keeps every chat line.
"""

import asyncio
import sys

from bot.bench.yardsticks.serving import tell_line
from bot.simulator import Simulator, SimulatorOptions
from bot.simulator.run import serve


def main(count: int, *, keep: bool) -> None:
    """Serve until a signal."""
    options = SimulatorOptions(
        counting_only=not keep,
        dingtalk_qps=None,
        dingtalk_unknown_staff=True,
        wecom_base_limits=False,
        wecom_unknown_members=True,
        wecom_member_per_minute=None,
        wecom_member_per_hour=None,
    )
    simulator = Simulator(options=options)
    simulator.wechat.state.followers.add_crowd(count)
    asyncio.run(serve(simulator, "127.0.0.1", 0, announce=tell_line))


if __name__ == "__main__":
    main(int(sys.argv[1]), keep="--keep" in sys.argv)
