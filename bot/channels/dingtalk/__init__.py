"""DingTalk robot (钉钉机器人); read robot.py first."""

from bot.channels.dingtalk.robot import DingTalk
from bot.channels.dingtalk.settings import CustomRobot, Settings

__all__ = ["CustomRobot", "DingTalk", "Settings"]
