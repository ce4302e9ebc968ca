"""`config.toml` and the environment to frozen settings; every problem is reported at once.

Sections are mapped onto the classes that use them. Nobody reads the file or the environment after `load`.
"""

import ipaddress
import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

from bot.secret import Secret
from bot.settings_values import BadValue, FromEnvironment, Size, read_value
from crm_core.db import DatabaseSettings
from crm_core.discovery import collect
from crm_core.ports import AnswerSettings, CampaignSettings, CoreSettings, PoolSettings

PREFIX = "GUANXI_"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_PORTS = 65535
_MIB = Size(1024 * 1024)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the settings."""

    section: str
    key: str
    sentence: str

    def __str__(self) -> str:
        place = f"[{self.section}] {self.key}".strip() if self.section else self.key
        return f"{place}：{self.sentence}" if place else self.sentence


class SettingsProblems(Exception):
    """Everything that is wrong with the settings, in the order of the sections."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """`[server]`: where the product listens and what it lets in."""

    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str = ""
    """The address under which the platforms reach this server."""
    max_body: Size = _MIB
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
    """`[redis]`: empty means that everything stays in this process."""

    url: str = ""

    def problems(self) -> list[tuple[str, str]]:
        """List what is wrong, as pairs of key and sentence."""
        return [("url", "本版本还不支持 Redis，请留空")] if self.url else []


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the product was told. `channels`: NAME to (kind, that kind's settings), enabled ones only."""

    core: CoreSettings
    server: ServerSettings
    database: DatabaseSettings
    redis: RedisSettings
    delivery: DeliverySettings
    channels: Mapping[str, tuple[str, Any]] = field(default_factory=dict)


SECTIONS: dict[str, type] = {
    "core": CoreSettings,
    "server": ServerSettings,
    "database": DatabaseSettings,
    "redis": RedisSettings,
    "delivery": DeliverySettings,
    "campaigns": CampaignSettings,
    "pools": PoolSettings,
    "answers": AnswerSettings,
}
# Sections of their own, although the core carries them in its settings.
IN_CORE = ("pools", "campaigns", "answers")


def channel_kinds() -> dict[str, type]:
    """Tell the channel classes by kind, found in `bot/channels`."""
    return collect("bot.channels", _kind_of)


def _kind_of(value: Any) -> str | None:
    kind = getattr(value, "kind", None)
    return kind if isinstance(value, type) and isinstance(kind, str) else None


def settings_class(channel: Any) -> type:
    """Tell the settings class a channel class declares."""
    found: type = getattr(channel, "settings_class", None) or channel.Settings
    return found


def load(path: Path, environ: Mapping[str, str]) -> Settings:
    """Read and check the settings. Raises: SettingsProblems."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError):
        raise SettingsProblems([Problem("", "", f"打不开设置文件 {path}")]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsProblems([Problem("", "", f"设置文件 {path} 不是正确的 TOML：{error}")]) from None
    return parse(document, environ, path.resolve().parent)


def parse(document: Mapping[str, Any], environ: Mapping[str, str], folder: Path) -> Settings:
    """Make settings of a document that was read already. Raises: SettingsProblems."""
    reader = _Reader(environ, folder)
    merged = reader.with_environment(document)
    parts = {name: reader.section(name, merged.pop(name, {})) for name in SECTIONS}
    channels = reader.channels(merged.pop("channels", {}), parts["server"])
    for name in merged:
        reader.problems.append(Problem(name, "", "没有这一节设置"))
    if reader.problems:
        raise SettingsProblems(reader.problems)
    core = replace(parts["core"], **{name: parts[name] for name in IN_CORE})
    return Settings(core, parts["server"], parts["database"], parts["redis"], parts["delivery"], channels)


class _Reader:
    """Reads tables into classes and collects what is wrong."""

    def __init__(self, environ: Mapping[str, str], folder: Path) -> None:
        self.environ = environ
        self.folder = folder
        self.data_dir = folder / "data"
        self.problems: list[Problem] = []

    def with_environment(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Lay the variables `GUANXI_SECTION__KEY` over the document."""
        merged = {name: dict(table) if isinstance(table, Mapping) else table for name, table in document.items()}
        for variable in sorted(self.environ):
            parts = variable.removeprefix(PREFIX).lower().split("__")
            if not variable.startswith(PREFIX) or len(parts) < 2 or not all(parts):
                continue
            table: Any = merged
            for part in parts[:-1]:
                table = table.setdefault(_known_name(table, part), {}) if isinstance(table, dict) else None
            if isinstance(table, dict):
                table[parts[-1]] = FromEnvironment(self.environ[variable])
        return merged

    def section(self, name: str, table: object) -> Any:
        """Read one section; its defaults where it is wrong."""
        if name == "database" and isinstance(table, dict):
            table = {"url": f"sqlite://{self.data_dir / 'guanxi.db'}", **table}
        made = self.table(SECTIONS[name], table, name, skip=IN_CORE if name == "core" else ())
        if name == "core" and made is not None:
            self.data_dir = made.data_dir
        if name == "database" and made is not None:
            made = self._database(made)
        return made

    def table(self, cls: type, table: object, section: str, *, skip: tuple[str, ...] = ()) -> Any:
        """Read a table into a class; None when something in it is wrong."""
        if not isinstance(table, Mapping):
            self.problems.append(Problem(section, "", "需要是一节设置"))
            return None
        before = len(self.problems)
        hints = get_type_hints(cls)
        known = {_key(each, hints): each for each in fields(cls) if each.name not in skip}
        for key in table:
            if key not in known:
                self.problems.append(Problem(section, key, "没有这个设置"))
        values = {each.name: self._field(each, hints[each.name], key, table, section) for key, each in known.items()}
        if len(self.problems) > before:
            return None
        made = cls(**{name: value for name, value in values.items() if value is not _MISSING})
        self._ask(made, section)
        return made

    def channels(self, tables: object, server: ServerSettings | None) -> dict[str, tuple[str, Any]]:
        """Read `[channels.NAME]`, each by the settings class of its kind."""
        if not isinstance(tables, Mapping):
            self.problems.append(Problem("channels", "", "需要写成 [channels.名称]"))
            return {}
        kinds = channel_kinds() if tables else {}
        found = {}
        for name, table in tables.items():
            made = self._channel(name, table, kinds)
            if made is not None:
                found[name] = made
                self._check_session_hosts(name, made[1], server)
        return found

    def _channel(self, name: str, table: object, kinds: Mapping[str, type]) -> tuple[str, Any] | None:
        section = f"channels.{name}"
        if not _NAME.fullmatch(name) or not isinstance(table, Mapping):
            self.problems.append(Problem(section, "", "渠道名称只能用小写字母、数字、- 和 _"))
            return None
        rest = dict(table)
        kind = str(rest.pop("kind", ""))
        enabled = self._value(bool, rest.pop("enabled", True), section, "enabled")
        if kind not in kinds:
            self.problems.append(Problem(section, "kind", f"只能是 {'、'.join(kinds)}"))
            return None
        if not enabled:
            return None
        made = self.table(settings_class(kinds[kind]), rest, section)
        return None if made is None else (kind, made)

    def _check_session_hosts(self, name: str, settings: Any, server: ServerSettings | None) -> None:
        # An exact origin may be plain http on any port, which would be a way out of the house on a real server.
        for entry in getattr(settings, "session_hosts", ()):
            if "://" in entry and server is not None and not server.is_public_on_loopback:
                sentence = f"{entry} 带协议，只有 [server] public_url 在本机时才允许"
                self.problems.append(Problem(f"channels.{name}", "session_hosts", sentence))

    def _field(self, each: "Field[Any]", hint: Any, key: str, table: Mapping[str, Any], section: str) -> Any:
        if key not in table:
            if each.default is MISSING and each.default_factory is MISSING:
                self.problems.append(Problem(section, key, "缺少这个设置"))
            return _MISSING
        if hint is Secret:
            return self._secret(table[key], section, key)
        if get_origin(hint) is tuple and is_dataclass(get_args(hint)[0]):
            return self._tables(get_args(hint)[0], table[key], section, key)
        return self._value(hint, table[key], section, key)

    def _tables(self, cls: Any, raw: object, section: str, key: str) -> Any:
        if not isinstance(raw, list):
            self.problems.append(Problem(section, key, "需要是表的列表"))
            return _MISSING
        return tuple(self.table(cls, item, f"{section}.{key}.{number}") for number, item in enumerate(raw, 1))

    def _secret(self, raw: object, section: str, key: str) -> Any:
        variable = self._value(str, raw, section, key)
        if variable is _MISSING:
            return _MISSING
        value = self.environ.get(variable, "")
        if not value:
            self.problems.append(Problem(section, key, f"环境变量 {variable} 没有设置"))
            return _MISSING
        return Secret(value)

    def _value(self, hint: Any, raw: object, section: str, key: str) -> Any:
        try:
            return read_value(hint, raw, self.folder)
        except BadValue as bad:
            self.problems.append(Problem(section, key, bad.sentence))
            return _MISSING

    def _ask(self, made: Any, section: str) -> None:
        found = made.problems() if hasattr(made, "problems") else []
        if isinstance(made, CoreSettings) and made.timezone != "Asia/Shanghai":
            found = [("timezone", "目前只支持 Asia/Shanghai")]
        secrets = {name for name, hint in get_type_hints(type(made)).items() if hint is Secret}
        self.problems += [Problem(section, f"{key}_env" if key in secrets else key, sentence) for key, sentence in found]

    def _database(self, made: DatabaseSettings) -> DatabaseSettings:
        if made.durability not in ("power", "process"):
            self.problems.append(Problem("database", "durability", "只能是 power 或 process"))
        path = made.url.removeprefix("sqlite://")
        if path == made.url:
            is_postgres = made.url.startswith("postgres")
            sentence = "本版本还不支持 PostgreSQL，请使用 sqlite://" if is_postgres else "需要以 sqlite:// 开头的地址"
            self.problems.append(Problem("database", "url", sentence))
        elif not path or path.startswith(":") or path.endswith("/"):
            self.problems.append(Problem("database", "url", "需要写出数据库文件，例如 sqlite://data/guanxi.db"))
        return replace(made, url=f"sqlite://{self.folder / path}")


_MISSING: Any = object()


def _key(each: "Field[Any]", hints: Mapping[str, Any]) -> str:
    return f"{each.name}_env" if hints[each.name] is Secret else each.name


def _known_name(table: Mapping[str, Any], part: str) -> str:
    """Find the section a variable means: variables know neither small letters nor dashes."""
    return next((name for name in table if name.lower().replace("-", "_") == part), part)


def is_network(text: str) -> bool:
    """Tell whether a text is an address or a network."""
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def is_loopback(url: str) -> bool:
    """Tell whether an address is on this machine."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
