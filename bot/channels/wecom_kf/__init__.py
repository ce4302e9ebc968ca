"""Customer service of WeCom (微信客服); read account.py first."""

from bot.channels.wecom_kf.account import WecomKf
from bot.channels.wecom_kf.settings import Settings

__all__ = ["Settings", "WecomKf"]
