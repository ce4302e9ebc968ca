"""The settings of a customer-service account (微信客服), and what can be wrong with them."""

from dataclasses import dataclass
from datetime import timedelta

from bot.crypto import is_aes_key
from bot.secret import Secret


@dataclass(frozen=True, slots=True)
class Settings:
    """`[channels.NAME]` with `kind = "wecom_kf"`; secrets arrive resolved.

    The window is data because the platform changes it: 5 messages within 48 h of what the customer wrote.
    Source: protocols.md section 3.3.
    """

    corp_id: str
    """Id of the company, beginning with ww."""
    secret: Secret
    """Of the customer-service application (微信客服), not of another one."""
    token: Secret
    """Token of the callback."""
    aes_key: Secret
    """EncodingAESKey of the callback, 43 letters and digits."""
    open_kfid: str
    """Id of the customer-service account, beginning with wk."""
    api_base: str = "https://qyapi.weixin.qq.com"
    """Changed for tests."""
    message_window_count: int = 5
    """Messages the platform allows after a customer wrote …"""
    message_window: timedelta = timedelta(hours=48)
    """… within so long."""
    poll_every: timedelta = timedelta(seconds=45)
    """How often to look without having been told to, in case an event was lost."""

    def problems(self) -> list[tuple[str, str]]:
        """List what is wrong, as pairs of key and sentence."""
        found = [(key, "不能为空") for key in ("corp_id", "secret", "token", "open_kfid") if not getattr(self, key)]
        if not is_aes_key(self.aes_key.reveal()):
            found.append(("aes_key", "需要 43 位字母或数字的 EncodingAESKey"))
        if not self.api_base.startswith(("https://", "http://")):
            found.append(("api_base", "需要以 https:// 开头的地址"))
        # Without the token of an event the platform allows few calls.
        if self.poll_every < timedelta(seconds=5):
            found.append(("poll_every", "不能少于 5 秒"))
        return found
