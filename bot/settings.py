"""The settings of the edge: where the product listens, how messages leave; and `Settings`, everything together.

The core's and the channels' settings stand beside what uses them; `config.py` reads them all.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from bot.secret import NO_SECRET, Secret
from bot.settings_values import Size
from crm_core.db import DatabaseSettings
from crm_core.lead_rules import REQUIRABLE
from crm_core.ports import CoreSettings

_PORTS = 65535
_LEAST_TOKEN = 16
_MIB = Size(1024 * 1024)
_LOG_SIZE = Size(20 * _MIB)
_MAIL_SIZE = Size(5 * _MIB)
_LEAST_MAIL, _MOST_MAIL = 64 * 1024, 50 * _MIB
_MAIL_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """`[server]`: where the product listens and what it lets in."""

    host: str = "127.0.0.1"
    """Address that is listened on; 0.0.0.0 is every one of this machine."""
    port: int = 8080
    """0 is any that is free."""
    public_url: str = ""
    """The address under which the platforms reach this server."""
    max_body: Size = _MIB
    """Of a request; a larger one is answered with 413."""
    reply_within: timedelta = timedelta(seconds=3.5)
    """After it a callback is acknowledged and the answer is sent later; "0s": always later."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks whose X-Forwarded-For is believed."""
    metrics_from: tuple[str, ...] = ("127.0.0.1",)
    """Addresses or networks that may read /metrics."""

    @property
    def is_public_on_loopback(self) -> bool:
        """Whether the public address is this machine, as in tests."""
        return is_loopback(self.public_url)

    def problems(self) -> list[tuple[str, str]]:
        """List what is wrong, as pairs of key and sentence."""
        found = [] if self.host else [("host", "不能为空")]
        if self.port > _PORTS:
            found.append(("port", "端口不能超过 65535"))
        if self.public_url and not self.public_url.startswith(("https://", "http://")):
            found.append(("public_url", "需要以 https:// 开头的地址"))
        if not 1024 <= self.max_body <= 64 * _MIB:
            found.append(("max_body", "需要在 1KiB 到 64MiB 之间"))
        return found + [
            (key, f"{entry} 不是 IP 地址或网段")
            for key in ("trusted_proxies", "metrics_from")
            for entry in getattr(self, key)
            if not is_network(entry)
        ]


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """`[delivery]`: how messages leave."""

    lease: timedelta = timedelta(seconds=30)
    """How long a claimed message belongs to its sender; after it somebody else decides about it."""
    concurrency: int = 50
    """Calls in flight at most, over all channels."""
    drain_timeout: timedelta = timedelta(seconds=4)
    """How long a stop waits for calls in flight."""

    def problems(self) -> list[tuple[str, str]]:
        """List what is wrong, as pairs of key and sentence."""
        found = [] if 1 <= self.concurrency <= 1000 else [("concurrency", "需要在 1 到 1000 之间")]
        if self.lease < timedelta(seconds=1):
            found.append(("lease", "不能短于 1s"))
        if self.drain_timeout > timedelta(seconds=8):
            found.append(("drain_timeout", "不能长于 8s，停止总共只有 10s"))
        return found


@dataclass(frozen=True, slots=True)
class RedisSettings:
    """`[redis]`: empty means that everything stays in the database."""

    url: str = ""
    """redis://HOST:PORT/DB, rediss:// with TLS, or unix:///PATH?db=DB; each installation needs a DB of its own."""
    password: Secret = NO_SECRET
    """Where the server asks for one."""

    def problems(self) -> list[tuple[str, str]]:
        """List what is wrong, as pairs of key and sentence."""
        if self.url and not _is_redis(self.url):
            return [("url", "需要 redis://主机:端口/库号、rediss://主机:端口/库号 或 unix:///路径")]
        return [("password", "没有 [redis] url，密码用不上")] if self.password and not self.url else []


@dataclass(frozen=True, slots=True)
class LogSettings:
    """`[logs]`: a file beside standard error, cut when it is full. Each process needs a file of its own."""

    file: str = ""
    """Relative to data_dir; empty: standard error alone."""
    size: Size = _LOG_SIZE
    """Of one file."""
    count: int = 5
    """Full files that are kept, the newest as FILE.1."""

    def problems(self) -> list[tuple[str, str]]:
        """List what is wrong, as pairs of key and sentence."""
        found = [] if _MIB <= self.size <= 1024 * _MIB else [("size", "需要在 1MiB 到 1GiB 之间")]
        return found if 1 <= self.count <= 100 else [*found, ("count", "需要在 1 到 100 之间")]


@dataclass(frozen=True, slots=True)
class FormSettings:
    """`[forms.NAME]`: a web form that makes leads; it posts to /forms/NAME/TOKEN."""

    token: Secret
    """Of the form alone: it stands in a page everybody can read, so it lets in and protects nothing else."""
    source: str = ""
    """What leads from it come from; the form's name when empty."""
    required: tuple[str, ...] = ()
    """Fields it must send besides a name or a number."""
    allowed_origins: tuple[str, ...] = ()
    """Pages of other sites that may post by script, as https://www.example.cn."""
    honeypot: str = "website"
    """A field people do not see: whoever fills it is no person."""
    min_fill: timedelta = timedelta()
    """How long a person takes at least; the page then asks this address for a ticket when it opens. "0s": not asked."""
    per_minute: int = 10
    """Posts of one address within a minute."""

    def problems(self) -> list[tuple[str, str]]:
        """List what is wrong, as pairs of key and sentence."""
        found = [] if self.per_minute else [("per_minute", "不能为 0")]
        if self.token and len(self.token.reveal()) < _LEAST_TOKEN:
            found.append(("token", f"至少 {_LEAST_TOKEN} 个字符"))
        unknown = [name for name in self.required if name not in REQUIRABLE]
        if unknown:
            found.append(("required", f"只能用 {'、'.join(REQUIRABLE)}"))
        wrong = [origin for origin in self.allowed_origins if not _is_origin(origin)]
        return [*found, ("allowed_origins", f"{wrong[0]} 需要写成 https://主机，后面没有路径")] if wrong else found


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("https", "http") and bool(parts.hostname) and text == f"{parts.scheme}://{parts.netloc}"
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class MailSettings:
    """`[mail]`: the address to which mails are copied (邮件往来); empty: no mail is taken and nothing listens."""

    address: str = ""
    """Whole, as crm@mail.example.cn. The company's own mail server passes on what comes for it."""
    host: str = "127.0.0.1"
    """Address that is listened on."""
    port: int = 2525
    """0: any free one."""
    max_size: Size = _MAIL_SIZE
    """Of one mail with all that is attached."""
    peers: tuple[str, ...] = ("127.0.0.1", "::1")
    """Networks that may bring mail: the company's own mail server, which checks who sends (SPF, DKIM)."""

    def problems(self) -> list[tuple[str, str]]:
        """List what is wrong, as pairs of key and sentence."""
        found = (
            [] if not self.address or _MAIL_ADDRESS.fullmatch(self.address) else [("address", "需要写成 crm@mail.example.cn")]
        )
        if not 0 <= self.port <= 65535:
            found.append(("port", "需要在 0 到 65535 之间"))
        if not _LEAST_MAIL <= self.max_size <= _MOST_MAIL:
            found.append(("max_size", "需要在 64KiB 到 50MiB 之间"))
        wrong = [entry for entry in self.peers if not is_network(entry)]
        return [*found, ("peers", f"{wrong[0]} 不是地址或网段")] if wrong else found


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the product was told. `channels`: NAME to (kind, that kind's settings), enabled ones only."""

    core: CoreSettings
    server: ServerSettings
    database: DatabaseSettings
    redis: RedisSettings
    delivery: DeliverySettings
    channels: Mapping[str, tuple[str, Any]] = field(default_factory=dict)
    logs: LogSettings = LogSettings()
    forms: Mapping[str, FormSettings] = field(default_factory=dict)
    mail: MailSettings = MailSettings()


def has_callback(own: object) -> bool:
    """Tell whether a channel of these settings is called by its platform; over Stream we call it."""
    return getattr(own, "receive", "http") != "stream"


def is_network(text: str) -> bool:
    """Tell whether a text is an address or a network."""
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _is_redis(url: str) -> bool:
    try:
        parts = urlsplit(url)
        number = parts.path.strip("/") or "0"
        if parts.scheme == "unix":
            return parts.path.startswith("/") and len(parts.path) > 1
        return parts.scheme in ("redis", "rediss") and bool(parts.hostname) and number.isdecimal() and parts.port != 0
    except ValueError:
        return False


def is_loopback(url: str) -> bool:
    """Tell whether an address is on this machine."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
