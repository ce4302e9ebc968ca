"""WeCom (企业微信) application and customer contact; read application.py first."""

from bot.channels.wecom.application import WeCom
from bot.channels.wecom.settings import Settings

__all__ = ["Settings", "WeCom"]
