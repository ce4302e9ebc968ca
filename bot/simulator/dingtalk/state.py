"""What the parts of the simulated DingTalk share: people, groups, sessions, tokens."""

import secrets
from dataclasses import dataclass, field

from bot.simulator.accounts import DingTalkApp, SimulatorOptions
from bot.simulator.calls import Call, code, errcode, read_object
from bot.simulator.clock import SimClock
from bot.simulator.dingtalk.knobs import Knobs
from bot.simulator.dingtalk.limits import Limits
from bot.simulator.records import Json, Records

PLATFORM = "dingtalk"
ROOT_DEPARTMENT = 1
TOKEN_SECONDS = 7200
TOKEN_HEADER = "x-acs-dingtalk-access-token"  # noqa: S105 - the header's name


@dataclass(slots=True)
class Staff:
    """One person of the organisation, or an outsider in a group."""

    staff_id: str
    nick: str
    is_admin: bool = False
    outsider: bool = False
    mobile: str = ""
    department_ids: tuple[int, ...] = (ROOT_DEPARTMENT,)
    title: str = ""

    @property
    def union_id(self) -> str:
        """The id that is the same for all applications of a developer."""
        return f"union-{self.staff_id}"


@dataclass(slots=True)
class Department:
    """One department; the root has no parent."""

    department_id: int
    name: str
    parent_id: int | None = ROOT_DEPARTMENT


@dataclass(frozen=True, slots=True)
class Session:
    """Where a sessionWebhook leads, and until when."""

    conversation_id: str
    person: str
    is_group: bool
    ends_at: float


@dataclass(slots=True)
class DingTalkState:
    """The memory of one organisation with one application."""

    app: DingTalkApp
    options: SimulatorOptions
    clock: SimClock
    records: Records
    limits: Limits
    knobs: Knobs
    staff: dict[str, Staff] = field(default_factory=dict)
    departments: dict[int, Department] = field(default_factory=lambda: {ROOT_DEPARTMENT: Department(1, "公司", None)})
    groups: dict[str, str] = field(default_factory=dict)  # conversation id to title
    disbanded: set[str] = field(default_factory=set)  # conversation ids of groups that are gone
    sessions: dict[str, Session] = field(default_factory=dict)
    files: dict[str, tuple[bytes, str]] = field(default_factory=dict)  # download code to bytes and type
    flow_controlled: set[str] = field(default_factory=set)  # people whose next messages are throttled
    token: str = ""
    token_ends_at: float = 0.0
    base_url: str = ""

    def give_token(self, client_id: str, client_secret: str) -> str | None:
        """Give the token, the same one while it is good, and extend it; None for wrong credentials."""
        if (client_id, client_secret) != (self.app.client_id, self.app.client_secret):
            return None
        now = self.clock.seconds()
        if not self.token or self.token_ends_at <= now:
            self.token = secrets.token_hex(16)
        life = self.knobs.token_life_seconds
        self.token_ends_at = now + (TOKEN_SECONDS if life is None else life)
        return self.token

    def expire_token(self) -> None:
        """End the token now, earlier than promised."""
        self.token_ends_at = 0.0

    def is_good(self, token: str | None) -> bool:
        """Tell whether a token is the current one."""
        return bool(token) and token == self.token and self.clock.seconds() < self.token_ends_at

    def admit(self, call: Call) -> None:
        """Admit a call of the newer API."""
        if not self.is_good(call.headers.get(TOKEN_HEADER)):
            raise code("InvalidAuthentication", "不合法的access_token", status=self.options.invalid_token_status)
        self.limits.spend(call.path)

    def read(self, call: Call) -> Json:
        """Admit a call of the newer API and read its body."""
        self.admit(call)
        fields = read_object(call.body)
        if fields is None:
            raise code("invalidParameter.body.format", "body is not a JSON object")
        return fields

    def admit_old(self, call: Call) -> None:
        """Admit a call of the older API."""
        if not self.is_good(call.query.get("access_token")):
            raise errcode(40014, "不合法的access_token")
        self.limits.spend(call.path, older=True)

    def ensure_staff(self, staff_id: str) -> Staff:
        """Find a person, or let them join the organisation."""
        return self.staff.setdefault(staff_id, Staff(staff_id, f"员工{staff_id}"))

    def staff_id_of(self, union_id: str) -> str:
        """Find a person by union id; what is unknown stays as it is."""
        return next((who for who, person in self.staff.items() if person.union_id == union_id), union_id)

    def keep_file(self, data: bytes, content_type: str) -> str:
        """Keep a file that a person sent; gives its download code."""
        download_code = secrets.token_urlsafe(24)
        self.files[download_code] = (data, content_type)
        return download_code
