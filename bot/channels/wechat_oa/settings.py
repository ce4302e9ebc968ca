"""The settings of an Official Account, and what can be wrong with them."""

from dataclasses import dataclass
from datetime import time, timedelta

from bot.channels.wechat_oa.menu import MenuButton, menu_problems
from bot.crypto import is_aes_key
from bot.secret import NO_SECRET, Secret

MODES = ("plain", "compatible", "safe")
ACCOUNTS = ("service", "subscription")
MASS_LEAST, MASS_MOST = 2, 10_000
"""People of one mass call to a list. Source: mass-send page, protocols.md section 2.2."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`[channels.NAME]` with `kind = "wechat_oa"`; secrets arrive resolved.

    The windows are data because the platform changes them: 5 messages within 48 h of what a person wrote, 3 within
    1 min of a follow, scan or menu click. Source: customer-service message page of the platform, read 2026-11.
    """

    app_id: str
    """AppID, beginning with wx."""
    original_id: str
    """Original id (原始ID), beginning with gh_."""
    app_secret: Secret
    """AppSecret."""
    token: Secret
    """Token of the server configuration (服务器配置)."""
    aes_key: Secret = NO_SECRET
    """EncodingAESKey, 43 letters and digits; needed unless `mode` is plain."""
    mode: str = "safe"
    """plain, compatible or safe, as set on the platform."""
    account: str = "service"
    """service (服务号) or subscription (订阅号)."""
    api_base: str = "https://api.weixin.qq.com"
    """Changed for tests."""
    message_window_count: int = 5
    """Messages the platform allows after a person wrote …"""
    message_window: timedelta = timedelta(hours=48)
    """… within so long."""
    event_window_count: int = 3
    """Messages it allows after a follow, scan or menu click …"""
    event_window: timedelta = timedelta(minutes=1)
    """… within so long."""
    mass_chunk: int = MASS_MOST
    """People one mass call goes to at most."""
    mass_monthly: int = 4
    """Mass messages a person gets from a service account in a calendar month at most."""
    followers_at: time = time(3, 30)
    """When the list of followers is read each night."""
    menu: tuple[MenuButton, ...] = ()
    """The menu below the chat: at most 3 buttons, each with up to 5 items in `sub_button`; `guanxi wechat menu NAME push`."""

    def problems(self) -> list[tuple[str, str]]:
        """List what is wrong, as pairs of key and sentence."""
        found = [(key, "不能为空") for key in ("app_id", "original_id", "app_secret", "token") if not getattr(self, key)]
        if self.mode not in MODES:
            found.append(("mode", "只能是 plain、compatible 或 safe"))
        elif self.mode != "plain" and not is_aes_key(self.aes_key.reveal()):
            found.append(("aes_key", "兼容模式和安全模式需要 43 位字母或数字的 EncodingAESKey"))
        if self.account not in ACCOUNTS:
            found.append(("account", "只能是 service 或 subscription"))
        if not self.api_base.startswith(("https://", "http://")):
            found.append(("api_base", "需要以 https:// 开头的地址"))
        if not MASS_LEAST <= self.mass_chunk <= MASS_MOST:
            found.append(("mass_chunk", f"需要在 {MASS_LEAST} 到 {MASS_MOST} 之间"))
        return found + menu_problems(self.menu)
