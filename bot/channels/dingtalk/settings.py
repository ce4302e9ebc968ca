"""The settings of a DingTalk robot, and what can be wrong with them."""

from dataclasses import dataclass

from bot.crypto import is_aes_key
from bot.secret import NO_SECRET, Secret


@dataclass(frozen=True, slots=True)
class CustomRobot:
    """A robot that sits in one group only: its address holds the access token, so it is a secret too."""

    name: str
    url: Secret
    secret: Secret = NO_SECRET


@dataclass(frozen=True, slots=True)
class Settings:
    """`[channels.NAME]` with `kind = "dingtalk"`; secrets arrive resolved.

    An entry of `session_hosts` without a scheme is a host, for https and port 443 only; with a scheme it is that exact
    origin, for tests.
    """

    client_id: str
    """Client ID (AppKey) of the application."""
    client_secret: Secret
    """Client Secret (AppSecret) of the application."""
    robot_code: str = ""
    """Empty: the client id, which it is for applications made since 2023."""
    receive: str = "http"
    """How messages arrive: http (the platform calls `/hook/NAME`) or stream (we call it, no public address needed)."""
    event_token: Secret = NO_SECRET
    """Token of the event subscription over HTTP; together with `event_aes_key_env`."""
    event_aes_key: Secret = NO_SECRET
    """43 letters and digits, of the event subscription over HTTP."""
    card_secret: Secret = NO_SECRET
    """Signs the callbacks of interactive cards over HTTP; chosen freely."""
    custom_robots: tuple[CustomRobot, ...] = ()
    """Robots of one group each, which only speak: the whole webhook address and the signing secret (SEC…)."""
    api_base: str = "https://api.dingtalk.com"
    """The newer interface; changed for tests."""
    oapi_base: str = "https://oapi.dingtalk.com"
    """The older interface; changed for tests."""
    session_hosts: tuple[str, ...] = ("oapi.dingtalk.com", "api.dingtalk.com")
    """Hosts a message may name as the address to answer to, https and port 443 only."""
    stream_hosts: tuple[str, ...] = (".dingtalk.com",)
    """Where a Stream connection may lead, wss only; with a dot in front: any host under it."""
    media_hosts: tuple[str, ...] = (".dingtalk.com", ".aliyuncs.com")
    """Where a received file may be fetched from, https only."""
    card_template_id: str = ""
    """Template of interactive cards with the variables of docs/adr/0019; empty: text with numbers."""
    month_calls: int = 5000
    """Calls the edition allows in a month (standard edition: 5000); 0: not watched."""

    @property
    def robot(self) -> str:
        """Name the robot that sends."""
        return self.robot_code or self.client_id

    def problems(self) -> list[tuple[str, str]]:
        """List what is wrong, as pairs of key and sentence."""
        found = [(key, "不能为空") for key in ("client_id", "client_secret") if not getattr(self, key)]
        if self.receive not in ("http", "stream"):
            found.append(("receive", "只能是 http 或 stream"))
        if self.card_template_id and self.receive == "http" and not self.card_secret:
            found.append(("card_secret", "用 http 接收卡片回调时需要填写"))
        names = [robot.name for robot in self.custom_robots if robot is not None]  # None: told already
        if len(set(names)) < len(names):
            found.append(("custom_robots", "机器人名称不能重复"))
        if bool(self.event_token) != bool(self.event_aes_key):
            found.append(("event_token", "event_token 和 event_aes_key 需要同时填写"))
        if self.event_aes_key and not is_aes_key(self.event_aes_key.reveal()):
            found.append(("event_aes_key", "需要 43 位字母或数字"))
        bases = (("api_base", self.api_base), ("oapi_base", self.oapi_base))
        return found + [(key, "需要以 https:// 开头的地址") for key, base in bases if not _is_address(base)]


def _is_address(base: str) -> bool:
    return base.startswith(("https://", "http://"))
