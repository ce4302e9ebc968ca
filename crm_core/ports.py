"""What the core needs from outside, and `Core`, the bundle every use case receives."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar

from crm_core.bell import Bell
from crm_core.clock import Clock
from crm_core.daily_work_rules import DailyWorkSettings
from crm_core.distribution_rules import AssignmentSettings, DistributionSettings, ScriptSettings
from crm_core.field_rules import OwnFields
from crm_core.files import Files, NoFiles
from crm_core.lead_rules import ImportSettings, LeadSettings
from crm_core.life_cycle_rules import LifeCycleSettings
from crm_core.match_rules import IdentitySettings
from crm_core.messages import Address, Body, Guarantee
from crm_core.pipeline_rules import OpportunitySettings
from crm_core.pool_rules import PoolSettings
from crm_core.reach import ReachRule
from crm_core.score_rules import ScoringSettings
from crm_core.tag_rules import TagSettings
from crm_core.value_rules import ValueSettings

T = TypeVar("T")
Rows = Any
"""A list of tuples for a query, the number of rows for a change."""
Program = Generator[tuple[str, Sequence[object]], Rows, T]
"""Plain SQL as a generator: yields (sql with ?, parameters), is sent the rows or the count, returns its result.

Portable SQL only. A driver runs it where the connection lives: on the writer's thread for SQLite.
"""
CLAIM = " /*claim*/"
"""Stands at the end of the inner SELECT of a claim, "take some of those that wait": where several processes claim from one
table they step over what another one is just taking (PostgreSQL); a mere comment where there is one writer (SQLite)."""
CLAIM_P = " /*claim p*/"
"""The same where only the rows of the table called `p` are taken."""
HOLD = " /*hold*/"
"""Stands at the end of a SELECT whose rows must stay as they are to the end of the transaction: others wait."""


class Database(Protocol):
    """Where rows are kept; implemented in `crm_core/db.py`."""

    def transaction(self) -> AbstractAsyncContextManager[None]:
        """All or nothing; nested: a part that can be undone alone."""

    async def run(self, program: Program[T] | Callable[[], Program[T]]) -> T:
        """Run a program in the open transaction, else in one of its own; durable when it returns.

        Given as a function that makes it, it is made anew and repeated when two transactions stood in each other's way.
        """

    async def read(self, program: Program[T]) -> T:
        """Run a program that only reads, beside the writer."""

    def after_commit(self, tell: Callable[[], None]) -> None:
        """Call this, from any thread, once what is being written is there for everybody; at once where there is one writer."""

    def columns_of(self, table: str) -> list[str]:
        """Name the columns of one of our tables."""

    def text_columns(self) -> Mapping[str, list[str]]:
        """Name, by table, the columns of free text: where somebody may be mentioned."""

    async def scrub(self) -> None:
        """Let what was deleted vanish from the files too, the write-ahead file among them."""

    @property
    def url(self) -> str:
        """Its address, for a process of ours beside this one; may hold a password."""

    @property
    def alone(self) -> bool:
        """Whether no other process serves this database, so that whatever is claimed at the start has a dead owner."""

    @property
    def skew(self) -> timedelta:
        """How far the database's clock is ahead of this machine's; leases of several machines are told by it."""

    async def measure(self) -> None:
        """Compare the clocks anew."""

    async def serialize(self, name: str) -> None:
        """Inside a transaction: wait until no other one holds this name, and hold it to the end of this one.

        For "count, then write" and "look, then write" that no single conditional update can say.
        """

    def exclusively(self, name: str) -> AbstractAsyncContextManager[bool]:
        """Hold a name among all processes that serve the database while the block runs; gives False if another does.

        The block is stopped (NameLost) when the name is lost under it, because the connection ended or the process stood.
        """


class Outbox(Protocol):
    """Messages on their way out; the only way the core talks to the world. Implemented in `crm_core/outbox.py`."""

    async def put(
        self,
        to: Address,
        body: Body,
        *,
        key: str,
        account_id: int | None = None,
        not_before: datetime | None = None,
        expires_at: datetime | None = None,
        guarantee: Guarantee = Guarantee.AT_MOST_ONCE,
        topic: str = "",
        reply_to_id: int | None = None,
    ) -> int | None:
        """Queue one message in the open transaction; None if this key is known already."""


class StateStore(Protocol):
    """Small values with a lifetime: dialogs, tokens, locks. Implemented in `crm_core/state.py`.

    A lock is a value that names its owner (`crm_core/locks.py`): `add` takes it, `swap` renews it, `discard` gives it back,
    and none of the three touches a lock that somebody else has taken meanwhile.
    """

    async def get(self, key: str) -> str | None:
        """Tell the value, or None when absent or expired."""

    async def set(self, key: str, value: str, *, lasts: timedelta) -> None:
        """Keep a value for so long."""

    async def add(self, key: str, value: str, *, lasts: timedelta) -> bool:
        """Keep a value only if there is none; tell whether it was kept."""

    async def delete(self, key: str) -> None:
        """Forget a value."""

    async def swap(self, key: str, old: str, new: str, *, lasts: timedelta) -> bool:
        """Replace a value only if it is still `old`; tell whether it was."""

    async def discard(self, key: str, value: str) -> bool:
        """Forget a value only if it is still this one; tell whether it was."""

    async def look(self, key: str) -> tuple[datetime, str | None]:
        """Tell the value and the store's own time, which is one and the same for all processes."""


@dataclass(frozen=True, slots=True)
class CampaignSettings:
    """`[campaigns]`: what the guard asks of everything sent to customers. Times are Shanghai."""

    quiet_from: time = time(21)
    """Nothing is sent to customers from here until `quiet_until`; over midnight when it is the later of the two."""
    quiet_until: time = time(8, 30)
    """When sending goes on; the same as `quiet_from`: no quiet hours."""
    frequency_cap: int = 2
    """Broadcast messages one person gets within `frequency_days` at most."""
    frequency_days: int = 7
    """Over how many days `frequency_cap` counts."""
    self_approve_limit: int = 500
    """Recipients above which somebody else than the author has to approve."""
    unsigned_approvals: bool = False
    """Whether a broadcast may be approved in a chat whose platform does not sign what was written (DingTalk over HTTP)."""
    error_share_limit: int = 50
    """Percent of failures over the last 200 sends that pauses a broadcast."""


@dataclass(frozen=True, slots=True)
class AnswerRule:
    """One keyword answer: any of the words, contained in the text, gives the answer."""

    words: tuple[str, ...]
    answer: str


@dataclass(frozen=True, slots=True)
class AnswerSettings:
    """`[answers]`: what customers are told by the bot; approved by whoever edits the settings."""

    welcome: str = "您好，欢迎关注！想了解什么，直接留言即可。"
    """Said to whoever follows or becomes a contact."""
    default: str = "消息已收到，客户经理会尽快回复。"
    """Said to a message no keyword answers."""
    opt_out: str = "已退订，不会再收到群发消息。需要时直接留言即可。"
    """Said to whoever opts out (退订)."""
    opt_out_hint: str = "如需退订，请单独回复「退订」；如需恢复接收，请单独回复「订阅」。"
    """Said when somebody speaks of it in a sentence: only the word alone counts."""
    opt_in: str = "已恢复接收群发消息。不想再收到时，回复「退订」即可。"
    """Said to whoever wants to be written to again (订阅)."""
    session_end: str = "本次咨询已结束，有需要随时留言。"
    """Said in 微信客服 when a colleague ends the conversation; empty for nothing."""
    keywords: tuple[AnswerRule, ...] = ()
    """The first entry of which a word stands in the message gives the answer."""


@dataclass(frozen=True, slots=True)
class CoreSettings:
    """`[core]` and the sections whose rules live below the edge."""

    timezone: str = "Asia/Shanghai"
    """Of everything people see and write; `Asia/Shanghai` alone is possible."""
    data_dir: Path = Path("data")
    """Folder of everything but the database: backups, logs, the journal of erasures."""
    backup_keep_days: int = 30
    """How long backups in a folder of them are kept."""
    pools: PoolSettings = field(default_factory=PoolSettings)
    campaigns: CampaignSettings = field(default_factory=CampaignSettings)
    answers: AnswerSettings = field(default_factory=AnswerSettings)
    tags: TagSettings = field(default_factory=TagSettings)
    identity: IdentitySettings = field(default_factory=IdentitySettings)
    fields: OwnFields = field(default_factory=OwnFields)
    life_cycle: LifeCycleSettings = field(default_factory=LifeCycleSettings)
    customer_value: ValueSettings = field(default_factory=ValueSettings)
    leads: LeadSettings = field(default_factory=LeadSettings)
    imports: ImportSettings = field(default_factory=ImportSettings)
    opportunities: OpportunitySettings = field(default_factory=OpportunitySettings)
    distribution: DistributionSettings = field(default_factory=DistributionSettings)
    assignment: AssignmentSettings = field(default_factory=AssignmentSettings)
    sales_scripts: ScriptSettings = field(default_factory=ScriptSettings)
    scoring: ScoringSettings = field(default_factory=ScoringSettings)
    daily_work: DailyWorkSettings = field(default_factory=DailyWorkSettings)


@dataclass(frozen=True, slots=True)
class Core:
    """Everything a use case needs besides its actor and arguments. Built once, in `bot/app.py`.

    `reach` tells each channel's windows by channel name, `staff_channels` the channels employees are written to on,
    `group_channels` those of them that carry customers too, to whom broadcasts go as tasks a colleague confirms,
    `channel_labels` what people call a channel (公众号, 钉钉), `unsigned_channels` those whose platform does not sign the
    body, so that whoever saw one request can write another.
    """

    clock: Clock
    db: Database
    outbox: Outbox
    state: StateStore
    settings: CoreSettings = CoreSettings()
    reach: Mapping[str, ReachRule] = field(default_factory=dict)
    staff_channels: frozenset[str] = frozenset()
    group_channels: frozenset[str] = frozenset()
    channel_labels: Mapping[str, str] = field(default_factory=dict)
    unsigned_channels: frozenset[str] = frozenset()
    files: Files = field(default_factory=NoFiles)
    bell: Bell = field(default_factory=Bell)
    public_url: str = ""
    """Where people and platforms reach this server; empty when nobody said."""
    mail_drop: str = ""
    """The address to which mails are copied; empty where none is taken."""
