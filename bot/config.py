"""`config.toml` and the environment to frozen settings; every problem is reported at once.

Sections are mapped onto the classes that use them. Nobody reads the file or the environment after `load`.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

from bot.broken_toml import sentence_of
from bot.secret import Secret
from bot.settings import DeliverySettings, FormSettings, LogSettings, MailSettings, RedisSettings, ServerSettings, Settings
from bot.settings_values import BadValue, FromEnvironment, read_value
from crm_core.daily_work_rules import DailyWorkSettings
from crm_core.db import DatabaseSettings
from crm_core.discovery import collect
from crm_core.distribution_rules import AssignmentSettings, DistributionSettings, ScriptSettings
from crm_core.field_rules import OwnFields
from crm_core.lead_rules import ImportSettings, LeadSettings
from crm_core.life_cycle_rules import LifeCycleSettings
from crm_core.match_rules import IdentitySettings
from crm_core.pipeline_rules import OpportunitySettings
from crm_core.pool_rules import PoolSettings
from crm_core.ports import AnswerSettings, CampaignSettings, CoreSettings
from crm_core.score_rules import ScoringSettings
from crm_core.tag_rules import TagSettings
from crm_core.value_rules import ValueSettings

__all__ = ["DeliverySettings", "Problem", "RedisSettings", "ServerSettings", "Settings", "SettingsProblems", "load", "parse"]

PREFIX = "GUANXI_"
LEAST_CONNECTIONS = 3
"""Of one process to PostgreSQL: one writes, one reads, one holds names."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


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


SECTIONS: dict[str, type] = {
    "core": CoreSettings,
    "server": ServerSettings,
    "database": DatabaseSettings,
    "redis": RedisSettings,
    "delivery": DeliverySettings,
    "logs": LogSettings,
    "campaigns": CampaignSettings,
    "pools": PoolSettings,
    "distribution": DistributionSettings,
    "assignment": AssignmentSettings,
    "sales_scripts": ScriptSettings,
    "opportunities": OpportunitySettings,
    "fields": OwnFields,
    "life_cycle": LifeCycleSettings,
    "customer_value": ValueSettings,
    "answers": AnswerSettings,
    "tags": TagSettings,
    "scoring": ScoringSettings,
    "identity": IdentitySettings,
    "leads": LeadSettings,
    "imports": ImportSettings,
    "daily_work": DailyWorkSettings,
    "mail": MailSettings,
}
# Sections of their own, although the core carries them in its settings.
IN_CORE = (
    "fields",
    "life_cycle",
    "customer_value",
    "pools",
    "campaigns",
    "answers",
    "tags",
    "identity",
    "opportunities",
    "leads",
    "imports",
    "distribution",
    "assignment",
    "sales_scripts",
    "scoring",
    "daily_work",
)


def channel_kinds() -> dict[str, Any]:
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
    except UnicodeDecodeError:
        raise SettingsProblems([Problem("", "", f"设置文件 {path} 不是正确的 TOML：需要存成 UTF-8 编码")]) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsProblems([Problem("", "", f"设置文件 {path} 不是正确的 TOML：{sentence_of(error)}")]) from None
    return parse(document, environ, path.resolve().parent)


def parse(document: Mapping[str, Any], environ: Mapping[str, str], folder: Path) -> Settings:
    """Make settings of a document that was read already. Raises: SettingsProblems."""
    reader = _Reader(environ, folder)
    merged = reader.with_environment(document)
    parts = {name: reader.section(name, merged.pop(name, {})) for name in SECTIONS}
    channels = reader.channels(merged.pop("channels", {}), parts["server"])
    forms = reader.forms(merged.pop("forms", {}))
    for name in merged:
        reader.problems.append(Problem(name, "", "没有这一节设置"))
    if reader.problems:
        raise SettingsProblems(reader.problems)
    core = replace(parts["core"], **{name: parts[name] for name in IN_CORE})
    known = (parts["server"], parts["database"], parts["redis"], parts["delivery"], channels, parts["logs"], forms)
    return Settings(core, *known, parts["mail"])


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
        if name == "fields" and isinstance(table, list):
            table = {"fields": table}  # written as [[fields]]
        made = self.table(SECTIONS[name], table, name, skip=IN_CORE if name == "core" else ())
        if name == "core" and made is not None:
            made = replace(made, data_dir=self.folder / made.data_dir)
            self.data_dir = made.data_dir
        if name == "database" and made is not None:
            made = self._database(made)
        return made

    def table(self, cls: Any, table: object, section: str, *, skip: tuple[str, ...] = ()) -> Any:
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
        wrong = {problem.key for problem in self.problems[before:]}
        made = _made(cls, hints, values)
        if made is not None:
            # Asked even when something is wrong already, so that everything is told at once; a key is told once.
            self.problems += [problem for problem in _asked(made, section) if problem.key not in wrong]
        return made if len(self.problems) == before else None

    def channels(self, tables: object, server: ServerSettings | None) -> dict[str, tuple[str, Any]]:
        """Read `[channels.NAME]`, each by the settings class of its kind."""
        if not isinstance(tables, Mapping):
            self.problems.append(Problem("channels", "", "需要写成 [channels.名称]"))
            return {}
        kinds = channel_kinds() if any(_is_enabled(table) for table in tables.values()) else {}
        found = {}
        for name, table in tables.items():
            made = self._channel(name, table, kinds, server)
            if made is not None:
                found[name] = made
        return found

    def forms(self, tables: object) -> dict[str, FormSettings]:
        """Read `[forms.NAME]`."""
        if not isinstance(tables, Mapping):
            self.problems.append(Problem("forms", "", "需要写成 [forms.名称]"))
            return {}
        found = {}
        for name, table in tables.items():
            if not _NAME.fullmatch(name):
                self.problems.append(Problem(f"forms.{name}", "", "表单名称只能用小写字母、数字、- 和 _"))
            made = self.table(FormSettings, table, f"forms.{name}")
            if made is not None:
                found[name] = made
        return found

    def _channel(
        self, name: str, table: object, kinds: Mapping[str, type], server: ServerSettings | None
    ) -> tuple[str, Any] | None:
        section = f"channels.{name}"
        if not _NAME.fullmatch(name) or not isinstance(table, Mapping):
            self.problems.append(Problem(section, "", "渠道名称只能用小写字母、数字、- 和 _"))
            return None
        rest = dict(table)
        kind = str(rest.pop("kind", ""))
        if not self._value(bool, rest.pop("enabled", True), section, "enabled"):
            return None
        if kind not in kinds:
            self.problems.append(Problem(section, "kind", f"只能是 {'、'.join(kinds)}"))
            return None
        self._check_session_hosts(section, rest.get("session_hosts"), server)
        made = self.table(settings_class(kinds[kind]), rest, section)
        return None if made is None else (kind, made)

    def _check_session_hosts(self, section: str, hosts: object, server: ServerSettings | None) -> None:
        # An exact origin may be plain http on any port, which would be a way out of the house on a real server.
        if server is None or server.is_public_on_loopback or not isinstance(hosts, (list, str)):
            return
        for host in hosts.split(",") if isinstance(hosts, str) else hosts:
            if "://" in str(host):
                sentence = f"{host} 带协议，只有 [server] public_url 在本机时才允许"
                self.problems.append(Problem(section, "session_hosts", sentence))

    def _field(self, each: "Field[Any]", hint: Any, key: str, table: Mapping[str, Any], section: str) -> Any:
        if key not in table:
            if each.default is MISSING and each.default_factory is MISSING:
                self.problems.append(Problem(section, key, "缺少这个设置"))
            return _MISSING
        if hint is Secret:
            return self._secret(table[key], section, key)
        if get_origin(hint) is tuple and is_dataclass(get_args(hint)[0]):
            return self._tables(get_args(hint)[0], table[key], section, key)
        if is_dataclass(hint):
            made = self.table(hint, table[key], f"{section}.{key}")
            return _MISSING if made is None else made
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

    def _database(self, made: DatabaseSettings) -> DatabaseSettings:
        if made.durability not in ("power", "process"):
            self.problems.append(Problem("database", "durability", "只能是 power 或 process"))
        if made.url.startswith(("postgres://", "postgresql://")):
            return self._server_database(made)
        path = made.url.removeprefix("sqlite://")
        if path == made.url:
            self.problems.append(Problem("database", "url", "需要以 sqlite:// 或 postgres:// 开头的地址"))
        elif not path or path.startswith(":") or path.endswith("/"):
            self.problems.append(Problem("database", "url", "需要写出数据库文件，例如 sqlite://data/guanxi.db"))
        return replace(made, url=f"sqlite://{self.folder / path}")

    def _server_database(self, made: DatabaseSettings) -> DatabaseSettings:
        try:
            parts = urlsplit(made.url)
            whole = bool(parts.hostname and parts.path.strip("/")) and (parts.port or 1) > 0
        except ValueError:  # a port that is no number
            whole = False
        if not whole:
            self.problems.append(Problem("database", "url", "需要写成 postgres://用户:密码@主机:端口/库名"))
        if made.pool_size < LEAST_CONNECTIONS:
            self.problems.append(Problem("database", "pool_size", f"不能少于 {LEAST_CONNECTIONS}"))
        return made


_MISSING: Any = object()
# Stand in for what is wrong or absent, so that the rest of a section can still be checked.
_BLANK: dict[Any, Any] = {str: "", Secret: Secret()}


def _made(cls: type, hints: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
    given = {name: value for name, value in values.items() if value is not _MISSING}
    for each in fields(cls):
        if each.name not in given and each.default is MISSING and each.default_factory is MISSING:
            if hints[each.name] not in _BLANK:
                return None
            given[each.name] = _BLANK[hints[each.name]]
    return cls(**given)


def _asked(made: Any, section: str) -> list[Problem]:
    found = made.problems() if hasattr(made, "problems") else []
    if isinstance(made, CoreSettings) and made.timezone != "Asia/Shanghai":
        found = [("timezone", "目前只支持 Asia/Shanghai")]
    secrets = {name for name, hint in get_type_hints(type(made)).items() if hint is Secret}
    return [Problem(section, f"{key}_env" if key in secrets else key, sentence) for key, sentence in found]


def _is_enabled(table: object) -> bool:
    # Loading the kinds takes half a second, which a file without a channel in use need not pay.
    return not isinstance(table, Mapping) or str(table.get("enabled", True)).lower() not in ("false", "0", "no", "off")


def _key(each: "Field[Any]", hints: Mapping[str, Any]) -> str:
    return f"{each.name}_env" if hints[each.name] is Secret else each.name


def _known_name(table: Mapping[str, Any], part: str) -> str:
    """Find the section a variable means: variables know neither small letters nor dashes."""
    return next((name for name in table if name.lower().replace("-", "_") == part), part)
