"""The platforms played on loopback; imports nothing of bot.channels or bot.crypto.

`Simulator` starts, drives and stops them; everything else hangs on its attributes.
"""

from bot.simulator.accounts import DingTalkApp, SimulatorOptions, WeChatAccount, WeComCorp
from bot.simulator.clock import SimClock
from bot.simulator.faults import FaultKind
from bot.simulator.simulator import Simulator

__all__ = ["DingTalkApp", "FaultKind", "SimClock", "Simulator", "SimulatorOptions", "WeChatAccount", "WeComCorp"]
