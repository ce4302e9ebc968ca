"""The settings of a WeCom application, and what can be wrong with them."""

from dataclasses import dataclass

from bot.crypto import is_aes_key
from bot.secret import NO_SECRET, Secret


@dataclass(frozen=True, slots=True)
class Settings:
    """`[channels.NAME]` with `kind = "wecom"`; secrets arrive resolved.

    The limits are data because the platform changes them. Source: limits page of the platform, protocols.md section 3.4.
    """

    corp_id: str
    """Id of the company, beginning with ww."""
    agent_id: int
    """AgentId of the application."""
    secret: Secret
    """Secret of the application."""
    token: Secret
    """Token of its API reception (接收消息)."""
    aes_key: Secret
    """EncodingAESKey of its API reception, 43 letters and digits."""
    contact_secret: Secret = NO_SECRET
    """Of customer contact (客户联系); empty: the application's own, which newer applications may use for it."""
    api_base: str = "https://qyapi.weixin.qq.com"
    """Changed for tests."""
    member_per_minute: int = 30
    """Messages one member gets in a minute at most."""
    member_per_hour: int = 1000
    """The same in an hour; the platform drops the surplus without a word."""
    add_members: bool = False
    """Whether members of the directory that fit no employee become employees (role sales)."""

    def problems(self) -> list[tuple[str, str]]:
        """List what is wrong, as pairs of key and sentence."""
        found = [(key, "不能为空") for key in ("corp_id", "secret", "token") if not getattr(self, key)]
        if not self.agent_id:
            found.append(("agent_id", "需要填写应用的 AgentId"))
        if not is_aes_key(self.aes_key.reveal()):
            found.append(("aes_key", "需要 43 位字母或数字的 EncodingAESKey"))
        if not self.api_base.startswith(("https://", "http://")):
            found.append(("api_base", "需要以 https:// 开头的地址"))
        if not (self.member_per_minute and self.member_per_hour):
            found.append(("member_per_minute", "需要大于 0"))
        return found

    @property
    def has_own_contact_secret(self) -> bool:
        """Whether customer contact has a token of its own."""
        return bool(self.contact_secret) and self.contact_secret != self.secret
