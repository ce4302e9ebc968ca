"""WeChat Official Account (公众号); read account.py first."""

from bot.channels.wechat_oa.account import WechatOa
from bot.channels.wechat_oa.settings import Settings

__all__ = ["Settings", "WechatOa"]
