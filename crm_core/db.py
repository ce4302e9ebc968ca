"""The database: open and close, transactions, plain-SQL programs, the schema's version, and the guarded table base.

Above this file nobody knows which database it is. Reading order: `Database`, then `Entity` and its fields.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlsplit

from tortoise import Tortoise, fields
from tortoise.connection import get_connection
from tortoise.context import TortoiseContext
from tortoise.migrations.executor import MigrationTarget
from tortoise.models import Model, ModelMeta
from tortoise.transactions import in_transaction

from crm_core import commits, sqlite_dialect
from crm_core.errors import CrmError, Unavailable
from crm_core.ports import Core, Program
from crm_core.schema_steps import MIGRATIONS, Steps
from crm_core.values import to_money

T = TypeVar("T")
APP = "models"
SHORTEST_TEXT = 20
"""Columns shorter than this hold words of ours, not of people."""
MIGRATE_SECONDS = timedelta(minutes=10)
"""How long a second `migrate` waits for the first."""


class AlreadyServed(CrmError):
    """Another process serves this database file."""

    status = 409
    code = "database.already_served"
    text = "数据库 {path} 正被另一个进程使用，请先停止它"


class CannotConnect(CrmError):
    """The server refuses us: no such database, a wrong password, or nobody answers there."""

    status = 503
    code = "database.cannot_connect"
    text = "连不上数据库 {place}，请检查 [database] url 和数据库服务"


class SchemaTooOld(CrmError):
    """The database is older than the program."""

    status = 409
    code = "database.schema_too_old"
    text = "数据库结构需要升级（缺 {count} 步），请先运行 guanxi migrate"


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """Where the database is. `durability`: power (each commit survives a power cut) or process."""

    url: str
    """sqlite://FILE (a path beginning with / is absolute), or postgres://USER:PASSWORD@HOST:PORT/NAME."""
    durability: str = "power"
    """power: each commit survives a power cut; process: a killed process."""
    pool_size: int = 10
    """Connections of one process to PostgreSQL at most."""

    @property
    def embedded(self) -> bool:
        """Whether it is a file of our own."""
        return self.url.startswith("sqlite:")

    @property
    def path(self) -> Path:
        """The file of an embedded database."""
        return Path(self.url.removeprefix("sqlite://"))

    @property
    def place(self) -> str:
        """Where it is, for people: never with a password."""
        if self.embedded:
            return str(self.path)
        parts = urlsplit(self.url)
        return f"{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"


class Database:
    """The open database. `transaction()` for the ORM, `run()` for plain SQL, both durable when they return."""

    def __init__(self, settings: DatabaseSettings, modules: Sequence[str]) -> None:
        self.settings = settings
        self._modules = list(modules)
        self._context = TortoiseContext()
        self._lock: sqlite_dialect.OnlyOne | None = None
        # Tortoise remembers its SQL by the connection's name: each dialect has one of its own.
        self._name = "default" if settings.embedded else "postgres"

    async def open(self, *, alone: bool = False) -> None:
        """Connect. `alone`: refuse if another process serves the same file.

        Raises: AlreadyServed; CannotConnect; Unavailable.
        """
        if alone and self.settings.embedded:
            self.settings.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = sqlite_dialect.OnlyOne(self.settings.path)
            if not self._lock.take():
                self._lock = None
                raise AlreadyServed(path=self.settings.path)
        if self.settings.embedded:
            sqlite_dialect.make_private(self.settings.path)
        await Tortoise.init(config=self._config(), use_tz=True, timezone="UTC", _enable_global_fallback=True)
        self._pool = self._client
        try:
            await self._client.create_connection(with_db=True)
        except Unavailable:
            raise
        except Exception as error:
            if self.settings.embedded:
                raise
            raise CannotConnect(place=self.settings.place) from error

    async def close(self) -> None:
        """Wait for what is being written, then close."""
        await Tortoise.close_connections()
        if self._lock:
            self._lock.give_back()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """All or nothing; inside another transaction a part of it that can be undone alone."""
        if self.alone:
            async with in_transaction(self._name):
                yield
            return
        with commits.noted():
            async with in_transaction(self._name):
                yield

    async def run(self, program: Program[T] | Callable[[], Program[T]]) -> T:
        """Run a plain-SQL program: inside the open transaction, else in one of its own with a shared commit."""
        if self.alone or commits.is_open():
            result: T = await self._client.run_program(program() if callable(program) else program)
            return result
        told: list[commits.Tell] = []

        def anew() -> Program[T]:
            told.clear()
            return commits.noting(program() if callable(program) else program, told)

        result = await self._client.run_program(anew(), anew if callable(program) else None)
        for tell in told:
            tell()
        return result

    def after_commit(self, tell: Callable[[], None]) -> None:
        """Call this once what is being written is there for everybody; at once where all queue behind one writer."""
        if self.alone:
            tell()
        else:
            commits.note(tell)

    async def read(self, program: Program[T]) -> T:
        """Run a program that only reads, beside the writer."""
        result: T = await self._client.read_program(program)
        return result

    @property
    def url(self) -> str:
        """Its address, for a process of ours beside this one; may hold a password."""
        return self.settings.url

    @property
    def alone(self) -> bool:
        """Whether no other process serves this database: `open(alone=True)` sees to it for an embedded one."""
        return self.settings.embedded

    @property
    def skew(self) -> timedelta:
        """How far the database's clock is ahead of this machine's."""
        ahead: timedelta = timedelta() if self.alone else self._pool.skew
        return ahead

    async def measure(self) -> None:
        """Compare the clocks anew."""
        if not self.alone:
            await self._pool.measure()

    async def serialize(self, name: str, *, within: timedelta | None = None) -> None:
        """Wait until no other transaction holds this name, and hold it to the end of the open one.

        Raises: Unavailable when it takes longer than any lock may, or than `within`.
        """
        if not self.alone:  # else the transaction has the writer, and nobody else writes
            await self._client.serialize(name, within)

    @asynccontextmanager
    async def exclusively(self, name: str) -> AsyncIterator[bool]:
        """Hold a name among all processes while the block runs; gives False if another process does.

        The block is stopped when the name is lost with its connection (see postgres_names.py).

        Raises: NameLost; Unavailable.
        """
        if self.alone:
            yield True
            return
        async with self._pool.names.held(name) as taken:
            yield taken

    async def missing_migrations(self) -> list[str]:
        """Name the steps this database has not taken yet."""
        return await Steps(self._client, self._config()["apps"]).missing()

    async def migrate(self, *, backup: Path | None = None, last: str = "") -> list[str]:
        """Take the missing steps, all in one transaction; an existing embedded database is copied first.

        Returns the names of the steps taken.
        """
        missing = await self.missing_migrations()
        if missing and backup and self.settings.embedded and sqlite_dialect.has_tables(self.settings.path):
            backup.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            sqlite_dialect.back_up(self.settings.path, backup)
        if missing:
            async with in_transaction(self._name) as connection:
                # Another process may be at it; what it did is seen after the wait.
                await self.serialize("migrate", within=MIGRATE_SECONDS)
                steps = Steps(connection, self._config()["apps"])
                await steps.prepare()
                missing = await steps.missing()
                await steps.migrate([MigrationTarget(APP, last)] if last else None)
        return missing

    async def require_current(self) -> None:
        """Refuse an older schema. Raises: SchemaTooOld."""
        missing = await self.missing_migrations()
        if missing:
            raise SchemaTooOld(count=len(missing))

    async def empty(self) -> None:
        """Delete every row of every table (tests, and a demo that starts anew)."""

        def program() -> Program[None]:
            for table in self._tables():
                yield f'DELETE FROM "{table}"', ()  # noqa: S608 - our own table names

        await (self.run(program()) if self.alone else self._pool.forget_rows(self._tables()))

    async def catch_up_numbers(self) -> None:
        """Give new rows numbers after those that were put in with numbers of their own."""
        if not self.alone:
            await self._pool.catch_up_numbers(self._tables())

    def _tables(self) -> list[str]:
        return [model._meta.db_table for model in Tortoise.apps[APP].values()]

    @property
    def _client(self) -> Any:  # Tortoise knows only its own base
        """The connection of this task: the open transaction, else the one that begins them."""
        return get_connection(self._name)

    def columns_of(self, table: str) -> list[str]:
        """Name the columns of one of our tables."""
        model = next(model for model in Tortoise.apps[APP].values() if model._meta.db_table == table)
        return [each.source_field or name for name, each in model._meta.fields_map.items()]

    def text_columns(self) -> dict[str, list[str]]:
        """Name, by table, the columns of free text that need not be unique."""
        found = {str(model._meta.db_table): _free_texts(model) for model in Tortoise.apps[APP].values()}
        return {table: columns for table, columns in sorted(found.items()) if columns and table not in _KEPT_WHOLE}

    async def scrub(self) -> None:
        """Let what was deleted vanish from the files too, the write-ahead file among them."""
        await self._client.scrub()

    def _config(self) -> dict[str, Any]:
        power = self.settings.durability == "power"
        credentials: dict[str, Any]
        if self.settings.embedded:
            credentials = {"file_path": str(self.settings.path), "synchronous": "FULL" if power else "NORMAL"}
            engine = "crm_core.sqlite_dialect"
        else:
            credentials = {"url": self.settings.url, "synchronous": power, "pool_size": self.settings.pool_size}
            engine = "crm_core.postgres_dialect"
        return {
            "connections": {self._name: {"engine": engine, "credentials": credentials}},
            "apps": {APP: {"models": self._modules, "default_connection": self._name, "migrations": MIGRATIONS}},
        }


_KEPT_WHOLE = ("audit_entries", "audit_values", "audit_actors", "audit_blocks", "state_entries")
"""Tables whose texts mean nothing when a word is changed in them."""
_OF_MACHINES = ("_id", "_hash", "key", "digest", "cursor", "status", "kind", "code", "salt", "ticket", "url", "conditions")
"""Ends of the names of columns that no person writes."""


def _free_texts(model: type[Model]) -> list[str]:
    free = []
    for name, each in model._meta.fields_map.items():
        is_long = isinstance(each, fields.CharField) and each.max_length >= SHORTEST_TEXT
        is_words = is_long or isinstance(each, fields.TextField)
        if is_words and not each.unique and not name.endswith(_OF_MACHINES):
            free.append(each.source_field or name)
    return free


def known_steps() -> list[str]:
    """Name the migrations this program has, in order."""
    found = resources.files(MIGRATIONS).iterdir()
    return sorted(path.name.removesuffix(".py") for path in found if path.name[:4].isdecimal() and path.name.endswith(".py"))


class UtcDatetimeField(fields.DatetimeField):  # type: ignore[type-arg]
    """An instant. Refuses a naive time and stores UTC, because SQLite compares times as text."""

    def to_db_value(self, value: Any, instance: Any) -> Any:
        """Turn an instant into UTC before it is written or compared."""
        return super().to_db_value(utc(value), instance)


class MoneyField(fields.DecimalField[Decimal]):
    """Yuan with two places. Refuses a float."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=18, decimal_places=2, **kwargs)

    def to_db_value(self, value: Any, instance: Any) -> Any:
        """Round to the cent before it is written or compared."""
        return super().to_db_value(_exact(value), instance)


def utc(value: Any) -> Any:
    """Turn an aware time into UTC; refuse a naive one; leave anything else alone."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise TypeError("a naive time has no place in the database")
        return value.astimezone(UTC)
    return value


def _exact(value: Any) -> Any:
    if isinstance(value, float):
        raise TypeError("money is never a float")
    return to_money(value) if isinstance(value, (Decimal, int, str)) else value


class _Undescribed(ModelMeta):
    """Keeps docstrings out of the schema: Tortoise makes them table comments, and each edit would be a migration."""

    def __new__(cls, name: str, bases: tuple[type, ...], attributes: dict[str, Any]) -> Any:
        made: Any = super().__new__(cls, name, bases, attributes)
        made._meta.table_description = ""
        return made


class Entity(Model, metaclass=_Undescribed):
    """A row with a number and two times. Made with `add`, which sets them from the core's clock."""

    id = fields.BigIntField(primary_key=True)
    created_at = UtcDatetimeField()
    updated_at = UtcDatetimeField()

    money_fields: ClassVar[tuple[str, ...]] = ()

    class Meta:
        """Not a table itself."""

        abstract = True

    def __init__(self, **kwargs: Any) -> None:
        # `create()` never asks the field to convert for the object in memory, so the guard stands here too.
        for name, value in kwargs.items():
            if isinstance(value, (datetime, float)):
                field = self._meta.fields_map.get(name)
                kwargs[name] = _exact(value) if isinstance(field, MoneyField) else utc(value)
        super().__init__(**kwargs)

    @classmethod
    async def add(cls, core: Core, **values: Any) -> "Any":
        """Insert one row now."""
        now = core.clock.now()
        return await cls.create(**{"created_at": now, "updated_at": now, **values})

    async def change(self, core: Core, **values: Any) -> None:
        """Set these columns of this row, in memory and in the database."""
        for name, value in values.items():
            setattr(self, name, value)
        self.updated_at = core.clock.now()
        await self.save(update_fields=[*values, "updated_at"])
